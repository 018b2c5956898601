//! BFD's packets, carried by the device's own loop: an MSEE watches few neighbours, and its core has
//! the sessions.

use ::bfd::{Input, Output};
use inet::Instant;
use linux::WatchedPoller;
use linux::epoll::Poller;

use crate::bfd::Sockets;
use crate::error::Error;

/// All sockets of BFD in one set, and that set in another one that the event loop waits for.
pub(super) struct Datagrams {
    sockets: Sockets,
    outer: WatchedPoller,
    ready: Vec<u64>,
}

impl Datagrams {
    /// No sockets yet.
    pub(super) fn new() -> Result<Self, Error> {
        let make = || {
            let mut seed = [0; 8];
            linux::random(&mut seed)?;
            let inner = Poller::new()?;
            let outer = Poller::new()?;
            outer.add_readable(&inner, 0)?;
            Ok(Self {
                sockets: Sockets::new(inner, 0, u64::from_ne_bytes(seed)),
                outer: WatchedPoller::new(outer)?,
                ready: Vec::new(),
            })
        };
        make().map_err(Error::system("starting BFD"))
    }

    /// Waits until a packet waits. Cancelling the wait loses nothing.
    pub(super) async fn ready(&self) {
        if let Err(error) = self.outer.ready(&mut Vec::new()).await {
            tracing::error!(%error, "BFD ends: waiting is not possible");
            std::future::pending::<()>().await;
        }
    }

    /// Takes the packets that wait.
    pub(super) fn receive(&mut self, mut take: impl FnMut(Input<'_>)) {
        self.ready.clear();
        let now = Some(std::time::Duration::ZERO);
        if self.sockets.poller().wait(now, &mut self.ready).is_err() {
            return;
        }
        for token in std::mem::take(&mut self.ready) {
            self.sockets.receive(token, |from, to, ttl, bytes| {
                take(Input::Datagram {
                    from,
                    to,
                    ttl,
                    bytes,
                });
            });
        }
    }

    /// Does what the core asks for.
    pub(super) fn apply(&mut self, now: Instant, output: Output) {
        match output {
            Output::Send { session, bytes, .. } => {
                self.sockets.add(now, session);
                self.sockets.send(session, &bytes);
            }
            Output::State {
                session,
                state,
                diagnostic,
            } => tracing::info!(remote = %session.remote, %state, %diagnostic, "BFD"),
            Output::Client { session, verdict } => {
                tracing::info!(remote = %session.remote, ?verdict, "BFD");
            }
            Output::Removed { session } => self.sockets.remove(session),
            Output::Refused { session } => {
                tracing::error!(remote = %session.remote, "too many BFD sessions");
            }
        }
    }

    /// When [`Self::retry`] has something to do.
    pub(super) const fn retry_at(&self) -> Option<Instant> {
        self.sockets.retry_at()
    }

    /// Opens what could not be opened.
    pub(super) fn retry(&mut self, now: Instant) {
        self.sockets.retry(now);
    }
}
