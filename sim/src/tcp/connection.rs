//! One TCP connection: sequence numbers, what waits to be sent, what came out of order, timers.

use core::net::SocketAddrV4;
use core::ops::Range;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use inet::Instant;

use super::segment::{self, Header, Segment};

/// Bytes that may be on the way in each direction. Without a window scale option there can be no more.
const WINDOW: u16 = u16::MAX;
/// First retransmission timeout (RFC 6298 §2.1).
const RTO_FIRST: Duration = Duration::from_secs(1);
/// Least retransmission timeout, as Linux has it.
const RTO_MIN: Duration = Duration::from_millis(200);
/// Greatest retransmission timeout (RFC 6298 §2.5).
const RTO_MAX: Duration = Duration::from_secs(60);
/// Retransmissions of one segment before the connection is given up: some seven minutes.
const RETRIES_MAX: u32 = 12;
/// Segments kept that came too early; more would not fit the window at usual sizes.
const EARLY_MAX: usize = 64;
/// Empty queues larger than this give their memory back.
const QUEUE_KEPT: usize = 4096;

/// How far the connection has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// SYN sent.
    SynSent,
    /// SYN received and answered.
    SynReceived,
    /// Data flows; also while one side has finished.
    Open,
}

/// What a segment or a timer did to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    Alive,
    /// The three-way handshake finished.
    Opened,
    /// It is over: reset, given up, or both sides have finished.
    Over,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about one side of the connection"
)]
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) local: SocketAddrV4,
    pub(super) remote: SocketAddrV4,
    /// Whether the other side began it.
    pub(super) passive: bool,
    pub(super) state: State,
    /// Whether the owner has been told that the other side has finished.
    pub(super) end_told: bool,
    /// Whether it is on its stack's list of connections with something to send.
    pub(super) dirty: bool,
    ttl: u8,
    mss: u16,
    /// Sequence number of the first byte in `queue`.
    unacknowledged: u32,
    next: u32,
    /// One past the highest sequence number ever sent.
    highest: u32,
    peer_window: u32,
    queue: VecDeque<u8>,
    /// The owner has closed: a FIN follows the queue.
    finishing: bool,
    /// Sequence number of the FIN, once it was sent.
    fin: Option<u32>,
    receive_next: u32,
    early: BTreeMap<u32, (Vec<u8>, bool)>,
    peer_finished: bool,
    acknowledge: bool,
    duplicates: u8,
    retries: u32,
    rto: Duration,
    smoothed: Option<(Duration, Duration)>,
    /// The end of a segment that is being timed, and when it was sent (Karn's rule: sent once).
    timed: Option<(u32, Instant)>,
    pub(super) deadline: Option<Instant>,
}

/// Whether `a` is before `b` on the circle of sequence numbers.
const fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

impl Connection {
    /// Octets that nobody has acknowledged.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn new(
        local: SocketAddrV4,
        remote: SocketAddrV4,
        ttl: u8,
        mss: u16,
        initial: u32,
    ) -> Self {
        Self {
            local,
            remote,
            passive: false,
            state: State::SynSent,
            end_told: false,
            dirty: false,
            ttl,
            mss,
            unacknowledged: initial,
            next: initial,
            highest: initial,
            peer_window: 1,
            queue: VecDeque::new(),
            finishing: false,
            fin: None,
            receive_next: 0,
            early: BTreeMap::new(),
            peer_finished: false,
            acknowledge: false,
            duplicates: 0,
            retries: 0,
            rto: RTO_FIRST,
            smoothed: None,
            timed: None,
            deadline: None,
        }
    }

    /// The answer to a SYN.
    pub(super) fn accept(&mut self, syn: &Segment<'_>) {
        self.passive = true;
        self.state = State::SynReceived;
        self.receive_next = syn.header.sequence.wrapping_add(1);
        self.peer_window = u32::from(syn.header.window);
        self.mss = self.mss.min(syn.header.mss.unwrap_or(536));
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if !self.finishing {
            self.queue.extend(bytes);
        }
    }

    pub(super) fn finish(&mut self) {
        self.finishing = true;
    }

    /// Takes a segment; in-order data is appended to `received`.
    pub(super) fn take(
        &mut self,
        now: Instant,
        segment: &Segment<'_>,
        received: &mut Vec<u8>,
    ) -> Verdict {
        let header = segment.header;
        if header.rst {
            let expected = match self.state {
                State::SynSent => header.ack && header.acknowledgment == self.next,
                _ => !before(header.sequence, self.receive_next),
            };
            return if expected {
                Verdict::Over
            } else {
                Verdict::Alive
            };
        }
        let mut verdict = Verdict::Alive;
        match self.state {
            State::SynSent => {
                if !(header.syn && header.ack && header.acknowledgment == self.next) {
                    return Verdict::Alive;
                }
                self.receive_next = header.sequence.wrapping_add(1);
                self.mss = self.mss.min(header.mss.unwrap_or(536));
                self.open(now);
                self.acknowledge = true;
                verdict = Verdict::Opened;
            }
            State::SynReceived if header.ack && header.acknowledgment == self.next => {
                self.open(now);
                verdict = Verdict::Opened;
            }
            State::SynReceived => {
                // A repeated SYN: the answer was lost.
                self.acknowledge |= header.syn;
                self.next = if header.syn {
                    self.unacknowledged
                } else {
                    self.next
                };
                return Verdict::Alive;
            }
            State::Open => {}
        }
        if header.ack {
            self.acknowledged(now, segment);
        }
        self.data(segment, received);
        if self.is_over() {
            Verdict::Over
        } else {
            verdict
        }
    }

    /// The SYN was acknowledged: the queue begins behind it.
    fn open(&mut self, now: Instant) {
        self.state = State::Open;
        self.unacknowledged = self.next;
        self.retries = 0;
        self.deadline = None;
        if let Some((_, sent)) = self.timed.take() {
            self.measure(now.since(sent));
        }
    }

    fn acknowledged(&mut self, now: Instant, segment: &Segment<'_>) {
        let header = segment.header;
        let acknowledgment = header.acknowledgment;
        self.peer_window = u32::from(header.window);
        if before(self.highest, acknowledgment) || before(acknowledgment, self.unacknowledged) {
            return;
        }
        let advance = acknowledgment.wrapping_sub(self.unacknowledged);
        if advance == 0 {
            if self.unacknowledged != self.highest && segment.sequence_len() == 0 {
                self.duplicates = self.duplicates.saturating_add(1);
                if self.duplicates == 3 {
                    self.next = self.unacknowledged;
                    self.timed = None;
                }
            }
            return;
        }
        // The FIN takes a sequence number but no place in the queue.
        let bytes = (advance as usize).min(self.queue.len());
        self.queue.drain(..bytes);
        if self.queue.is_empty() && self.queue.capacity() > QUEUE_KEPT {
            self.queue = VecDeque::new();
        }
        self.unacknowledged = acknowledgment;
        if before(self.next, acknowledgment) {
            self.next = acknowledgment;
        }
        self.duplicates = 0;
        self.retries = 0;
        if let Some((end, sent)) = self.timed
            && !before(acknowledgment, end)
        {
            self.measure(now.since(sent));
            self.timed = None;
        }
        self.deadline = (self.unacknowledged != self.highest).then(|| now + self.rto);
    }

    /// RFC 6298 §2.
    fn measure(&mut self, sample: Duration) {
        let (smoothed, variation) = match self.smoothed {
            None => (sample, sample / 2),
            Some((smoothed, variation)) => (
                (smoothed * 7 + sample) / 8,
                (variation * 3 + smoothed.abs_diff(sample)) / 4,
            ),
        };
        self.smoothed = Some((smoothed, variation));
        self.rto = (smoothed + (variation * 4).max(RTO_MIN)).min(RTO_MAX);
    }

    fn data(&mut self, segment: &Segment<'_>, received: &mut Vec<u8>) {
        if segment.sequence_len() == 0 {
            return;
        }
        self.acknowledge = true;
        if segment.header.syn {
            return;
        }
        let start = segment.header.sequence;
        if before(self.receive_next, start) {
            if self.early.len() < EARLY_MAX {
                let piece = (segment.data.to_vec(), segment.header.fin);
                self.early.insert(start, piece);
            }
            return;
        }
        self.append(start, segment.data, segment.header.fin, received);
        while let Some(start) = self
            .early
            .keys()
            .copied()
            .find(|start| !before(self.receive_next, *start))
        {
            let (data, fin) = self.early.remove(&start).expect("the key was just seen");
            self.append(start, &data, fin, received);
        }
    }

    /// Data that begins at or before the next expected byte.
    fn append(&mut self, start: u32, data: &[u8], fin: bool, received: &mut Vec<u8>) {
        let known = self.receive_next.wrapping_sub(start) as usize;
        if self.peer_finished || known > data.len() {
            return;
        }
        received.extend_from_slice(&data[known..]);
        self.receive_next = start.wrapping_add(data.len() as u32);
        if fin {
            self.receive_next = self.receive_next.wrapping_add(1);
            self.peer_finished = true;
            self.finishing = true;
        }
    }

    /// Whether the other side has finished.
    pub(super) const fn peer_finished(&self) -> bool {
        self.peer_finished
    }

    /// Both sides have finished and know it of each other.
    fn is_over(&self) -> bool {
        let heard = self.fin.is_some_and(|fin| before(fin, self.unacknowledged));
        self.peer_finished && heard
    }

    /// The timer ran out.
    pub(super) fn time_out(&mut self, now: Instant) -> Verdict {
        if self.retries >= RETRIES_MAX {
            return Verdict::Over;
        }
        self.retries += 1;
        self.rto = (self.rto * 2).min(RTO_MAX);
        self.timed = None;
        self.next = self.unacknowledged;
        self.deadline = Some(now + self.rto);
        Verdict::Alive
    }

    /// Sends what may be sent now, with the newest acknowledgment.
    pub(super) fn transmit(&mut self, now: Instant, mut send: impl FnMut(Vec<u8>)) {
        match self.state {
            State::SynSent | State::SynReceived => {
                if self.next == self.unacknowledged {
                    send(self.opening(now));
                }
            }
            State::Open => {
                while let Some(packet) = self.next_segment(now) {
                    send(packet);
                    if self.retries > 0 {
                        break;
                    }
                    if self.duplicates >= 3 {
                        self.duplicates = 0;
                        self.next = self.highest;
                    }
                }
                if self.acknowledge {
                    send(self.packet(self.next, Header::default(), 0..0));
                }
            }
        }
    }

    /// SYN, or SYN and ACK.
    fn opening(&mut self, now: Instant) -> Vec<u8> {
        let header = Header {
            syn: true,
            mss: Some(self.mss),
            ..Header::default()
        };
        self.sent(now, self.next, 1);
        self.packet(self.unacknowledged, header, 0..0)
    }

    /// The next piece of the queue, the FIN with it if it is the last.
    fn next_segment(&mut self, now: Instant) -> Option<Vec<u8>> {
        let start = self.next.wrapping_sub(self.unacknowledged) as usize;
        let window = self.peer_window.min(u32::from(WINDOW)) as usize;
        let end = (start + usize::from(self.mss))
            .min(self.queue.len())
            .min(window);
        let length = end.saturating_sub(start);
        let last = start <= self.queue.len() && start + length == self.queue.len();
        let fin = self.finishing && last && self.fin.is_none_or(|fin| !before(fin, self.next));
        if length == 0 && !fin {
            return None;
        }
        let sequence = self.next;
        self.sent(now, sequence, length as u32 + u32::from(fin));
        if fin {
            self.fin = Some(self.next.wrapping_sub(1));
        }
        let header = Header {
            fin,
            ..Header::default()
        };
        Some(self.packet(sequence, header, start..start + length))
    }

    /// Moves on behind what was sent, starts the timer, times it if it is new.
    fn sent(&mut self, now: Instant, start: u32, length: u32) {
        self.next = start.wrapping_add(length);
        if !before(start, self.highest) && self.timed.is_none() {
            self.timed = Some((self.next, now));
        }
        if before(self.highest, self.next) {
            self.highest = self.next;
        }
        if self.deadline.is_none() {
            self.deadline = Some(now + self.rto);
        }
    }

    fn packet(&mut self, sequence: u32, header: Header, data: Range<usize>) -> Vec<u8> {
        self.acknowledge = false;
        let header = Header {
            sequence,
            ack: self.state != State::SynSent,
            acknowledgment: self.receive_next,
            window: WINDOW,
            ..header
        };
        let (front, back) = self.queue.as_slices();
        let split = front.len();
        let pieces = (
            &front[data.start.min(split)..data.end.min(split)],
            &back[data.start.saturating_sub(split)..data.end.saturating_sub(split)],
        );
        segment::packet(self.local, self.remote, self.ttl, header, pieces)
    }
}
