//! TCP for BGP: carries out what a speaker asks of its transport and tells it what happened.
//!
//! There are no tasks and no queues of what was read: the daemon's one loop reads a socket in
//! place and hands the octets straight to its core, and what the core sends is written when the
//! round ends. All sockets are in one epoll set, of which the daemon's event loop sees one
//! descriptor.
//!
//! A round reads each socket that has something once, at most [`READ`] octets, so that no
//! neighbour waits for more than that of each other one. `try_next` ends with the round, `next`
//! begins another.

mod callers;
mod connection;
mod guard;
mod listener;
mod opening;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use bgp::{ConnId, Input, Output};
use linux::WatchedPoller;
use linux::epoll::{Poller, Ready};
use tokio::time::Instant;

use crate::Error;
use callers::{Call, Callers};
use connection::{Connection, Phase, Pressure};
pub(crate) use guard::Guard;
use listener::Listener;

/// Octets read from a connection before the others have their turn.
///
/// A core needs about a millisecond for as many: more would make routes of other neighbours late,
/// fewer would cost system calls.
const READ: usize = 64 * 1024;
/// Octets that wait on a connection before they are written without waiting for the round's end.
const WRITE_AT: usize = 128 * 1024;
/// How long a closed connection may go on sending what was given to it before, and wait for the
/// other side to close as well.
const LINGER: Duration = Duration::from_secs(3);
/// After how long without room for a single octet the speaker is told, even if little waits.
const STUCK: Duration = Duration::from_secs(1);
/// TCP port of BGP (RFC 4271 section 8).
pub(crate) const BGP_PORT: u16 = 179;

/// Something that happened to a connection. It is to be delivered before the next is asked for.
#[derive(Debug)]
#[must_use]
pub(crate) enum Event {
    Accepted(TcpStream, SocketAddr, Call),
    Connected(ConnId),
    Failed(ConnId),
    /// So many octets of the buffer, which comes back when the event is delivered.
    Bytes(ConnId, Vec<u8>, usize),
    Closed(ConnId),
    Blocked(ConnId),
    Writable(ConnId),
}

/// All connections of a speaker.
#[derive(Debug)]
pub(crate) struct Transport {
    poller: WatchedPoller,
    connections: BTreeMap<ConnId, Connection>,
    /// By their token.
    listeners: BTreeMap<u64, Listener>,
    /// Listeners so far.
    listened: u64,
    guards: Vec<Guard>,
    callers: Callers,
    accepted: u64,
    /// What is ready in this round and has not had its turn.
    ready: VecDeque<Ready>,
    collected: Vec<Ready>,
    /// Connections with something to send that were not flushed since.
    unsent: Vec<ConnId>,
    /// What followed from a call of the speaker's own; told before anything else.
    immediate: VecDeque<Event>,
    /// When a connection that lingers is given up, when one that takes nothing is looked at, and
    /// when a listener is listened to again.
    deadlines: BTreeSet<(Instant, u64)>,
    buffer: Vec<u8>,
}

impl Transport {
    /// No connections yet, and nobody can make one from outside.
    pub(crate) fn new() -> Result<Self, Error> {
        let make = || WatchedPoller::new(Poller::new()?);
        Ok(Self {
            poller: make().map_err(Error::system("waiting for connections"))?,
            connections: BTreeMap::new(),
            listeners: BTreeMap::new(),
            listened: 0,
            guards: Vec::new(),
            callers: Callers::new(listener::connections_max()),
            accepted: 0,
            ready: VecDeque::new(),
            collected: Vec::new(),
            unsent: Vec::new(),
            immediate: VecDeque::new(),
            deadlines: BTreeSet::new(),
            buffer: Vec::new(),
        })
    }

    /// Lets neighbours connect to these addresses and no others from now on: to all of them, or to
    /// the same as before when one is refused.
    pub(crate) fn listen(&mut self, addresses: &[SocketAddr]) -> Result<(), Error> {
        let mut fresh = Vec::new();
        for address in addresses {
            let known = |listener: &Listener| listener.address == *address;
            if !self.listeners.values().chain(&fresh).any(known) {
                let open = || {
                    let listener = Listener::open(*address)?;
                    listener.exchange(&[], &self.guards)?;
                    Ok(listener)
                };
                let error = Error::system(format!("listening on TCP {address}"));
                fresh.push(open().map_err(error)?);
            }
        }
        self.listeners
            .retain(|_, listener| addresses.contains(&listener.address));
        for listener in fresh {
            let token = listener::token(self.listened);
            self.listened += 1;
            listener.resume(token, self.poller.get());
            self.listeners.insert(token, listener);
        }
        Ok(())
    }

    /// Protects what neighbours connect to with these guards and no others from now on, or with the
    /// same as before when the kernel refuses one.
    pub(crate) fn guard(&mut self, guards: Vec<Guard>) -> Result<(), Error> {
        let listeners = self.listeners.values();
        let refused = listeners.clone().find_map(|listener| {
            let error = listener.exchange(&self.guards, &guards).err()?;
            Some((listener.address, error))
        });
        if let Some((address, error)) = refused {
            for listener in listeners {
                listener.restore(&guards, &self.guards);
            }
            return Err(Error::system(format!("protecting TCP {address}"))(error));
        }
        self.guards = guards;
        Ok(())
    }

    /// Does what the speaker asks of its transport; ignores its other outputs.
    pub(crate) fn apply(&mut self, output: Output) {
        match output {
            Output::Connect {
                conn,
                local,
                remote,
                ttl,
                options,
                ..
            } => self.connect(conn, local, remote, ttl, &options),
            Output::Send { conn, bytes } => self.send(conn, bytes),
            Output::Close { conn } => self.close(conn),
            Output::Changed { .. } | Output::Message { .. } | Output::Event(_) => {}
        }
    }

    /// The next thing that happened. Cancelling the wait loses nothing.
    pub(crate) async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.try_next() {
                return event;
            }
            let deadline = self.deadlines.first().map(|(at, _)| *at);
            tokio::select! {
                outcome = self.poller.ready(&mut self.collected) => self.collect(outcome),
                () = crate::daemon::sleep_until(deadline) => self.expire(),
            }
        }
    }

    /// What happened and was not told yet; nothing at the end of a round.
    pub(crate) fn try_next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.immediate.pop_front() {
                return Some(event);
            }
            let Some(ready) = self.ready.pop_front() else {
                self.flush();
                return self.immediate.pop_front();
            };
            if let Some(event) = self.serve(ready) {
                return Some(event);
            }
        }
    }

    /// Looks which sockets are ready, for a round of [`Self::try_next`] that waits for nothing.
    pub(crate) fn begin_round(&mut self) {
        let outcome = self.poller.get().ready(&mut self.collected);
        self.collect(outcome);
    }

    fn collect(&mut self, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            tracing::warn!(%error, "waiting for connections");
        }
        self.ready.extend(self.collected.drain(..));
    }

    /// Tells the speaker, through `handle`, what happened; nothing if the speaker has given up the
    /// connection meanwhile.
    pub(crate) fn deliver(&mut self, event: Event, handle: impl FnOnce(Input<'_>)) {
        match event {
            Event::Accepted(stream, remote, call) => self.adopt(stream, remote, call, handle),
            Event::Connected(conn) => {
                let local = self.open(conn).map(|open| open.stream.local_addr());
                if let Some(Ok(local)) = local {
                    handle(Input::Connected { conn, local });
                }
            }
            Event::Failed(conn) => handle(Input::ConnectFailed { conn }),
            Event::Bytes(conn, buffer, len) => {
                if self.open(conn).is_some() {
                    let bytes = &buffer[..len];
                    handle(Input::Bytes { conn, bytes });
                }
                self.buffer = buffer;
            }
            Event::Closed(conn) => {
                if self.open(conn).is_some() {
                    self.forget(conn);
                    handle(Input::Closed { conn });
                }
            }
            Event::Blocked(conn) => {
                if self.open(conn).is_some() {
                    handle(Input::Blocked { conn });
                }
            }
            Event::Writable(conn) => {
                if self.open(conn).is_some() {
                    handle(Input::Writable { conn });
                }
            }
        }
    }

    /// Closes all connections and waits, but not longer than `patience`, until what was given to
    /// them is sent.
    pub(crate) async fn finish(mut self, patience: Duration) {
        self.listeners.clear();
        let conns: Vec<ConnId> = self.connections.keys().copied().collect();
        for conn in conns {
            self.close(conn);
        }
        self.flush();
        let closing = async {
            while !self.connections.is_empty() {
                // Those that are closing have nothing to tell: each wait ends some of them.
                drop(tokio::time::timeout(LINGER / 10, self.next()).await);
            }
        };
        drop(tokio::time::timeout(patience, closing).await);
    }

    fn open(&self, conn: ConnId) -> Option<&Connection> {
        self.connections
            .get(&conn)
            .filter(|connection| connection.phase == Phase::Open)
    }

    fn send(&mut self, conn: ConnId, bytes: Arc<[u8]>) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        connection.push(bytes);
        if connection.awaits_room {
            self.settle(conn);
        } else if connection.waiting() > WRITE_AT {
            connection.flush();
            self.settle(conn);
        } else if self.unsent.last() != Some(&conn) {
            self.unsent.push(conn);
        }
    }

    /// Writes what waits on connections whose socket may take it.
    fn flush(&mut self) {
        let mut unsent = std::mem::take(&mut self.unsent);
        for conn in unsent.drain(..) {
            if let Some(connection) = self.connections.get_mut(&conn)
                && !connection.awaits_room
            {
                connection.flush();
                self.settle(conn);
            }
        }
        self.unsent = unsent;
    }

    /// After a change of what waits: tells the poller what to wait for and the speaker whether to
    /// pause, and ends the sending side of a connection that is closing.
    fn settle(&mut self, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        if connection.phase == Phase::Connecting {
            return;
        }
        let awaits_room = connection.waiting() > 0;
        if awaits_room && connection.phase == Phase::Open && connection.deadline.is_none() {
            let at = Instant::now() + STUCK;
            connection.deadline = Some(at);
            self.deadlines.insert((at, conn.0));
        }
        if awaits_room != connection.awaits_room {
            connection.awaits_room = awaits_room;
            let (poller, stream) = (self.poller.get(), connection.stream.as_fd());
            if let Err(error) = poller.modify(stream, conn.0, awaits_room) {
                tracing::warn!(%error, "waiting for a connection");
            }
        }
        match connection.pressure() {
            Some(Pressure::Rises) => self.immediate.push_back(Event::Blocked(conn)),
            Some(Pressure::Falls) => self.immediate.push_back(Event::Writable(conn)),
            None => {}
        }
        if connection.phase == Phase::Closing && !awaits_room {
            // The other side may have gone first.
            drop(connection.stream.shutdown(std::net::Shutdown::Write));
        }
    }

    /// Sends what there is to send, then ends; ends at the latest after a time of grace.
    fn close(&mut self, conn: ConnId) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        match connection.phase {
            // One that nobody answered has nothing to finish.
            Phase::Connecting => self.forget(conn),
            Phase::Open => {
                connection.phase = Phase::Closing;
                connection.flush();
                let at = Instant::now() + LINGER;
                connection.deadline = Some(at);
                self.deadlines.insert((at, conn.0));
                self.settle(conn);
            }
            Phase::Closing => {}
        }
    }

    /// The socket closes with its last owner; the kernel takes it out of the set.
    fn forget(&mut self, conn: ConnId) {
        self.connections.remove(&conn);
    }

    /// Does what is due.
    fn expire(&mut self) {
        let now = Instant::now();
        while let Some((at, token)) = self.deadlines.first().copied()
            && at <= now
        {
            self.deadlines.pop_first();
            if !listener::has(token) {
                self.overdue(ConnId(token), at);
            } else if let Some(listener) = self.listeners.get(&token) {
                listener.resume(token, self.poller.get());
            }
        }
    }

    /// Gives up a connection that has lingered long enough, or tells that one takes nothing.
    fn overdue(&mut self, conn: ConnId, at: Instant) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        // Octets that left meanwhile have moved the deadline.
        if connection.deadline != Some(at) {
            return;
        }
        match connection.phase {
            Phase::Connecting => {}
            Phase::Open => {
                if connection.is_stuck() {
                    self.immediate.push_back(Event::Blocked(conn));
                }
            }
            Phase::Closing => self.forget(conn),
        }
    }

    /// What there is to tell of one socket.
    fn serve(&mut self, ready: Ready) -> Option<Event> {
        if listener::has(ready.token) {
            return self.accept(ready.token);
        }
        let conn = ConnId(ready.token);
        let connection = self.connections.get_mut(&conn)?;
        if connection.phase == Phase::Connecting {
            return Some(self.answered(conn));
        }
        if ready.writable && connection.awaits_room {
            connection.flush();
            self.settle(conn);
        }
        if ready.readable {
            self.read(conn)
        } else {
            None
        }
    }

    fn read(&mut self, conn: ConnId) -> Option<Event> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(READ, 0);
        let connection = self.connections.get(&conn)?;
        let (read, phase) = (connection.read(&mut buffer), connection.phase);
        match (read, phase) {
            (Some(len @ 1..), Phase::Open) => return Some(Event::Bytes(conn, buffer, len)),
            // Closing a socket with unread octets would reset the connection and destroy what is
            // still on its way, such as a NOTIFICATION.
            (Some(1..) | None, _) => {}
            (Some(0), Phase::Open) => {
                self.buffer = buffer;
                return Some(Event::Closed(conn));
            }
            (Some(0), _) => self.forget(conn),
        }
        self.buffer = buffer;
        None
    }
}

#[cfg(test)]
mod tests;
