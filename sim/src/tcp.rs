//! TCP as the kernel of a simulated device has it: a small deterministic subset of RFC 9293 on
//! real IPv4 and TCP bytes.
//!
//! It has the three-way handshake, cumulative acknowledgments, retransmission after a measured
//! timeout with backoff (RFC 6298) and after three duplicates, a fixed window, FIN both ways and RST
//! for what is unknown. It has no congestion control, no delayed acknowledgment, no TIME-WAIT and
//! no options but the maximum segment size: BGP between simulated devices needs none of them.
//!
//! Nothing leaves in the middle of an event: what a device's core says and what must be
//! acknowledged is collected, and [`Tcp::flush`] sends it in as few segments as it takes.

mod connection;
mod segment;
#[cfg(test)]
mod tests;

use core::net::{Ipv4Addr, SocketAddrV4};
use std::collections::BTreeSet;

use hashbrown::HashMap;
use inet::hash::Seeded;
use inet::packet::Ipv4;
use inet::{Instant, Rng};

use connection::{Connection, Verdict};
use segment::{Header, Segment};

/// A connection's name within its device. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Socket {
    index: u32,
    generation: u32,
}

/// What the stack did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Somebody connected to a port that listens.
    Accepted {
        socket: Socket,
        local: SocketAddrV4,
        remote: SocketAddrV4,
    },
    /// A connection that was asked for stands.
    Connected { socket: Socket, local: SocketAddrV4 },
    /// Bytes arrived.
    Received { socket: Socket, bytes: Vec<u8> },
    /// The other side has finished, or the connection broke. The socket is void.
    Closed { socket: Socket },
    /// A connection that was asked for could not be opened. The socket is void.
    Failed { socket: Socket },
}

type Tuple = (SocketAddrV4, SocketAddrV4);

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    connection: Option<Box<Connection>>,
}

/// The connections of a device.
#[derive(Debug)]
pub(crate) struct Tcp {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_tuple: HashMap<Tuple, u32, Seeded>,
    listening: BTreeSet<u16>,
    timers: BTreeSet<(Instant, u32)>,
    dirty: Vec<u32>,
    next_port: u16,
    rng: Rng,
}

/// First of the ports that connections are made from.
const EPHEMERAL: u16 = 32_768;

impl Tcp {
    pub(crate) fn new(rng: Rng) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_tuple: HashMap::with_hasher(Seeded(1)),
            listening: BTreeSet::new(),
            timers: BTreeSet::new(),
            dirty: Vec::new(),
            next_port: EPHEMERAL,
            rng,
        }
    }

    pub(crate) fn listen(&mut self, port: u16) {
        self.listening.insert(port);
    }

    /// Begins a connection; a SYN leaves with the next flush.
    pub(crate) fn connect(
        &mut self,
        local: Ipv4Addr,
        remote: SocketAddrV4,
        ttl: u8,
        mss: u16,
    ) -> Socket {
        let mut port = self.next_port;
        while self
            .by_tuple
            .contains_key(&(SocketAddrV4::new(local, port), remote))
        {
            port = port.checked_add(1).unwrap_or(EPHEMERAL);
        }
        self.next_port = port.checked_add(1).unwrap_or(EPHEMERAL);
        let local = SocketAddrV4::new(local, port);
        let initial = self.rng.next_u64() as u32;
        self.add(Connection::new(local, remote, ttl, mss, initial))
    }

    /// Queues bytes. A socket that is void takes none.
    pub(crate) fn send(&mut self, socket: Socket, bytes: &[u8]) {
        if let Some(connection) = self.get(socket) {
            connection.push(bytes);
            self.mark(socket.index);
        }
    }

    /// Octets that a socket has queued and nobody has acknowledged.
    pub(crate) fn waiting(&self, socket: Socket) -> usize {
        let slot = self.slots.get(socket.index as usize);
        let slot = slot.filter(|slot| slot.generation == socket.generation);
        let connection = slot.and_then(|slot| slot.connection.as_deref());
        connection.map_or(0, Connection::waiting)
    }

    /// Finishes after everything queued is sent. The socket is void for its owner.
    pub(crate) fn close(&mut self, socket: Socket) {
        let Some(connection) = self.get(socket) else {
            return;
        };
        connection.finish();
        connection.end_told = true;
        if connection.state == connection::State::SynSent {
            self.remove(socket.index);
        } else {
            self.mark(socket.index);
        }
    }

    /// Takes a TCP packet for this device.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        packet: &Ipv4<'_>,
        ttl: u8,
        mss: u16,
        events: &mut Vec<Event>,
        mut send: impl FnMut(Vec<u8>),
    ) {
        let Some(segment) = Segment::parse(packet) else {
            return;
        };
        let tuple = (segment.destination, segment.source);
        let index = match self.by_tuple.get(&tuple) {
            Some(index) => *index,
            None if self.opens(&segment) => {
                let initial = self.rng.next_u64() as u32;
                let mut connection = Connection::new(tuple.0, tuple.1, ttl, mss, initial);
                connection.accept(&segment);
                self.add(connection);
                return;
            }
            None => {
                if !segment.header.rst {
                    send(reset(&segment, ttl));
                }
                return;
            }
        };
        if self.advance(now, index, &segment, events) == Verdict::Over {
            if !segment.header.rst {
                self.flush_one(now, index, &mut send);
            }
            self.remove(index);
        } else {
            self.mark(index);
        }
    }

    fn opens(&self, segment: &Segment<'_>) -> bool {
        let header = segment.header;
        header.syn && !header.ack && self.listening.contains(&segment.destination.port())
    }

    fn advance(
        &mut self,
        now: Instant,
        index: u32,
        segment: &Segment<'_>,
        events: &mut Vec<Event>,
    ) -> Verdict {
        let slot = &mut self.slots[index as usize];
        let socket = Socket {
            index,
            generation: slot.generation,
        };
        let connection = slot.connection.as_mut().expect("the tuple's slot is taken");
        let before = connection.deadline;
        let mut bytes = Vec::new();
        let opening = connection.state == connection::State::SynSent;
        let verdict = connection.take(now, segment, &mut bytes);
        let after = connection.deadline;
        if verdict == Verdict::Opened {
            let local = connection.local;
            events.push(if connection.passive {
                let remote = connection.remote;
                Event::Accepted {
                    socket,
                    local,
                    remote,
                }
            } else {
                Event::Connected { socket, local }
            });
        }
        if !bytes.is_empty() && !connection.end_told {
            events.push(Event::Received { socket, bytes });
        }
        let ended = verdict == Verdict::Over || connection.peer_finished();
        if ended && !connection.end_told {
            connection.end_told = true;
            if opening {
                events.push(Event::Failed { socket });
            } else if connection.state == connection::State::Open {
                events.push(Event::Closed { socket });
            }
        }
        self.retime(index, before, after);
        verdict
    }

    /// Sends what connections have to send.
    pub(crate) fn flush(&mut self, now: Instant, mut send: impl FnMut(Vec<u8>)) {
        let mut dirty = core::mem::take(&mut self.dirty);
        for index in dirty.drain(..) {
            self.flush_one(now, index, &mut send);
        }
        self.dirty = dirty;
    }

    fn flush_one(&mut self, now: Instant, index: u32, send: &mut impl FnMut(Vec<u8>)) {
        let Some(connection) = self.slots[index as usize].connection.as_mut() else {
            return;
        };
        connection.dirty = false;
        let before = connection.deadline;
        connection.transmit(now, send);
        let after = connection.deadline;
        self.retime(index, before, after);
    }

    /// When [`Self::time_out`] has something to do.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Lets timers run out. A flush must follow.
    pub(crate) fn time_out(&mut self, now: Instant, events: &mut Vec<Event>) {
        while let Some((at, index)) = self.timers.first().copied()
            && at <= now
        {
            let slot = &mut self.slots[index as usize];
            let socket = Socket {
                index,
                generation: slot.generation,
            };
            let connection = slot
                .connection
                .as_mut()
                .expect("a timer belongs to a connection");
            let opening = connection.state == connection::State::SynSent;
            let told = connection.end_told;
            let verdict = connection.time_out(now);
            let after = connection.deadline;
            let open = connection.state == connection::State::Open;
            self.retime(index, Some(at), after);
            if verdict != Verdict::Over {
                self.mark(index);
                continue;
            }
            if opening {
                events.push(Event::Failed { socket });
            } else if open && !told {
                events.push(Event::Closed { socket });
            }
            self.remove(index);
        }
    }

    fn get(&mut self, socket: Socket) -> Option<&mut Connection> {
        let slot = self.slots.get_mut(socket.index as usize)?;
        if slot.generation != socket.generation {
            return None;
        }
        slot.connection.as_deref_mut()
    }

    fn add(&mut self, connection: Connection) -> Socket {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let tuple = (connection.local, connection.remote);
        self.by_tuple.insert(tuple, index);
        let slot = &mut self.slots[index as usize];
        slot.connection = Some(Box::new(connection));
        let generation = slot.generation;
        self.mark(index);
        Socket { index, generation }
    }

    fn remove(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        let Some(connection) = slot.connection.take() else {
            return;
        };
        slot.generation += 1;
        self.by_tuple.remove(&(connection.local, connection.remote));
        if let Some(at) = connection.deadline {
            self.timers.remove(&(at, index));
        }
        self.free.push(index);
    }

    fn mark(&mut self, index: u32) {
        let connection = self.slots[index as usize].connection.as_mut();
        if let Some(connection) = connection
            && !connection.dirty
        {
            connection.dirty = true;
            self.dirty.push(index);
        }
    }

    fn retime(&mut self, index: u32, before: Option<Instant>, after: Option<Instant>) {
        if before == after {
            return;
        }
        if let Some(at) = before {
            self.timers.remove(&(at, index));
        }
        if let Some(at) = after {
            self.timers.insert((at, index));
        }
    }
}

/// The answer to a segment of no connection (RFC 9293 §3.5.2).
fn reset(segment: &Segment<'_>, ttl: u8) -> Vec<u8> {
    let asked = segment.header;
    let header = if asked.ack {
        Header {
            rst: true,
            sequence: asked.acknowledgment,
            ..Header::default()
        }
    } else {
        Header {
            rst: true,
            ack: true,
            acknowledgment: asked.sequence.wrapping_add(segment.sequence_len()),
            ..Header::default()
        }
    };
    segment::packet(segment.destination, segment.source, ttl, header, (&[], &[]))
}
