//! All connections of a node: begins, accepts and ends them, and tells control of each that stands or is over.
//!
//! A connection that control has ended says nothing any more, also when it was about to: names are used again, and
//! each time under another number.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;

use carrier::GUESTS_MAX;
use node::{Connection, LocatorId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::call::{self, Exit};
use super::line::{self, Inbox};
use super::lines::Lines;
use super::tls::Configs;
use super::{Command, Happened};
use crate::node::mailbox::ToShard;

/// How long TLS may take with somebody who called.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections of others: those of peers, and of strangers on the way to being sent off.
const ACCEPTED_MAX: usize = 4_096 + GUESTS_MAX;
/// How long to wait when no connection can be accepted, for lack of descriptors mostly.
const PAUSE: Duration = Duration::from_millis(100);

/// All connections.
pub(super) struct Switchboard {
    exits: BTreeMap<LocatorId, Exit>,
    tls: Configs,
    lines: Lines,
    shards: Vec<ToShard>,
    tell: mpsc::Sender<Happened>,
    tasks: BTreeMap<Connection, Task>,
    /// Of the next task, and of the next connection that somebody else begins.
    number: u64,
    accepted: u32,
}

/// What carries one connection.
struct Task {
    number: u64,
    handle: AbortHandle,
}

/// What a task says of its connection.
struct Said {
    connection: Connection,
    /// The task's.
    number: u64,
    what: What,
}

enum What {
    /// It stands; the other end is there.
    Stands(SocketAddrV4),
    Over(io::Result<()>),
}

impl Switchboard {
    pub(super) fn new(
        exits: BTreeMap<LocatorId, Exit>,
        tls: Configs,
        lines: Lines,
        shards: Vec<ToShard>,
        tell: mpsc::Sender<Happened>,
    ) -> Self {
        Self {
            exits,
            tls,
            lines,
            shards,
            tell,
            tasks: BTreeMap::new(),
            number: 0,
            accepted: 0,
        }
    }

    /// Runs until control is gone.
    pub(super) async fn run(
        mut self,
        listeners: Vec<(LocatorId, TcpListener)>,
        mut wanted: mpsc::UnboundedReceiver<Command>,
    ) {
        let (say, mut said) = mpsc::channel(64);
        let (arrive, mut arrived) = mpsc::channel(16);
        for (locator, listener) in listeners {
            tokio::spawn(accept(locator, listener, arrive.clone()));
        }
        loop {
            tokio::select! {
                command = wanted.recv() => match command {
                    Some(command) => self.obey(command, &say),
                    None => return,
                },
                Some(said) = said.recv() => {
                    if let Some(happened) = self.hear(said)
                        && self.tell.send(happened).await.is_err()
                    {
                        return;
                    }
                }
                Some((locator, stream, remote)) = arrived.recv() => {
                    self.take(locator, stream, remote, &say);
                }
            }
        }
    }

    fn obey(&mut self, command: Command, say: &mpsc::Sender<Said>) {
        match command {
            Command::Connect {
                connection,
                locator,
                to,
            } => {
                self.end(connection);
                let Some(exit) = self.exits.get(&locator).cloned() else {
                    return;
                };
                let tls = self.tls.client.clone();
                let calling = async move { Ok((call::call(&exit, to, &tls).await?, to)) };
                self.begin(connection, locator, calling, say);
            }
            Command::Disconnect(connection) => self.end(connection),
        }
    }

    /// Somebody connected.
    fn take(
        &mut self,
        locator: LocatorId,
        stream: TcpStream,
        remote: SocketAddrV4,
        say: &mpsc::Sender<Said>,
    ) {
        if self.tasks.len() >= ACCEPTED_MAX {
            return;
        }
        let mut connection = Connection::Accepted(self.accepted);
        while self.tasks.contains_key(&connection) {
            self.accepted = (self.accepted + 1) % Connection::NUMBERS;
            connection = Connection::Accepted(self.accepted);
        }
        self.accepted = (self.accepted + 1) % Connection::NUMBERS;
        let tls = self.tls.server.clone();
        let greeting = async move {
            let greeted = timeout(HANDSHAKE, tls.accept(stream)).await;
            Ok((
                greeted.unwrap_or(Err(io::ErrorKind::TimedOut.into()))?,
                remote,
            ))
        };
        self.begin(connection, locator, greeting, say);
    }

    fn begin<S: AsyncRead + AsyncWrite + Send + 'static>(
        &mut self,
        connection: Connection,
        locator: LocatorId,
        beginning: impl Future<Output = io::Result<(S, SocketAddrV4)>> + Send + 'static,
        say: &mpsc::Sender<Said>,
    ) {
        self.number += 1;
        let (number, say) = (self.number, say.clone());
        let (Connection::Called(place) | Connection::Accepted(place)) = connection;
        let Some(shard) = self.shards.get(place as usize % self.shards.len().max(1)) else {
            return;
        };
        let inbox = Inbox {
            locator,
            from: connection.address(),
            shard: shard.clone(),
        };
        let lines = self.lines.clone();
        let task = tokio::spawn(async move {
            let said = |what| Said {
                connection,
                number,
                what,
            };
            let over = match beginning.await {
                Err(error) => Err(error),
                Ok((stream, remote)) => {
                    let batches = lines.add(connection);
                    let _gone = say.send(said(What::Stands(remote))).await;
                    line::run(stream, batches, inbox).await
                }
            };
            let _gone = say.send(said(What::Over(over))).await;
        });
        let handle = task.abort_handle();
        self.tasks.insert(connection, Task { number, handle });
    }

    /// What control has to hear of what a task says.
    fn hear(&mut self, said: Said) -> Option<Happened> {
        let Said {
            connection,
            number,
            what,
        } = said;
        let is_current = |task: &Task| task.number == number;
        if !self.tasks.get(&connection).is_some_and(is_current) {
            return None;
        }
        match what {
            What::Stands(remote) => Some(Happened::Opened(connection, remote)),
            What::Over(how) => {
                tracing::debug!(?connection, ?how, "a connection for tunnels is over");
                self.tasks.remove(&connection);
                self.lines.remove(connection);
                Some(Happened::Closed(connection))
            }
        }
    }

    fn end(&mut self, connection: Connection) {
        if let Some(task) = self.tasks.remove(&connection) {
            task.handle.abort();
            self.lines.remove(connection);
        }
    }
}

/// Takes connections as they come.
async fn accept(
    locator: LocatorId,
    listener: TcpListener,
    arrive: mpsc::Sender<(LocatorId, TcpStream, SocketAddrV4)>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, SocketAddr::V4(remote))) => {
                if arrive.send((locator, stream, remote)).await.is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "accepting a connection for tunnels");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
