//! How connections begin: those that the speaker asks for, and those that neighbours make.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsFd as _;

use bgp::{ConnId, Input, TcpOptions};
use tokio::time::Instant;

use super::callers::Call;
use super::connection::{Connection, Phase};
use super::guard::{self, Guard};
use super::{Event, Transport, listener};

impl Transport {
    pub(super) fn connect(
        &mut self,
        conn: ConnId,
        local: IpAddr,
        remote: SocketAddr,
        ttl: u8,
        options: &TcpOptions,
    ) {
        let ttl = guard::ttl(ttl, options);
        let begun = linux::socket::tcp_connect_with(local, remote, ttl, |socket| {
            guard::prepare(socket, remote.ip(), options)
        });
        let begun = begun.and_then(|stream| {
            let poller = self.poller.get();
            poller.add_writable(stream.as_fd(), conn.0)?;
            Ok(stream)
        });
        match begun {
            Ok(stream) => {
                let connection = Connection::new(stream, Phase::Connecting, None);
                self.connections.insert(conn, connection);
            }
            Err(error) => {
                tracing::debug!(%error, %local, %remote, "connecting");
                self.immediate.push_back(Event::Failed(conn));
            }
        }
    }

    pub(super) fn adopt(
        &mut self,
        stream: TcpStream,
        remote: SocketAddr,
        call: Call,
        handle: impl FnOnce(Input<'_>),
    ) {
        let conn = ConnId::accepted(self.accepted);
        let ready = || {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            if let Some(guard) = Guard::of(&self.guards, remote.ip()) {
                guard.admit(&stream)?;
            }
            let poller = self.poller.get();
            poller.add_readable(stream.as_fd(), conn.0)?;
            stream.local_addr()
        };
        let local = match ready() {
            Ok(local) => local,
            Err(error) => {
                tracing::debug!(%error, %remote, "a connection that ended at once");
                return;
            }
        };
        self.accepted += 1;
        let connection = Connection::new(stream, Phase::Open, Some(call));
        self.connections.insert(conn, connection);
        handle(Input::Accepted {
            conn,
            local,
            remote,
        });
    }

    /// A connection that was begun stands or has failed.
    pub(super) fn answered(&mut self, conn: ConnId) -> Event {
        let connection = self.connections.get_mut(&conn);
        let stands = connection.map(|connection| {
            connection.connected()?;
            connection.phase = Phase::Open;
            connection.awaits_room = false;
            let stream = connection.stream.as_fd();
            self.poller.get().modify(stream, conn.0, false)
        });
        match stands {
            Some(Ok(())) => Event::Connected(conn),
            outcome => {
                tracing::debug!(?outcome, "connecting");
                self.forget(conn);
                Event::Failed(conn)
            }
        }
    }

    pub(super) fn accept(&mut self, token: u64) -> Option<Event> {
        let (listener, poller) = (self.listeners.get(&token)?, self.poller.get());
        match listener.accept(&self.callers) {
            // More may wait: they have their turn in the next round.
            Ok(accepted) => {
                accepted.map(|(stream, remote, call)| Event::Accepted(stream, remote, call))
            }
            // Out of descriptors, mostly: others may close theirs.
            Err(error) => {
                tracing::warn!(%error, "accepting a BGP connection");
                listener.pause(poller);
                let again = Instant::now() + listener::PAUSE;
                self.deadlines.insert((again, token));
                None
            }
        }
    }
}
