//! UDP sockets that carry many datagrams a system call: a batch of equal datagrams to one place travels as one buffer
//! with its segment size (`UDP_SEGMENT`, `UDP_GRO` of udp(7)), and several buffers are received at once (recvmmsg(2)).
//! The type of service, with its two bits of congestion notification, goes along both ways.

#![expect(
    unsafe_code,
    reason = "batches with control messages have no safe binding without allocation"
)]

mod control;
mod steer;

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{mem, ptr};

use nix::errno::Errno;
use nix::sys::socket::{SetSockOpt, SockaddrIn, bind, setsockopt, sockopt};

use crate::socket::{bind_to_device, open_udp, set_number};
use control::Control;

pub use steer::steer_by_receiver;

/// As many datagrams as the kernel cuts a buffer into on every version (`UDP_MAX_SEGMENTS` was 64 before Linux 6.2).
pub const SEGMENTS_MAX: usize = 64;
/// As many octets as a buffer to send may have: what fits an IPv4 packet beside its headers.
pub const BATCH_OCTETS_MAX: usize = 65_507;
/// As many buffers as one call fills.
pub const BUFFERS_MAX: usize = 16;

/// How a socket is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// Octets that may wait, each way.
    pub buffer: usize,
    /// Whether other sockets of the process share the port ([`steer_by_receiver`] says which gets what).
    pub shared: bool,
    /// Whether datagrams go out whole whatever routers have said about the path's MTU, for those who measure it
    /// themselves (RFC 8899); otherwise the kernel keeps the path's MTU and cuts what exceeds it.
    pub probes_mtu: bool,
}

/// A UDP socket on a port of one interface. It sends through that interface only and never blocks.
#[derive(Debug)]
pub struct BatchSocket {
    socket: OwnedFd,
    /// Whether the kernel cuts batches: not every device can.
    cuts: AtomicBool,
}

/// What came in one buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Octets of all datagrams.
    pub len: usize,
    /// Octets of each datagram but the last, which may be shorter.
    pub segment: usize,
    /// Who sent them.
    pub from: SocketAddrV4,
    /// The type of service that they arrived with.
    pub tos: u8,
}

impl BatchSocket {
    /// Opens a socket on a port of an interface, whatever the interface's addresses are.
    ///
    /// # Errors
    ///
    /// No such interface, or the port is taken.
    pub fn open(interface: &str, port: u16, options: BatchOptions) -> io::Result<Self> {
        let socket = open_udp()?;
        bind_to_device(&socket, interface)?;
        set_buffers(&socket, options.buffer)?;
        sockopt::ReusePort.set(&socket, &options.shared)?;
        sockopt::IpRecvTos.set(&socket, &true)?;
        if options.probes_mtu {
            let probe = libc::IP_PMTUDISC_PROBE;
            set_number(&socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, probe)?;
        }
        // Both are younger than the rest: without them every datagram travels alone.
        let joins = set_number(&socket, libc::SOL_UDP, libc::UDP_GRO, 1);
        let cuts =
            joins.is_ok() && set_number(&socket, libc::SOL_UDP, libc::UDP_SEGMENT, 0).is_ok();
        let port = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
        bind(socket.as_raw_fd(), &SockaddrIn::from(port))?;
        Ok(Self {
            socket,
            cuts: AtomicBool::new(cuts),
        })
    }

    /// A second descriptor of the socket, to send single datagrams with.
    ///
    /// # Errors
    ///
    /// Too many open files.
    pub fn sender(&self) -> io::Result<UdpSocket> {
        Ok(UdpSocket::from(self.socket.try_clone()?))
    }

    /// Sends `bytes` as datagrams of `segment` octets, the last of what is left: at most [`SEGMENTS_MAX`] and
    /// [`BATCH_OCTETS_MAX`]. Where the kernel cannot cut them they go one by one; if that happens because of the
    /// device (EIO without checksum offload), then all later ones too.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when the socket is full, and then nothing or the first datagrams have been sent; no route; a
    /// datagram too large for the interface.
    pub fn send(&self, to: SocketAddrV4, tos: u8, bytes: &[u8], segment: usize) -> io::Result<()> {
        let alone = segment == 0 || bytes.len() <= segment;
        if alone {
            return self.send_whole(to, tos, bytes, 0);
        }
        if self.cuts.load(Ordering::Relaxed) {
            match self.send_whole(to, tos, bytes, segment) {
                Err(error) if error.raw_os_error() == Some(libc::EIO) => {
                    self.cuts.store(false, Ordering::Relaxed);
                }
                // The kernel cuts no datagram into fragments while it cuts a batch into datagrams.
                Err(error)
                    if matches!(error.raw_os_error(), Some(libc::EMSGSIZE | libc::EINVAL)) => {}
                other => return other,
            }
        }
        self.send_singly(to, tos, bytes, segment)
    }

    fn send_whole(
        &self,
        to: SocketAddrV4,
        tos: u8,
        bytes: &[u8],
        segment: usize,
    ) -> io::Result<()> {
        let mut address = raw_address(to);
        let mut control = Control::to_send(tos, segment);
        let mut part = raw_part(bytes);
        let message = raw_message(&mut address, &mut part, control.sent());
        // SAFETY: the message points at the address, the part and the control messages, which live through the call,
        // with their lengths; the kernel only reads them.
        let sent = || unsafe { libc::sendmsg(self.socket.as_raw_fd(), &raw const message, 0) };
        retry(sent)?;
        Ok(())
    }

    fn send_singly(
        &self,
        to: SocketAddrV4,
        tos: u8,
        bytes: &[u8],
        segment: usize,
    ) -> io::Result<()> {
        let mut address = raw_address(to);
        let mut control = Control::to_send(tos, 0);
        let mut parts = [raw_part(&[]); SEGMENTS_MAX];
        // SAFETY: `mmsghdr` is plain old data, for which all zeros is a valid value.
        let mut messages: [libc::mmsghdr; SEGMENTS_MAX] = unsafe { mem::zeroed() };
        let mut count = 0;
        for ((piece, part), message) in bytes.chunks(segment).zip(&mut parts).zip(&mut messages) {
            *part = raw_part(piece);
            message.msg_hdr = raw_message(&mut address, part, control.sent());
            count += 1;
        }
        let mut done = 0;
        while let Some(rest) = messages
            .get_mut(done..count)
            .filter(|rest| !rest.is_empty())
        {
            let len = libc::c_uint::try_from(rest.len()).expect("at most 64");
            // SAFETY: `rest` has `len` messages, each of which points at the address, a part and the control messages,
            // which live through the call, with their lengths; the kernel writes only into `rest`.
            let sent =
                || unsafe { libc::sendmmsg(self.socket.as_raw_fd(), rest.as_mut_ptr(), len, 0) };
            done += usize::try_from(retry(sent)?).unwrap_or(1).max(1);
        }
        Ok(())
    }

    /// Receives into `buffers`, at most [`BUFFERS_MAX`] of them: tells of each in order what came; how many were
    /// filled.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing waits; errors that routers reported about what was sent, once each.
    pub fn receive<'a>(
        &self,
        buffers: impl Iterator<Item = &'a mut [u8]>,
        mut each: impl FnMut(usize, Received),
    ) -> io::Result<usize> {
        let mut addresses = [raw_address(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)); BUFFERS_MAX];
        let mut controls = [Control::to_receive(); BUFFERS_MAX];
        // SAFETY: both are plain old data, for which all zeros is a valid value.
        let (mut parts, mut messages): ([libc::iovec; BUFFERS_MAX], [libc::mmsghdr; BUFFERS_MAX]) =
            unsafe { mem::zeroed() };
        let mut room = 0;
        for ((((buffer, part), message), address), control) in buffers
            .zip(&mut parts)
            .zip(&mut messages)
            .zip(&mut addresses)
            .zip(&mut controls)
        {
            part.iov_base = buffer.as_mut_ptr().cast();
            part.iov_len = buffer.len();
            message.msg_hdr = raw_message(address, part, control.room());
            room += 1;
        }
        // SAFETY: the first `room` messages point at distinct buffers, addresses and control rooms, which are borrowed
        // for longer than the call, with their lengths.
        let count = retry(|| unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                messages.as_mut_ptr(),
                room,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        })?;
        let count = usize::try_from(count).unwrap_or(0);
        let filled = messages.iter().zip(&addresses).zip(&controls).take(count);
        for (at, ((message, address), control)) in filled.enumerate() {
            let len = usize::try_from(message.msg_len).unwrap_or(0);
            let (tos, segment) = control.received(message.msg_hdr.msg_controllen);
            let from = SocketAddrV4::new(
                Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)),
                u16::from_be(address.sin_port),
            );
            each(
                at,
                Received {
                    len,
                    segment: segment.unwrap_or(len),
                    from,
                    tos,
                },
            );
        }
        Ok(count)
    }
}

impl AsFd for BatchSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for BatchSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Beyond the limit of ordinary processes where we may, else up to it.
fn set_buffers(socket: &OwnedFd, octets: usize) -> io::Result<()> {
    if setsockopt(socket, sockopt::RcvBufForce, &octets).is_err() {
        setsockopt(socket, sockopt::RcvBuf, &octets)?;
    }
    if setsockopt(socket, sockopt::SndBufForce, &octets).is_err() {
        setsockopt(socket, sockopt::SndBuf, &octets)?;
    }
    Ok(())
}

fn raw_address(address: SocketAddrV4) -> libc::sockaddr_in {
    *SockaddrIn::from(address).as_ref()
}

fn raw_part(bytes: &[u8]) -> libc::iovec {
    libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    }
}

fn raw_message(
    address: &mut libc::sockaddr_in,
    part: &mut libc::iovec,
    (control, control_len): (*mut libc::c_void, usize),
) -> libc::msghdr {
    // SAFETY: `msghdr` is plain old data, for which all zeros is a valid value.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_name = ptr::from_mut(address).cast();
    message.msg_namelen =
        libc::socklen_t::try_from(size_of::<libc::sockaddr_in>()).expect("a small struct");
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = control_len;
    message
}

/// Repeats a call that a signal interrupted.
fn retry<T: nix::errno::ErrnoSentinel + PartialEq<T>>(
    mut call: impl FnMut() -> T,
) -> io::Result<T> {
    loop {
        match Errno::result(call()) {
            Err(Errno::EINTR) => {}
            other => return Ok(other?),
        }
    }
}
