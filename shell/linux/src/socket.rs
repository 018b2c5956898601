//! Sockets with the options that routing needs. All are non-blocking and close on exec.

#![expect(unsafe_code, reason = "raw VRRP sockets have no safe binding")]

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, IpMembershipRequest, MsgFlags, SockFlag, SockProtocol, SockType,
    SockaddrIn, SockaddrStorage, bind, connect, listen, recvfrom, sendto, setsockopt, socket,
    sockopt,
};

/// IP protocol number of VRRP (RFC 9568 section 5.1.1.4).
const VRRP: libc::c_int = 112;
/// Where VRRP advertisements go (RFC 9568 section 5.1.1.2).
const VRRP_GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// Octets that tunnels may have waiting in a socket, each way.
const UDP_BUFFER: usize = 4 << 20;

fn open(kind: SockType, protocol: Option<SockProtocol>) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    Ok(socket(AddressFamily::Inet, kind, flags, protocol)?)
}

pub(crate) fn bind_to_device(socket: &OwnedFd, interface: &str) -> io::Result<()> {
    Ok(setsockopt(
        socket,
        sockopt::BindToDevice,
        &OsString::from(interface),
    )?)
}

/// A UDP socket without an address yet.
pub(crate) fn open_udp() -> io::Result<OwnedFd> {
    open(SockType::Datagram, None)
}

/// A UDP socket on a port of one interface, whatever the interface's addresses are: it sends
/// through that interface only.
///
/// # Errors
///
/// No such interface, or the port is taken.
pub fn udp_on_interface(interface: &str, port: u16) -> io::Result<UdpSocket> {
    let socket = open(SockType::Datagram, None)?;
    bind_to_device(&socket, interface)?;
    // Beyond the limit of ordinary processes where we may, else up to it.
    if setsockopt(&socket, sockopt::RcvBufForce, &UDP_BUFFER).is_err() {
        setsockopt(&socket, sockopt::RcvBuf, &UDP_BUFFER)?;
        setsockopt(&socket, sockopt::SndBuf, &UDP_BUFFER)?;
    } else {
        setsockopt(&socket, sockopt::SndBufForce, &UDP_BUFFER)?;
    }
    bind(
        socket.as_raw_fd(),
        &SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port)),
    )?;
    Ok(UdpSocket::from(socket))
}

/// Begins a TCP connection from a given address, of the same family as the other end's. The socket
/// is writable once the connection is made or has failed; `TcpStream::take_error` tells which.
///
/// # Errors
///
/// The source is not an address of this machine, or there is no route.
pub fn tcp_connect(source: IpAddr, to: SocketAddr, ttl: u8) -> io::Result<TcpStream> {
    tcp_connect_with(source, to, ttl, |_| Ok(()))
}

/// Like [`tcp_connect`]; `prepare` sets options of the socket before the first segment leaves.
///
/// # Errors
///
/// Those of [`tcp_connect`] and of `prepare`.
pub fn tcp_connect_with(
    source: IpAddr,
    to: SocketAddr,
    ttl: u8,
    prepare: impl FnOnce(&OwnedFd) -> io::Result<()>,
) -> io::Result<TcpStream> {
    let socket = open_tcp(to)?;
    set_ttl(&socket, to.is_ipv6(), ttl)?;
    prepare(&socket)?;
    setsockopt(&socket, sockopt::TcpNoDelay, &true)?;
    bind(
        socket.as_raw_fd(),
        &SockaddrStorage::from(SocketAddr::new(source, 0)),
    )?;
    match connect(socket.as_raw_fd(), &SockaddrStorage::from(to)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(TcpStream::from(socket)),
        Err(error) => Err(error.into()),
    }
}

/// Listens for TCP connections. The address may be one that the machine gets only later; an IPv6
/// socket takes IPv6 connections only. Its answers to calls go out with the largest time to live,
/// because callers may insist on it (RFC 5082).
///
/// # Errors
///
/// The port is taken, or no permission for it.
pub fn tcp_listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open_tcp(address)?;
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    setsockopt(&socket, sockopt::IpFreebind, &true)?;
    if address.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6V6Only, &true)?;
    }
    set_ttl(&socket, address.is_ipv6(), u8::MAX)?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    listen(&socket, Backlog::new(256).expect("a small backlog"))?;
    Ok(TcpListener::from(socket))
}

pub(crate) fn open_tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    Ok(socket(family, SockType::Stream, flags, None)?)
}

/// Sets the time to live (hop limit) of what a socket sends.
///
/// # Errors
///
/// The socket is not of the family.
pub fn set_ttl(socket: &impl AsFd, is_ipv6: bool, ttl: u8) -> io::Result<()> {
    if is_ipv6 {
        setsockopt(socket, sockopt::Ipv6Ttl, &ttl.into())?;
    } else {
        setsockopt(socket, sockopt::Ipv4Ttl, &ttl.into())?;
    }
    Ok(())
}

/// A socket for ICMP messages: what is sent begins with the ICMP header, what is received with the
/// IPv4 header.
///
/// # Errors
///
/// No permission for raw sockets.
pub fn icmp() -> io::Result<RawSocket> {
    Ok(RawSocket(open(SockType::Raw, Some(SockProtocol::Icmp))?))
}

/// A socket for VRRP on one interface: a member of the group, sending with TTL 255
/// (RFC 9568 section 5.1.1.3), not hearing itself. What is received begins with the IPv4 header.
///
/// # Errors
///
/// No such interface or address on it, or no permission for raw sockets.
pub fn vrrp(interface: &str, address: Ipv4Addr) -> io::Result<RawSocket> {
    // SAFETY: no memory is passed.
    let descriptor = Errno::result(unsafe {
        libc::socket(
            libc::AF_INET,
            libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
            VRRP,
        )
    })?;
    // SAFETY: the kernel has just made this descriptor and nothing else knows its number.
    let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
    bind_to_device(&socket, interface)?;
    setsockopt(
        &socket,
        sockopt::IpAddMembership,
        &IpMembershipRequest::new(VRRP_GROUP, Some(address)),
    )?;
    setsockopt(&socket, sockopt::IpMulticastTtl, &255)?;
    setsockopt(&socket, sockopt::IpMulticastLoop, &false)?;
    bind_source(&socket, address)?;
    Ok(RawSocket(socket))
}

/// Sets an option that is an integer.
pub(crate) fn set_number(
    socket: &OwnedFd,
    level: libc::c_int,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of_val(&value)).expect("a small number");
    // SAFETY: `value` lives through the call and `len` is its size.
    Errno::result(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            len,
        )
    })?;
    Ok(())
}

/// Packets leave with this source and, when they go to a group, through the interface that has it.
fn bind_source(socket: &OwnedFd, address: Ipv4Addr) -> io::Result<()> {
    let request = libc::ip_mreqn {
        imr_multiaddr: libc::in_addr { s_addr: 0 },
        imr_address: libc::in_addr {
            s_addr: u32::from(address).to_be(),
        },
        imr_ifindex: 0,
    };
    let len = libc::socklen_t::try_from(size_of_val(&request)).expect("a small struct");
    // SAFETY: `request` lives through the call and `len` is its size.
    Errno::result(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_MULTICAST_IF,
            (&raw const request).cast(),
            len,
        )
    })?;
    Ok(())
}

/// A raw IPv4 socket of one protocol.
#[derive(Debug)]
pub struct RawSocket(OwnedFd);

impl RawSocket {
    /// Sends to the VRRP group.
    ///
    /// # Errors
    ///
    /// The interface is down, or its queue is full (`WouldBlock`).
    pub fn send_to_vrrp_group(&self, payload: &[u8]) -> io::Result<()> {
        self.send_to(payload, VRRP_GROUP)
    }

    /// Sends to one host.
    ///
    /// # Errors
    ///
    /// No route, or the interface's queue is full (`WouldBlock`).
    pub fn send_to(&self, payload: &[u8], to: Ipv4Addr) -> io::Result<()> {
        let to = SockaddrIn::from(SocketAddrV4::new(to, 0));
        sendto(self.0.as_raw_fd(), payload, &to, MsgFlags::empty())?;
        Ok(())
    }

    /// Receives a packet with its IPv4 header; its length.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when none waits.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (len, _) = recvfrom::<SockaddrStorage>(self.0.as_raw_fd(), buffer)?;
        Ok(len)
    }
}

impl AsFd for RawSocket {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for RawSocket {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.0.as_raw_fd()
    }
}
