//! One UDP socket that speaks for many addresses (IP_PKTINFO).

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, sendmsg, setsockopt,
    sockopt,
};

/// Octets that may wait: an answer to each of many sites at once.
const BUFFER: usize = 8 << 20;

/// The socket.
pub(super) struct Socket(UdpSocket);

/// A datagram that came.
pub(super) struct Arrived {
    pub(super) len: usize,
    pub(super) from: SocketAddrV4,
    /// Which of our addresses it came to.
    pub(super) to: Ipv4Addr,
}

impl Socket {
    pub(super) fn open(port: u16) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        setsockopt(&socket, sockopt::RcvBufForce, &BUFFER)?;
        setsockopt(&socket, sockopt::SndBuf, &BUFFER)?;
        Ok(Self(socket))
    }

    /// Waits for a datagram, but no longer than this.
    pub(super) fn wait(&self, time: Duration) -> io::Result<()> {
        let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
        let mut wait = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut wait, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a datagram from one of our addresses. One for which there is no room is lost.
    pub(super) fn send(&self, from: Ipv4Addr, to: SocketAddrV4, bytes: &[u8]) -> io::Result<()> {
        let info = libc::in_pktinfo {
            ipi_ifindex: 0,
            ipi_spec_dst: libc::in_addr {
                s_addr: u32::from(from).to_be(),
            },
            ipi_addr: libc::in_addr { s_addr: 0 },
        };
        let (socket, target) = (self.0.as_raw_fd(), SockaddrIn::from(to));
        let control = [ControlMessage::Ipv4PacketInfo(&info)];
        let parts = [IoSlice::new(bytes)];
        match sendmsg(socket, &parts, &control, MsgFlags::empty(), Some(&target)) {
            Ok(_) | Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ECONNREFUSED) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The next datagram, if one waits.
    pub(super) fn receive(&self, room: &mut [u8]) -> io::Result<Option<Arrived>> {
        let mut control = nix::cmsg_space!(libc::in_pktinfo);
        let mut parts = [IoSliceMut::new(room)];
        let socket = self.0.as_raw_fd();
        let flags = MsgFlags::empty();
        let got = recvmsg::<SockaddrIn>(socket, &mut parts, Some(&mut control), flags);
        let message = match got {
            Err(Errno::EAGAIN | Errno::ECONNREFUSED) => return Ok(None),
            got => got?,
        };
        let to = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                Some(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr)))
            }
            _ => None,
        });
        let from = message
            .address
            .map(|from| SocketAddrV4::new(from.ip(), from.port()));
        Ok(to.zip(from).map(|(to, from)| Arrived {
            len: message.bytes,
            from,
            to,
        }))
    }
}
