//! Management over HTTP: resources in the platform's shapes, and metrics.
//!
//! It listens on a Unix socket that only its owner may open, or on a loopback address; never on
//! one that others reach, because nobody is asked for a password. It runs on a thread of its own
//! and puts its questions into the same bounded channel as the control socket, so that reading
//! requests and writing answers takes nothing from the daemon's loop, whatever a client does.
//!
//! ```text
//! clients ──▶ thread "management": server ─▶ resources ─▶ Sources ─┬─▶ bounded channel ─▶ loop
//!                                                                  ├─▶ twin's control socket
//!                                                                  └─▶ fabric's control socket
//! ```
//!
//! A Route Server is two processes. Each answers for both: what it does not know itself it asks the
//! other instance's control socket, and what changes it changes at both.

mod address;
mod metrics;
mod process;
mod resources;
mod server;
mod sources;

use std::io;
use std::path::PathBuf;

pub use address::{ManagementAddress, ManagementAddressError};

use crate::Error;
use crate::control::Asker;
use server::Listener;
use sources::Sources;

/// Where and for whom management is served.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) at: ManagementAddress,
    /// The Route Server it is for; `None` serves metrics only.
    pub(crate) hub: Option<Hub>,
}

/// A Route Server, as its management needs to know it.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    /// Its name.
    pub(crate) name: String,
    /// Which of its instances this is: 0 or 1.
    pub(crate) instance: u8,
    /// The VNet it stands in.
    pub(crate) vnet: String,
    /// Control socket of the other instance.
    pub(crate) twin: Option<PathBuf>,
    /// Control socket of the fabric.
    pub(crate) fabric: Option<PathBuf>,
}

/// Serves management for as long as the process lives.
///
/// # Errors
///
/// The address cannot be listened on, or there can be no thread.
pub(crate) fn serve(service: Service, own: Asker) -> Result<(), Error> {
    let listener = Listener::bind(&service.at)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::system("starting the event loop of management"))?;
    let sources = Sources::new(own, service.hub);
    std::thread::Builder::new()
        .name("management".to_owned())
        .spawn(move || {
            if let Err(error) = runtime.block_on(server::run(listener, sources)) {
                tracing::error!(%error, "management has ended");
            }
        })
        .map(drop)
        .map_err(Error::system("starting the thread of management"))
}

/// Listening began on this thread; the event loop of another one takes it over.
fn adopted<T>(what: io::Result<T>) -> Result<T, Error> {
    what.map_err(Error::system("listening for management"))
}
