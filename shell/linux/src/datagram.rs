//! UDP sockets for protocols that look at the time to live: it must not have been lowered on the way, or not by much
//! (RFC 5082).

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SetSockOpt, SockFlag, SockType, SockaddrStorage,
    bind, recvmsg, setsockopt, socket, sockopt,
};

use crate::socket::set_number;

/// Octets that may wait: some ten thousand small packets.
const RECEIVE_BUFFER: usize = 4 << 20;
/// The kernel makes the least of it that it can.
const NO_BUFFER: usize = 0;
/// Network control (RFC 2474 §4.2.2.2: class selector 6): queues let it pass first.
const NETWORK_CONTROL: u8 = 0xc0;
const IP_MINTTL: libc::c_int = 21;
const IPV6_MINHOPCOUNT: libc::c_int = 73;
const IPV6_FREEBIND: libc::c_int = 78;

/// A UDP socket that tells with which time to live each datagram came.
#[derive(Debug)]
pub struct TtlSocket {
    socket: OwnedFd,
    control: Vec<u8>,
}

impl TtlSocket {
    /// Receives on an address and port, which the machine may get only later. Datagrams with a TTL below `ttl_min`
    /// are dropped by the kernel.
    ///
    /// # Errors
    ///
    /// The port is taken, or no permission for it.
    pub fn bind(address: SocketAddr, ttl_min: u8) -> io::Result<Self> {
        let socket = open(address)?;
        match address {
            SocketAddr::V4(_) => {
                setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
                set_number(&socket, libc::IPPROTO_IP, IP_MINTTL, ttl_min.into())?;
            }
            SocketAddr::V6(_) => {
                setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true)?;
                set_number(
                    &socket,
                    libc::IPPROTO_IPV6,
                    IPV6_MINHOPCOUNT,
                    ttl_min.into(),
                )?;
            }
        }
        // Beyond the limit of ordinary processes where we may, else up to it.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
        }
        bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
        Ok(Self {
            socket,
            control: nix::cmsg_space!(libc::c_int),
        })
    }

    /// Receives a datagram: its length, who sent it, and its TTL on arrival.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when none waits.
    pub fn receive(&mut self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr, u8)> {
        loop {
            let mut parts = [IoSliceMut::new(buffer)];
            let descriptor = self.socket.as_raw_fd();
            let flags = MsgFlags::empty();
            let message =
                recvmsg::<SockaddrStorage>(descriptor, &mut parts, Some(&mut self.control), flags)?;
            let ttl = message.cmsgs()?.find_map(|control| match control {
                ControlMessageOwned::Ipv4Ttl(ttl) | ControlMessageOwned::Ipv6HopLimit(ttl) => {
                    u8::try_from(ttl).ok()
                }
                _ => None,
            });
            let from = message.address.as_ref().and_then(socket_address);
            // The kernel gives both with every UDP datagram.
            if let (Some(ttl), Some(from)) = (ttl, from) {
                return Ok((message.bytes, from, ttl));
            }
        }
    }
}

impl AsFd for TtlSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A socket that only sends, from an address and port, with a time to live of its own and before ordinary traffic.
/// What others send to it is lost.
///
/// # Errors
///
/// The port is taken.
pub fn send_only(address: SocketAddr, ttl: u8) -> io::Result<UdpSocket> {
    let socket = open(address)?;
    let ttl = i32::from(ttl);
    match address {
        SocketAddr::V4(_) => {
            setsockopt(&socket, sockopt::Ipv4Ttl, &ttl)?;
            setsockopt(&socket, sockopt::Ipv4Tos, &NETWORK_CONTROL.into())?;
        }
        SocketAddr::V6(_) => {
            setsockopt(&socket, sockopt::Ipv6Ttl, &ttl)?;
            setsockopt(&socket, sockopt::Ipv6TClass, &NETWORK_CONTROL.into())?;
        }
    }
    setsockopt(&socket, sockopt::RcvBuf, &NO_BUFFER)?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(UdpSocket::from(socket))
}

fn open(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(family, SockType::Datagram, flags, None)?;
    match address {
        SocketAddr::V4(_) => sockopt::IpFreebind.set(&socket, &true)?,
        SocketAddr::V6(_) => {
            sockopt::Ipv6V6Only.set(&socket, &true)?;
            set_number(&socket, libc::IPPROTO_IPV6, IPV6_FREEBIND, 1)?;
        }
    }
    Ok(socket)
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address
        .as_sockaddr_in()
        .map(|v4| SocketAddr::new(IpAddr::V4(v4.ip()), v4.port()));
    v4.or_else(|| {
        let v6 = address.as_sockaddr_in6()?;
        Some(SocketAddr::new(IpAddr::V6(v6.ip()), v6.port()))
    })
}
