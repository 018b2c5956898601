//! A forwarding thread: it owns one queue of the overlay device, one socket per locator, and the [`Forwarder`] that
//! decides and seals. It shares nothing with other threads but mailboxes.
//!
//! Each round takes everything that waits, up to a bound, and then seals and sends a part of what the queues
//! hold. So the kernel's queues stay short, and what must wait waits where it is managed.

use std::io::{self, ErrorKind};
use std::thread;
use std::time::Duration;

use linux::VNET_HEADER;
use linux::batch::{BUFFERS_MAX, Received};
use linux::epoll::Poller;
use node::{Buffer, Forwarder, LocatorId};
use offload::Offload;

use super::mailbox::{Report, ShardInbox, ToControl};
use super::wire::Wire;
use crate::clock::Clock;
use crate::error::Error;

/// Packets read from the overlay device in a round.
const OVERLAY_ROUND: usize = 64;
/// Octets read from it in a round: eight super-packets.
const OVERLAY_OCTETS: usize = 512 * 1024;
/// Calls for datagrams at one socket in a round.
const UNDERLAY_ROUND: usize = 8;
/// Buffers whose datagrams are so long on the average come in batches, which are taken as they come.
const LARGE: usize = 8 * 1024;
/// Buffers to take in one call while they are large.
const FEW: usize = 2;
/// How long other paths may wait for their turn while a socket is full and does not say that it has room, and
/// what there is to read while there is no buffer for it.
const FULL: Duration = Duration::from_millis(1);
/// Packets of other shards taken in a round.
const HANDED_ROUND: usize = 64;

const BELL: u64 = 0;
const OVERLAY: u64 = 1;
/// The first locator; the others follow.
const LOCATORS: u64 = 2;

/// A forwarding thread's things.
pub(super) struct Shard {
    clock: Clock,
    forwarder: Forwarder,
    wire: Wire,
    inbox: ShardInbox,
    poller: Poller,
    /// What is waited for while there is no buffer to read into: mail, and sockets that are full.
    relief: Poller,
    /// Whether something was left unread because there was none.
    starved: bool,
    /// By locator: whether its socket is waited for to have room.
    awaited: Vec<bool>,
    /// Buffers without a packet.
    spare: Vec<Buffer>,
    /// What came in them.
    received: Vec<Received>,
    /// How many buffers the next call for datagrams fills.
    width: usize,
}

impl Shard {
    pub(super) fn new(
        clock: Clock,
        forwarder: Forwarder,
        wire: Wire,
        inbox: ShardInbox,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        let relief = Poller::new()?;
        poller.add_readable(&inbox.bell, BELL)?;
        relief.add_readable(&inbox.bell, BELL)?;
        poller.add_readable(wire.overlay(), OVERLAY)?;
        for (socket, token) in wire.sockets().iter().zip(LOCATORS..) {
            poller.add_readable(socket, token)?;
        }
        Ok(Self {
            clock,
            forwarder,
            awaited: vec![false; wire.sockets().len()],
            wire,
            inbox,
            poller,
            relief,
            starved: false,
            spare: Vec::with_capacity(BUFFERS_MAX),
            received: Vec::with_capacity(BUFFERS_MAX),
            width: BUFFERS_MAX,
        })
    }

    /// Starts the thread. When it ends, control hears of it.
    pub(super) fn start(mut self, number: usize) -> Result<(), Error> {
        let control = self.wire.control().clone();
        thread::Builder::new()
            .name(format!("forward-{number}"))
            .spawn(move || {
                let ended = Ended(control);
                if let Err(error) = self.run() {
                    ended.0.report(Report::Ended(error));
                }
            })
            .map(drop)
            .map_err(Error::system("starting a forwarding thread"))
    }

    fn run(&mut self) -> io::Result<()> {
        let mut ready = Vec::new();
        let mut more = false;
        loop {
            let patience = self.patience(more);
            if std::mem::take(&mut self.starved) {
                // What waits to be read stays readable: the poller would say so at once, again and again.
                let patience = patience.map_or(FULL, |patience| patience.min(FULL));
                self.relief.wait(Some(patience), &mut ready)?;
            } else {
                self.poller.wait(patience, &mut ready)?;
            }
            for token in ready.drain(..) {
                match token {
                    BELL => self.take_mail(),
                    OVERLAY => self.read_overlay()?,
                    locator => {
                        self.wire.resume(locator - LOCATORS);
                        self.read_underlay(locator - LOCATORS);
                    }
                }
            }
            more = self.forwarder.run(self.clock.now(), &mut self.wire);
            self.wire.ring();
            self.await_room()?;
        }
    }

    /// How long to wait for something to happen.
    fn patience(&self, more: bool) -> Option<Duration> {
        if more {
            return Some(Duration::ZERO);
        }
        let due = self.forwarder.wake().map(|at| self.clock.until(at));
        // What waits for a full socket is due all the time; the socket says when.
        let least = if self.wire.is_any_full() {
            FULL
        } else {
            Duration::ZERO
        };
        due.map(|due| due.max(least))
    }

    /// Waits for room in the sockets that are full now, and in no others: those have room all the time.
    fn await_room(&mut self) -> io::Result<()> {
        let sockets = self.wire.sockets().iter().zip(&mut self.awaited);
        for (number, (socket, awaited)) in sockets.enumerate() {
            let is_full = self.wire.is_full(number);
            if is_full == *awaited {
                continue;
            }
            *awaited = is_full;
            let token = LOCATORS + number as u64;
            self.poller.modify(socket, token, is_full)?;
            if is_full {
                self.relief.add_writable(socket, token)?;
            } else {
                self.relief.remove(socket)?;
            }
        }
        Ok(())
    }

    fn take_mail(&mut self) {
        self.inbox.bell.silence();
        self.take_changes();
        let now = self.clock.now();
        for _ in 0..HANDED_ROUND {
            let Ok(handed) = self.inbox.handed.try_recv() else {
                return;
            };
            self.forwarder.take(now, handed, &mut self.wire);
        }
        // More may wait.
        self.inbox.bell.ring();
    }

    fn take_changes(&mut self) {
        while let Ok(change) = self.inbox.changes.try_recv() {
            let now = self.clock.now();
            self.forwarder.apply(now, change, &mut self.wire);
        }
    }

    /// Moves what the kernel has for the overlay into the queues.
    fn read_overlay(&mut self) -> io::Result<()> {
        let now = self.clock.now();
        let mut octets = 0;
        for _ in 0..OVERLAY_ROUND {
            let Some(mut buffer) = self.spare.pop().or_else(|| self.forwarder.buffer()) else {
                self.starved = true;
                return Ok(());
            };
            let mut header = [0; VNET_HEADER];
            match self.wire.overlay().read(&mut header, buffer.room()) {
                Ok(len) => {
                    buffer.set_len(len);
                    octets += len;
                    if let Ok(offload) = Offload::read(&header) {
                        self.forwarder
                            .from_kernel(now, buffer, offload, &mut self.wire);
                    } else {
                        self.spare.push(buffer);
                    }
                    if octets > OVERLAY_OCTETS {
                        return Ok(());
                    }
                }
                Err(error) => {
                    self.spare.push(buffer);
                    return match error.kind() {
                        ErrorKind::WouldBlock => Ok(()),
                        ErrorKind::Interrupted => continue,
                        _ => Err(error),
                    };
                }
            }
        }
        Ok(())
    }

    /// Opens what came to a locator and sends it on.
    fn read_underlay(&mut self, locator: u64) {
        let Ok(number) = u16::try_from(locator) else {
            return;
        };
        for _ in 0..UNDERLAY_ROUND {
            let Some(socket) = self.wire.sockets().get(usize::from(number)) else {
                return;
            };
            while self.spare.len() < self.width
                && let Some(buffer) = self.forwarder.buffer()
            {
                self.spare.push(buffer);
            }
            let offered = self.width.min(self.spare.len());
            if offered == 0 {
                self.starved = true;
                return;
            }
            let rooms = self.spare.iter_mut().take(offered).map(Buffer::room);
            let received = &mut self.received;
            match socket.receive(rooms, |_, told| received.push(told)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // What a router said about an earlier datagram, reported once.
                Err(_) => continue,
            }
            let filled = received.len();
            let octets: usize = received.iter().map(|told| told.len).sum();
            self.take_datagrams(LocatorId(number));
            self.width = if octets > LARGE * filled {
                FEW
            } else {
                BUFFERS_MAX
            };
            if filled < offered {
                return;
            }
        }
    }

    fn take_datagrams(&mut self, locator: LocatorId) {
        // Keys come before the datagram that makes the peer use them, so they are here when what it then seals is.
        self.take_changes();
        let now = self.clock.now();
        let filled = self.received.len();
        for (mut buffer, told) in self.spare.drain(..filled).zip(self.received.drain(..)) {
            buffer.set_len(told.len);
            let Received {
                from, tos, segment, ..
            } = told;
            self.forwarder.from_underlay(
                now,
                locator,
                (from, tos),
                buffer,
                segment,
                &mut self.wire,
            );
        }
    }
}

/// Says that a thread has ended, also by a panic.
struct Ended(ToControl);

impl Drop for Ended {
    fn drop(&mut self) {
        let error = io::Error::other("a forwarding thread has ended");
        self.0.report(Report::Ended(error));
    }
}
