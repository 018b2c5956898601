//! From the device to the wire: super-packets are cut straight into a batch of slots.

use std::io::{self, IoSlice};
use std::net::UdpSocket;
use std::os::fd::{AsFd as _, AsRawFd as _};

use linux::{TunQueue, VNET_HEADER};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

use super::is_quiet;
use super::seal::{HEADER, Sealer, Suite, TAG};
use super::wire::{self, FIN_PSH, IP, Offload};

/// The kernel's limit on the segments of a batch (`UDP_MAX_SEGMENTS` before Linux 6.9).
const SEGMENTS_MAX: usize = 64;
/// The longest UDP payload over IPv4.
const BATCH_MAX: usize = 65_507;
/// What the device gives at most.
const SUPER_PACKET: usize = 65_536;
const CWR: u8 = 0x80;

pub(super) struct Outbound {
    sealer: Sealer,
    packet: Box<[u8]>,
    batch: Batch,
}

impl Outbound {
    pub(super) fn new(suite: Suite) -> Self {
        Self {
            sealer: Sealer::new(suite),
            packet: vec![0; SUPER_PACKET].into(),
            batch: Batch::new(),
        }
    }

    /// Takes one packet of the device; false when none waits.
    pub(super) fn take(&mut self, tun: &TunQueue, socket: &UdpSocket) -> io::Result<bool> {
        let mut head = [0; VNET_HEADER];
        let len = match tun.read(&mut head, &mut self.packet) {
            Ok(len) => len,
            Err(error) if is_quiet(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        let packet = &mut self.packet[..len];
        let offload = Offload::read(head);
        if offload.tcp {
            cut(packet, offload, &mut self.sealer, &mut self.batch, socket)?;
        } else if packet.len() >= IP && packet[0] >> 4 == 4 {
            if offload.needs_checksum {
                wire::complete(packet, offload);
            }
            let slot = self.batch.slot(packet.len(), socket)?;
            slot[HEADER..HEADER + packet.len()].copy_from_slice(packet);
            self.sealer.seal(slot);
        }
        Ok(true)
    }

    /// Sends what has gathered.
    pub(super) fn flush(&mut self, socket: &UdpSocket) -> io::Result<()> {
        self.batch.flush(socket)
    }
}

/// Cuts a TCP super-packet into finished segments.
fn cut(
    packet: &[u8],
    offload: Offload,
    sealer: &mut Sealer,
    batch: &mut Batch,
    socket: &UdpSocket,
) -> io::Result<()> {
    // The kernel's `hdr_len` is a hint; the TCP header knows its length.
    let Some(&words) = packet.get(IP + 12) else {
        return Ok(());
    };
    let headers = IP + usize::from(words >> 4) * 4;
    let Some((head, payload)) = packet.split_at_checked(headers) else {
        return Ok(());
    };
    let first = wire::u32_at(head, IP + 4);
    let id = wire::u16_at(head, 4);
    let size = usize::from(offload.segment).max(1);
    let last = payload.len().div_ceil(size).saturating_sub(1);
    for (index, chunk) in payload.chunks(size).enumerate() {
        let len = headers + chunk.len();
        let slot = batch.slot(len, socket)?;
        let segment = &mut slot[HEADER..HEADER + len];
        segment[..headers].copy_from_slice(head);
        segment[headers..].copy_from_slice(chunk);
        wire::put(segment, 2, u16::try_from(len).unwrap_or(u16::MAX));
        wire::put(segment, 4, id.wrapping_add(index as u16));
        wire::finish_ip(segment);
        let sequence = first.wrapping_add((index * size) as u32);
        segment[IP + 4..IP + 8].copy_from_slice(&sequence.to_be_bytes());
        if index < last {
            segment[IP + 13] &= !FIN_PSH;
        }
        if index > 0 {
            segment[IP + 13] &= !CWR;
        }
        wire::put(segment, IP + 16, 0);
        let sum = wire::sum(&segment[IP..], wire::pseudo(segment, len - IP));
        wire::put(segment, IP + 16, !wire::fold(sum));
        sealer.seal(slot);
    }
    Ok(())
}

/// Datagrams of one size, the last perhaps shorter, behind each other.
struct Batch {
    bytes: Box<[u8]>,
    len: usize,
    segment: usize,
    count: usize,
    /// A shorter one was the last.
    closed: bool,
}

impl Batch {
    fn new() -> Self {
        Self {
            bytes: vec![0; BATCH_MAX].into(),
            len: 0,
            segment: 0,
            count: 0,
            closed: false,
        }
    }

    /// Room for a packet with header and tag; sends first what it does not fit behind.
    fn slot(&mut self, packet: usize, socket: &UdpSocket) -> io::Result<&mut [u8]> {
        let size = HEADER + packet + TAG;
        let fits = !self.closed
            && size <= self.segment
            && self.count < SEGMENTS_MAX
            && self.len + size <= BATCH_MAX;
        if !fits {
            self.flush(socket)?;
            self.segment = size;
        }
        self.closed = size < self.segment;
        self.count += 1;
        let start = self.len;
        self.len += size;
        Ok(&mut self.bytes[start..start + size])
    }

    fn flush(&mut self, socket: &UdpSocket) -> io::Result<()> {
        if self.len > 0 {
            send(socket, &self.bytes[..self.len], self.segment)?;
        }
        self.len = 0;
        self.count = 0;
        self.segment = 0;
        self.closed = false;
        Ok(())
    }
}

/// Sends datagrams of one size in one call, waiting while the socket is full.
pub(super) fn send(socket: &UdpSocket, bytes: &[u8], segment: usize) -> io::Result<()> {
    let size = u16::try_from(segment).unwrap_or(u16::MAX);
    let offload = [ControlMessage::UdpGsoSegments(&size)];
    let control: &[_] = if bytes.len() > segment { &offload } else { &[] };
    let parts = [IoSlice::new(bytes)];
    loop {
        match sendmsg::<()>(socket.as_raw_fd(), &parts, control, MsgFlags::empty(), None) {
            Ok(_) | Err(Errno::ECONNREFUSED) => return Ok(()),
            Err(Errno::EAGAIN) => {
                let mut wait = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
                poll(&mut wait, PollTimeout::NONE)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
