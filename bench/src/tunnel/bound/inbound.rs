//! From the wire to the device: batches are opened in place, and runs of segments of a TCP
//! connection go to the kernel as one super-packet, gathered from where they lie.

use std::io::{self, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;

use linux::TunQueue;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg};

use super::is_quiet;
use super::seal::{HEADER, Sealer, Suite, TAG};
use super::wire::{self, ACK, IP, Offload, PSH, TCP};

/// What the kernel gathers at most.
const BATCH: usize = 65_536;
/// IPv4's longest packet.
const JOINED_MAX: usize = 65_535;

pub(super) struct Inbound {
    sealer: Sealer,
    receiver: Receiver,
}

/// A run of segments that may go as one.
struct Run {
    /// Where the first packet lies.
    start: usize,
    /// Length of its headers.
    headers: usize,
    /// Of the payload of each but the last.
    segment: usize,
    /// All of the packet so far.
    total: usize,
    /// The sequence number that comes next.
    next: u32,
    /// Where the payloads of the others lie.
    parts: Vec<(usize, usize)>,
    first_len: usize,
    closed: bool,
}

impl Inbound {
    pub(super) fn new(suite: Suite) -> Self {
        Self {
            sealer: Sealer::new(suite),
            receiver: Receiver::new(),
        }
    }

    /// Takes one batch; false when none waits.
    pub(super) fn turn(&mut self, socket: &UdpSocket, tun: &TunQueue) -> io::Result<bool> {
        let Some((len, segment)) = self.receiver.receive(socket)? else {
            return Ok(false);
        };
        let bytes = &mut self.receiver.bytes;
        let mut run: Option<Run> = None;
        let mut start = 0;
        while start < len {
            let end = (start + segment).min(len);
            if self.sealer.open(&mut bytes[start..end]) {
                let (from, to) = (start + HEADER, end - TAG);
                if !run.as_mut().is_some_and(|run| run.add(bytes, from, to)) {
                    deliver(tun, bytes, run.take());
                    run = Run::of(bytes, from, to);
                    if run.is_none() {
                        write(tun, Offload::default(), &[&bytes[from..to]]);
                    }
                }
            }
            start = end;
        }
        deliver(tun, bytes, run);
        Ok(true)
    }
}

/// Whether a packet is a TCP segment with data whose checksum is right; the length of its headers.
fn joinable(packet: &[u8]) -> Option<usize> {
    if packet.len() < IP + 20 || packet[0] != 0x45 || packet[9] != TCP {
        return None;
    }
    let headers = IP + usize::from(packet[IP + 12] >> 4) * 4;
    let flags = packet[IP + 13];
    let whole = usize::from(wire::u16_at(packet, 2)) == packet.len() && headers < packet.len();
    let right = || {
        let sum = wire::sum(&packet[IP..], wire::pseudo(packet, packet.len() - IP));
        wire::fold(sum) == 0xffff
    };
    (whole && flags & !PSH == ACK && right()).then_some(headers)
}

impl Run {
    fn of(bytes: &[u8], from: usize, to: usize) -> Option<Self> {
        let packet = &bytes[from..to];
        let headers = joinable(packet)?;
        let segment = packet.len() - headers;
        Some(Self {
            start: from,
            headers,
            segment,
            total: packet.len(),
            next: wire::u32_at(packet, IP + 4).wrapping_add(segment as u32),
            parts: Vec::with_capacity(45),
            first_len: packet.len(),
            closed: packet[IP + 13] & PSH != 0,
        })
    }

    /// Takes the next packet in, when it is the next of the same connection.
    fn add(&mut self, bytes: &mut [u8], from: usize, to: usize) -> bool {
        let packet = &bytes[from..to];
        let first = &bytes[self.start..self.start + self.headers];
        if self.closed || packet.len() < self.headers {
            return false;
        }
        let payload = packet.len() - self.headers;
        let same = packet[1] == first[1]
            && packet[8..10] == first[8..10]
            && packet[12..IP + 4] == first[12..IP + 4]
            && packet[IP + 8..IP + 13] == first[IP + 8..IP + 13]
            && packet[IP + 14..IP + 16] == first[IP + 14..IP + 16]
            && packet[IP + 20..self.headers] == first[IP + 20..];
        let fits = payload <= self.segment && self.total + payload <= JOINED_MAX;
        if !same
            || !fits
            || wire::u32_at(packet, IP + 4) != self.next
            || joinable(packet) != Some(self.headers)
        {
            return false;
        }
        self.closed = payload < self.segment || packet[IP + 13] & PSH != 0;
        self.next = self.next.wrapping_add(payload as u32);
        self.total += payload;
        let flags = packet[IP + 13];
        self.parts.push((from + self.headers, to));
        bytes[self.start + IP + 13] |= flags;
        true
    }
}

fn deliver(tun: &TunQueue, bytes: &mut [u8], run: Option<Run>) {
    let Some(run) = run else {
        return;
    };
    let mut offload = Offload::default();
    if !run.parts.is_empty() {
        let packet = &mut bytes[run.start..run.start + run.first_len];
        wire::put(packet, 2, u16::try_from(run.total).unwrap_or(u16::MAX));
        wire::finish_ip(packet);
        let pseudo = wire::fold(wire::pseudo(packet, run.total - IP));
        wire::put(packet, IP + 16, pseudo);
        offload = Offload {
            needs_checksum: true,
            tcp: true,
            header_len: u16::try_from(run.headers).unwrap_or(0),
            segment: u16::try_from(run.segment).unwrap_or(0),
            checksum_start: 20,
            checksum_offset: 16,
        };
    }
    let mut parts = Vec::with_capacity(run.parts.len() + 1);
    parts.push(&bytes[run.start..run.start + run.first_len]);
    parts.extend(run.parts.iter().map(|(from, to)| &bytes[*from..*to]));
    write(tun, offload, &parts);
}

fn write(tun: &TunQueue, offload: Offload, parts: &[&[u8]]) {
    // A device that is down or full loses packets, as any.
    let _ = tun.write(&offload.write(), parts);
}

/// Receives batches.
pub(super) struct Receiver {
    pub(super) bytes: Box<[u8]>,
    control: Vec<u8>,
}

impl Receiver {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; BATCH].into(),
            control: nix::cmsg_space!(i32),
        }
    }

    /// One batch: its length and that of each datagram but the last. Nothing when none waits.
    pub(super) fn receive(&mut self, socket: &UdpSocket) -> io::Result<Option<(usize, usize)>> {
        let mut parts = [IoSliceMut::new(&mut self.bytes)];
        let descriptor = socket.as_raw_fd();
        let control = Some(self.control.as_mut_slice());
        let got = recvmsg::<SockaddrIn>(descriptor, &mut parts, control, MsgFlags::empty());
        let message = match got.map_err(io::Error::from) {
            Ok(message) => message,
            Err(error) if is_quiet(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let segment = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::UdpGroSegments(size) => usize::try_from(size).ok(),
            _ => None,
        });
        Ok(Some((
            message.bytes,
            segment.unwrap_or(message.bytes).max(1),
        )))
    }
}
