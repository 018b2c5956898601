//! Tunnels over TLS: all connections that carry them, on a thread of their own, so that what they cost delays neither
//! control nor the packets that go by UDP.
//!
//! ```text
//!  forwarding threads ──┐                                        ┌──▶ a shard
//!                       ├─▶ lines ──▶ frames ──▶ TLS ◀──▶ frames ─┘
//!  control ─────────────┘   (bounded, dropped when late)
//!     └── connect, disconnect ──▶ switchboard ── opened, closed ──▶ control
//! ```
//!
//! Which connections there are the core decides; see `docs/carrier.md`.

mod call;
mod line;
mod lines;
mod switchboard;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeMap;
use std::net::{SocketAddrV4, TcpListener};
use std::path::Path;
use std::thread;

use design::plan::NodeConfig;
use node::{Connection, LocatorId};
use tokio::sync::mpsc;

use super::mailbox::ToShard;
use crate::Error;
use crate::config::read_proxy_password;
use call::{Exit, Proxy};
use switchboard::Switchboard;

pub(super) use lines::Lines;

/// What control may have to hear before the connections wait for it.
const HAPPENED_MAX: usize = 256;

/// What control wants of the connections.
pub(super) enum Command {
    /// Begin one in place of one of this name that there may be.
    Connect {
        connection: Connection,
        locator: LocatorId,
        to: SocketAddrV4,
    },
    /// End one.
    Disconnect(Connection),
}

/// What happened to a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Happened {
    /// It stands; the other end is there.
    Opened(Connection, SocketAddrV4),
    /// It came to nothing or is over.
    Closed(Connection),
}

/// The connections as control sees them.
pub(super) struct Carrier {
    commands: mpsc::UnboundedSender<Command>,
    pub(super) happened: mpsc::Receiver<Happened>,
}

/// What the connections need that only a process with all its rights can get.
#[derive(Default)]
pub(super) struct Prepared {
    listeners: Vec<(LocatorId, TcpListener)>,
    exits: BTreeMap<LocatorId, Exit>,
}

impl Prepared {
    /// Listens where the configuration says, and reads what proxies ask for.
    ///
    /// # Errors
    ///
    /// A port is taken, or a password cannot be read.
    pub(super) fn new(config: &NodeConfig, keys: &Path) -> Result<Self, Error> {
        let mut prepared = Self::default();
        for (number, locator) in (0..).map(LocatorId).zip(&config.locators) {
            if let Some(port) = locator.tls_port {
                let listener = linux::stream::listen_on(&locator.interface, port);
                let listener = listener.map_err(Error::system(format!(
                    "TCP port {port} on {} for tunnels over TLS",
                    locator.interface
                )))?;
                prepared.listeners.push((number, listener));
            }
            let calls = |link: &design::plan::LinkConfig| {
                let mut paths = link.paths.iter();
                paths.any(|path| path.local == locator.name && path.tls.is_some())
            };
            if config.links.iter().any(calls) {
                let proxy = locator.proxy.as_ref().map(|proxy| {
                    let password = |user: &String| {
                        let password = read_proxy_password(keys, &locator.name)?;
                        Ok((user.clone(), password))
                    };
                    let credentials = proxy.user.as_ref().map(password).transpose()?;
                    Ok(Proxy::new(proxy.address, credentials))
                });
                let exit = Exit {
                    interface: locator.interface.clone(),
                    proxy: proxy.transpose()?,
                };
                prepared.exits.insert(number, exit);
            }
        }
        Ok(prepared)
    }

    /// Starts the thread, where there is anything for it to do.
    ///
    /// # Errors
    ///
    /// The system refuses a thread, or a certificate cannot be made.
    pub(super) fn start(self, lines: Lines, shards: Vec<ToShard>) -> Result<Carrier, Error> {
        let (commands, wanted) = mpsc::unbounded_channel();
        let (tell, happened) = mpsc::channel(HAPPENED_MAX);
        let carrier = Carrier { commands, happened };
        if self.listeners.is_empty() && self.exits.is_empty() {
            return Ok(carrier);
        }
        let tls = tls::Configs::new()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::system("starting the carrier's event loop"))?;
        let listeners = {
            let _inside = runtime.enter();
            let adopt = |(locator, listener): (LocatorId, TcpListener)| {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                Ok((locator, listener))
            };
            let listeners = self.listeners.into_iter().map(adopt);
            listeners
                .collect::<std::io::Result<Vec<_>>>()
                .map_err(Error::system("listening for tunnels over TLS"))?
        };
        let switchboard = Switchboard::new(self.exits, tls, lines, shards, tell);
        thread::Builder::new()
            .name("carrier".to_owned())
            .spawn(move || runtime.block_on(switchboard.run(listeners, wanted)))
            .map_err(Error::system("starting the carrier"))?;
        Ok(carrier)
    }
}

impl Carrier {
    /// Asks for something. A carrier that has ended does nothing.
    pub(super) fn ask(&self, command: Command) {
        let _gone = self.commands.send(command);
    }
}
