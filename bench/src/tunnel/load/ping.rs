//! ICMP echoes and how long their answers take, by the kernel's time of arrival as `ping` has it.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn,
    bind, recvmsg, sendto, setsockopt, socket, sockopt,
};

use super::{End, on_processor};
use crate::Error;

/// An answer that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(1);
/// With IPv4's and ICMP's headers 84 octets, as `ping` sends them.
const PAYLOAD: usize = 56;
const ICMP: usize = 8;
const REQUEST: u8 = 8;
const REPLY: u8 = 0;

/// What came of pings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::tunnel) struct Pings {
    /// How long the answers took, shortest first.
    pub(in crate::tunnel) times: Vec<Duration>,
    /// How many had none within a second.
    pub(in crate::tunnel) lost: usize,
}

impl Pings {
    /// The time that so many hundredths of the answers stayed within.
    pub(in crate::tunnel) fn percentile(&self, hundredths: usize) -> Option<Duration> {
        let last = self.times.len().checked_sub(1)?;
        self.times.get(last * hundredths / 100).copied()
    }
}

/// Pings so often, so far apart. Waits for each answer first.
pub(in crate::tunnel) fn ping(
    from: End<'_>,
    to: Ipv4Addr,
    count: u16,
    interval: Duration,
) -> Result<Pings, Error> {
    let failed = |cause| Error::system("pinging")(cause);
    let socket = from.place.run(|| open(from.address)).map_err(failed)?;
    let pinging = on_processor(from.processor, move || series(&socket, to, count, interval))?;
    let pings = pinging.join();
    pings
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        .map_err(failed)
}

/// Whether one ping is answered within so long; they are sent every so often.
pub(in crate::tunnel) fn answered(
    from: End<'_>,
    to: Ipv4Addr,
    patience: Duration,
    interval: Duration,
) -> Result<bool, Error> {
    let failed = |cause| Error::system("pinging")(cause);
    let socket = from.place.run(|| open(from.address)).map_err(failed)?;
    let start = Instant::now();
    for number in 0.. {
        if start.elapsed() > patience {
            break;
        }
        if echo(&socket, to, number, interval)
            .map_err(failed)?
            .is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn open(from: Ipv4Addr) -> io::Result<OwnedFd> {
    let socket = socket(
        AddressFamily::Inet,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        SockProtocol::Icmp,
    )?;
    bind(
        socket.as_raw_fd(),
        &SockaddrIn::from(SocketAddrV4::new(from, 0)),
    )?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    Ok(socket)
}

fn series(socket: &OwnedFd, to: Ipv4Addr, count: u16, interval: Duration) -> io::Result<Pings> {
    let mut pings = Pings::default();
    for number in 0..count {
        let start = Instant::now();
        match echo(socket, to, number, PATIENCE)? {
            Some(time) => pings.times.push(time),
            None => pings.lost += 1,
        }
        std::thread::sleep(interval.saturating_sub(start.elapsed()));
    }
    pings.times.sort_unstable();
    Ok(pings)
}

/// One ping; nothing when it is not answered in time.
fn echo(
    socket: &OwnedFd,
    to: Ipv4Addr,
    number: u16,
    patience: Duration,
) -> io::Result<Option<Duration>> {
    let id = std::process::id() as u16;
    let mut message = [0; ICMP + PAYLOAD];
    message[0] = REQUEST;
    message[4..6].copy_from_slice(&id.to_be_bytes());
    message[6..8].copy_from_slice(&number.to_be_bytes());
    let checksum = inet::packet::checksum(&message);
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    let target = SockaddrIn::from(SocketAddrV4::new(to, 0));
    let sent = SystemTime::now();
    let start = Instant::now();
    match sendto(socket.as_raw_fd(), &message, &target, MsgFlags::empty()) {
        // The tunnel is full or not there: as good as lost.
        Ok(_) | Err(Errno::ENOBUFS | Errno::ENETUNREACH | Errno::EAGAIN) => {}
        Err(error) => return Err(error.into()),
    }
    loop {
        let left = patience.saturating_sub(start.elapsed());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut wait = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        if poll(&mut wait, timeout)? == 0 {
            return Ok(None);
        }
        while let Some((arrived, found)) = receive(socket)? {
            if found == (id, number) {
                return Ok(Some(arrived.duration_since(sent).unwrap_or_default()));
            }
        }
    }
}

/// The next answer: when it came, and its identifier and number.
fn receive(socket: &OwnedFd) -> io::Result<Option<(SystemTime, (u16, u16))>> {
    loop {
        let mut bytes = [0; 128];
        let mut control = nix::cmsg_space!(nix::sys::time::TimeSpec);
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let got = recvmsg::<SockaddrIn>(
            socket.as_raw_fd(),
            &mut parts,
            Some(&mut control),
            MsgFlags::empty(),
        );
        let message = match got {
            Err(Errno::EAGAIN) => return Ok(None),
            got => got?,
        };
        let arrived = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(time) => Some(UNIX_EPOCH + Duration::from(time)),
            _ => None,
        });
        let len = message.bytes;
        let icmp = usize::from(bytes[0] & 0xf) * 4;
        let echo = bytes
            .get(icmp..len)
            .and_then(|icmp| icmp.first_chunk::<8>());
        if let (Some(arrived), Some([REPLY, _, _, _, a, b, c, d])) = (arrived, echo) {
            let found = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
            return Ok(Some((arrived, found)));
        }
    }
}
