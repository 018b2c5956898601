//! TCP for BGP: carries out what a speaker asks of its transport and tells it what happened.
//!
//! One task per connection. It ends, and with it the socket, when the speaker closes the
//! connection or the other side does.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bgp::{ConnId, Input, Output};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::Error;

/// Things that happened and that the core has not heard of; tasks wait beyond that.
const EVENTS: usize = 64;
/// Octets read at once.
const READ: usize = 64 * 1024;
/// Octets waiting to be sent at which the speaker is asked to pause, and at which to go on.
const PAUSE_ABOVE: usize = 1 << 20;
const RESUME_BELOW: usize = 1 << 18;
/// How long a closed connection may go on sending what was given to it before, and wait for the
/// other side to close as well.
const LINGER: Duration = Duration::from_secs(3);
/// Connections that one address may have at once, those that are closing included: a neighbour needs
/// two at the most, and one that floods must not use up the descriptors that others need.
const CALLS_MAX: usize = 16;
/// TCP port of BGP (RFC 4271 section 8).
pub(crate) const BGP_PORT: u16 = 179;

/// Something that happened to a connection.
#[derive(Debug)]
pub(crate) enum Event {
    Accepted(TcpStream, SocketAddrV4, Call),
    Connected(ConnId, SocketAddrV4),
    Failed(ConnId),
    Bytes(ConnId, Vec<u8>),
    Closed(ConnId),
    Blocked(ConnId),
    Writable(ConnId),
}

/// How many connections from outside each address has, those that are closing included.
#[derive(Clone, Debug, Default)]
struct Callers(Arc<Mutex<BTreeMap<Ipv4Addr, usize>>>);

/// A connection from outside, counted for as long as this lives.
#[derive(Debug)]
pub(crate) struct Call {
    callers: Callers,
    address: Ipv4Addr,
}

impl Callers {
    /// Counts one more connection; `None` when the address has enough.
    fn admit(&self, address: Ipv4Addr) -> Option<Call> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= CALLS_MAX {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Call {
            callers: self.clone(),
            address,
        })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut counts = self
            .callers
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// All connections of a speaker.
#[derive(Debug)]
pub(crate) struct Transport {
    connections: BTreeMap<ConnId, Connection>,
    accepted: u64,
    events: mpsc::Receiver<Event>,
    sender: mpsc::Sender<Event>,
    /// What happened in a call of the speaker's own; told before anything else.
    immediate: VecDeque<Event>,
    /// Held by each task that carries a connection.
    alive: mpsc::Sender<Infallible>,
    ended: mpsc::Receiver<Infallible>,
}

#[derive(Debug)]
struct Connection {
    outgoing: mpsc::UnboundedSender<Arc<[u8]>>,
    backlog: Arc<Backlog>,
    task: AbortHandle,
    /// Whether the socket is connected: one that is not yet has nothing to finish on closing.
    open: bool,
}

/// What waits to be sent on a connection.
#[derive(Debug, Default)]
struct Backlog {
    octets: AtomicUsize,
    paused: AtomicBool,
}

impl Transport {
    /// No connections yet, and nobody can make one from outside.
    pub(crate) fn new() -> Self {
        let (sender, events) = mpsc::channel(EVENTS);
        let (alive, ended) = mpsc::channel(1);
        Self {
            connections: BTreeMap::new(),
            accepted: 0,
            events,
            sender,
            immediate: VecDeque::new(),
            alive,
            ended,
        }
    }

    /// Lets neighbours connect to BGP's port on any address.
    pub(crate) fn listen(&self) -> Result<(), Error> {
        let address = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, BGP_PORT);
        let listener = linux::socket::tcp_listen(address)
            .and_then(tokio::net::TcpListener::from_std)
            .map_err(Error::system(format!("listening on TCP port {BGP_PORT}")))?;
        let sender = self.sender.clone();
        let callers = Callers::default();
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, SocketAddr::V4(from))) => {
                        let Some(call) = callers.admit(*from.ip()) else {
                            tracing::debug!(%from, "too many connections");
                            continue;
                        };
                        let event = Event::Accepted(stream, from, call);
                        if sender.send(event).await.is_err() {
                            return;
                        }
                    }
                    Ok((_, SocketAddr::V6(_))) => {}
                    // Out of descriptors, mostly: others may close theirs.
                    Err(error) => {
                        tracing::warn!(%error, "accepting a BGP connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        });
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
                ..
            } => self.connect(conn, local, remote, ttl),
            Output::Send { conn, bytes } => self.send(conn, bytes),
            Output::Close { conn } => {
                if let Some(connection) = self.connections.remove(&conn) {
                    connection.close();
                }
            }
            Output::Changed { .. } | Output::Event(_) => {}
        }
    }

    /// The next thing that happened. Cancelling the wait loses nothing.
    pub(crate) async fn next(&mut self) -> Event {
        match self.immediate.pop_front() {
            Some(event) => event,
            None => self
                .events
                .recv()
                .await
                .expect("this value holds a sender of its own"),
        }
    }

    /// What happened, if anything has that was not told yet.
    pub(crate) fn try_next(&mut self) -> Option<Event> {
        self.immediate
            .pop_front()
            .or_else(|| self.events.try_recv().ok())
    }

    /// Tells the speaker, through `handle`, what happened; nothing if the speaker has given up the
    /// connection meanwhile.
    pub(crate) fn deliver(&mut self, event: Event, handle: impl FnOnce(Input<'_>)) {
        match event {
            Event::Accepted(stream, remote, call) => {
                let Ok(SocketAddr::V4(local)) = stream.local_addr() else {
                    return;
                };
                let conn = ConnId::accepted(self.accepted);
                self.accepted += 1;
                self.adopt(conn, stream, call);
                handle(Input::Accepted {
                    conn,
                    local,
                    remote,
                });
            }
            Event::Connected(conn, local) => {
                if let Some(connection) = self.connections.get_mut(&conn) {
                    connection.open = true;
                    handle(Input::Connected { conn, local });
                }
            }
            Event::Failed(conn) => {
                if self.connections.remove(&conn).is_some() {
                    handle(Input::ConnectFailed { conn });
                }
            }
            Event::Bytes(conn, bytes) => {
                if self.connections.contains_key(&conn) {
                    handle(Input::Bytes {
                        conn,
                        bytes: &bytes,
                    });
                }
            }
            Event::Closed(conn) => {
                if self.connections.remove(&conn).is_some() {
                    handle(Input::Closed { conn });
                }
            }
            Event::Blocked(conn) => {
                if self.connections.contains_key(&conn) {
                    handle(Input::Blocked { conn });
                }
            }
            Event::Writable(conn) => {
                if self.connections.contains_key(&conn) {
                    handle(Input::Writable { conn });
                }
            }
        }
    }

    /// Closes all connections and waits, but not longer than `patience`, until what was given to
    /// them is sent.
    pub(crate) async fn finish(mut self, patience: Duration) {
        for connection in std::mem::take(&mut self.connections).into_values() {
            connection.close();
        }
        let Self {
            alive, mut ended, ..
        } = self;
        // Each task holds a sender; the channel ends with the last of them.
        drop(alive);
        drop(tokio::time::timeout(patience, ended.recv()).await);
    }

    fn connect(&mut self, conn: ConnId, local: Ipv4Addr, remote: SocketAddrV4, ttl: u8) {
        let socket = linux::socket::tcp_connect(local, remote, ttl).and_then(TcpStream::from_std);
        let stream = match socket {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%error, %local, %remote, "connecting");
                self.connections.insert(conn, Connection::failed());
                self.immediate.push_back(Event::Failed(conn));
                return;
            }
        };
        let (outgoing, queue) = mpsc::unbounded_channel();
        let backlog = Arc::new(Backlog::default());
        let events = self.sender.clone();
        let (shared, alive) = (backlog.clone(), self.alive.clone());
        let task = tokio::spawn(async move {
            let _alive = alive;
            let connected = stream.writable().await.and_then(|()| stream.take_error());
            match (connected, stream.local_addr()) {
                (Ok(None), Ok(SocketAddr::V4(local))) => {
                    if events.send(Event::Connected(conn, local)).await.is_ok() {
                        carry(conn, stream, queue, &shared, &events).await;
                    }
                }
                (connected, _) => {
                    tracing::debug!(?connected, %remote, "connecting");
                    // Nobody to tell means that the daemon ends.
                    drop(events.send(Event::Failed(conn)).await);
                }
            }
        });
        let task = task.abort_handle();
        self.connections.insert(
            conn,
            Connection {
                outgoing,
                backlog,
                task,
                open: false,
            },
        );
    }

    fn adopt(&mut self, conn: ConnId, stream: TcpStream, call: Call) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection that ended at once");
        }
        let (outgoing, queue) = mpsc::unbounded_channel();
        let backlog = Arc::new(Backlog::default());
        let events = self.sender.clone();
        let (shared, alive) = (backlog.clone(), self.alive.clone());
        let task = tokio::spawn(async move {
            let _held = (alive, call);
            carry(conn, stream, queue, &shared, &events).await;
        });
        let task = task.abort_handle();
        self.connections.insert(
            conn,
            Connection {
                outgoing,
                backlog,
                task,
                open: true,
            },
        );
    }

    fn send(&mut self, conn: ConnId, bytes: Arc<[u8]>) {
        let Some(connection) = self.connections.get(&conn) else {
            return;
        };
        let waiting = connection
            .backlog
            .octets
            .fetch_add(bytes.len(), Ordering::Relaxed)
            + bytes.len();
        // A task that has ended has reported so; the report is on its way.
        drop(connection.outgoing.send(bytes));
        if waiting > PAUSE_ABOVE && !connection.backlog.paused.swap(true, Ordering::Relaxed) {
            self.immediate.push_back(Event::Blocked(conn));
        }
    }
}

impl Connection {
    /// Sends what there is to send, then ends; ends at the latest after a time of grace.
    fn close(self) {
        if self.open {
            let Self { outgoing, task, .. } = self;
            // Without a sender the task finishes what it has, then ends.
            drop(outgoing);
            tokio::spawn(async move {
                tokio::time::sleep(LINGER).await;
                task.abort();
            });
        } else {
            self.task.abort();
        }
    }

    /// Stands for a connection that could not even be begun, until the speaker has been told.
    fn failed() -> Self {
        let (outgoing, _) = mpsc::unbounded_channel();
        Self {
            outgoing,
            backlog: Arc::default(),
            task: tokio::spawn(std::future::ready(())).abort_handle(),
            open: false,
        }
    }
}

/// A connection's life: reads until the other side closes, writes until the speaker closes.
async fn carry(
    conn: ConnId,
    stream: TcpStream,
    queue: mpsc::UnboundedReceiver<Arc<[u8]>>,
    backlog: &Backlog,
    events: &mpsc::Sender<Event>,
) {
    let (mut reader, writer) = stream.into_split();
    let closed_by_us = tokio::select! {
        () = read(conn, &mut reader, events) => false,
        sent = write(conn, writer, queue, backlog, events) => sent,
    };
    if closed_by_us {
        // Closing a socket with unread octets would reset the connection and destroy what is
        // still on its way, such as a NOTIFICATION.
        let mut rest = [0; 4096];
        while matches!(reader.read(&mut rest).await, Ok(1..)) {}
    } else {
        // Nobody to tell means that the daemon ends.
        drop(events.send(Event::Closed(conn)).await);
    }
}

async fn read(conn: ConnId, reader: &mut OwnedReadHalf, events: &mpsc::Sender<Event>) {
    let mut buffer = vec![0; READ];
    while let Ok(len @ 1..) = reader.read(&mut buffer).await {
        let bytes = buffer.get(..len).unwrap_or_default().to_vec();
        if events.send(Event::Bytes(conn, bytes)).await.is_err() {
            return;
        }
    }
}

/// Whether everything was sent that the speaker gave before it closed the connection.
async fn write(
    conn: ConnId,
    mut writer: OwnedWriteHalf,
    mut queue: mpsc::UnboundedReceiver<Arc<[u8]>>,
    backlog: &Backlog,
    events: &mpsc::Sender<Event>,
) -> bool {
    while let Some(bytes) = queue.recv().await {
        if writer.write_all(&bytes).await.is_err() {
            return false;
        }
        let left = backlog.octets.fetch_sub(bytes.len(), Ordering::Relaxed) - bytes.len();
        if left < RESUME_BELOW
            && backlog.paused.swap(false, Ordering::Relaxed)
            && events.send(Event::Writable(conn)).await.is_err()
        {
            return false;
        }
    }
    // The other side may have gone first.
    drop(writer.shutdown().await);
    true
}

#[cfg(test)]
mod tests;
