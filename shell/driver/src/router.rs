//! A plain BGP router: a speaker with the machine's sockets, and nothing around it.
//!
//! It learns, decides and tells; with `kernel: true` in its file the machine forwards as it decides.
//! SIGHUP makes it read its file again: a file
//! with errors changes nothing, and sessions whose neighbour's settings are the same go on.

mod device;
mod kernel;
mod reload;
mod routes;
mod secrets;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bgp::Speaker;
use design::plan::RouterConfig;

use crate::clock::Clock;
use crate::config;
use crate::error::Error;
use crate::management::{ManagementAddress, Service};
use crate::monitor::{Monitor, Us};
use crate::process::{self, Access};
use crate::transport::Guard;
use device::{Device, Parts};

/// What a router is started with.
#[derive(Clone, Debug)]
pub struct RouterSettings {
    /// The router's configuration file.
    pub config: PathBuf,
    /// Unix socket to answer queries on; goes before the one that the file names.
    pub control: Option<PathBuf>,
    /// Where to serve metrics.
    pub management: Option<ManagementAddress>,
    /// Whether neighbours keep this router's routes while it is restarted (RFC 4724): it ends
    /// without a farewell, and begins by waiting for their routes.
    pub graceful_restart: bool,
    /// The name under which it answers questions; that in the file when `None`.
    pub name: Option<String>,
}

/// Runs a router until it is told to stop.
///
/// # Errors
///
/// The configuration does not fit, or the system refuses a socket.
pub fn run_router(settings: &RouterSettings) -> Result<(), Error> {
    let config = read(&settings.config)?;
    let mut first = config.settings.clone();
    if settings.graceful_restart {
        first.restarting = Some(deferral(&config));
    }
    let clock = Clock::start();
    let mut seed = [0; 8];
    linux::random(&mut seed).map_err(Error::system("randomness"))?;
    let speaker = Speaker::new(first, u64::from_ne_bytes(seed), clock.now());
    let control = settings
        .control
        .clone()
        .or_else(|| config.control.clone().map(PathBuf::from));
    let access = Access {
        control,
        management: settings
            .management
            .clone()
            .map(|at| Service { at, hub: None }),
    };
    process::run(clock, access, |transport| {
        transport.guard(Guard::all(&config.settings))?;
        transport.listen(&config.listen)?;
        let us = Us {
            name: config.name.clone(),
            asn: config.settings.local_as,
            router_id: config.settings.router_id,
        };
        let monitor = Monitor::start(us, config.mrt.as_ref(), &config.bmp)?;
        let parts = Parts {
            path: settings.config.clone(),
            silent: settings.graceful_restart,
            name: settings.name.clone(),
            config,
            speaker,
            monitor,
        };
        Device::begin(parts, clock.now())
    })
}

/// How long a router that restarts waits for its neighbours' routes (RFC 4724 section 4.1): as long
/// as they wait for it.
fn deferral(config: &RouterConfig) -> Duration {
    let neighbors = config.settings.neighbors.iter();
    neighbors
        .filter_map(|neighbor| Some(neighbor.graceful_restart.as_ref()?.restart_time))
        .max()
        .unwrap_or(bgp::GracefulRestart::HELPER.restart_time)
}

/// Reads a router's file as [`run_router`] would.
///
/// # Errors
///
/// The file cannot be read or has errors; all of them are in the error.
pub fn check_router(config: &Path) -> Result<(), Error> {
    read(config).map(drop)
}

/// The file with the keys that it names.
fn read(path: &Path) -> Result<RouterConfig, Error> {
    let mut config = config::read_router(path)?;
    secrets::add(&mut config, path)?;
    // Somebody wants to see every message.
    config.settings.tap = config.mrt.is_some() || !config.bmp.is_empty();
    Ok(config)
}
