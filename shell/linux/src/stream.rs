//! TCP connections that carry tunnels: bound to one interface, given up soon when the other end is gone, and with little
//! waiting in the kernel, where nobody can drop it.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{Backlog, SockaddrIn, bind, connect, listen, setsockopt, sockopt};

use crate::socket::{bind_to_device, open_tcp, set_number};

/// Octets that the kernel takes before they can be sent (`TCP_NOTSENT_LOWAT`): 10 ms of 100 Mb/s.
const UNSENT: libc::c_int = 128 * 1024;
/// Seconds after which an idle connection is asked whether it lives, and between the questions: under the time-outs of
/// firewalls and load balancers.
const KEEPALIVE: u32 = 20;
/// Milliseconds after which a connection is given up that does not acknowledge.
const GIVE_UP: u32 = 20_000;

/// Begins a connection out of an interface. The socket is writable once it stands or has failed;
/// `TcpStream::take_error` tells which.
///
/// # Errors
///
/// No such interface, or no route.
pub fn connect_from(interface: &str, to: SocketAddrV4) -> io::Result<TcpStream> {
    let socket = open(interface, to)?;
    match connect(socket.as_raw_fd(), &SockaddrIn::from(to)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(TcpStream::from(socket)),
        Err(error) => Err(error.into()),
    }
}

/// Listens on a port of an interface, whatever the interface's addresses are.
///
/// # Errors
///
/// No such interface, or the port is taken.
pub fn listen_on(interface: &str, port: u16) -> io::Result<TcpListener> {
    let address = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
    let socket = open(interface, address)?;
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    bind(socket.as_raw_fd(), &SockaddrIn::from(address))?;
    listen(&socket, Backlog::new(256).expect("a small backlog"))?;
    Ok(TcpListener::from(socket))
}

/// A socket with the options that connections from a listener inherit.
fn open(interface: &str, address: SocketAddrV4) -> io::Result<OwnedFd> {
    let socket = open_tcp(address.into())?;
    bind_to_device(&socket, interface)?;
    setsockopt(&socket, sockopt::TcpNoDelay, &true)?;
    setsockopt(&socket, sockopt::KeepAlive, &true)?;
    setsockopt(&socket, sockopt::TcpKeepIdle, &KEEPALIVE)?;
    setsockopt(&socket, sockopt::TcpKeepInterval, &KEEPALIVE)?;
    setsockopt(&socket, sockopt::TcpUserTimeout, &GIVE_UP)?;
    set_number(&socket, libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, UNSENT)?;
    Ok(socket)
}
