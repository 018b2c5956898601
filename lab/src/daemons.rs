//! The lab's processes: starting them inside their namespaces, ending them, knowing when one ends.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use design::plan::{NodeRole, Plan, RouterDevice};
use linux::process::{self, ProcessId};
use serde::{Deserialize, Serialize};
use view::{Answer, DeviceKind, FABRIC, Query};

use crate::Error;
use crate::device::{Namespaces, Wire};
use crate::state::{MARK, State};

/// Lines of a log that go into an error.
const LOG_LINES: usize = 10;
/// How long a daemon may take to have another file.
const RELOAD_PATIENCE: Duration = Duration::from_secs(2);
/// Interfaces passed to the fabric in one message.
const WIRES_AT_ONCE: usize = 64;

/// The environment variable that says how much daemons log.
const LOG: &str = "LOG";

/// The command that runs a device.
fn command_of(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Nva | DeviceKind::Cpe => "node",
        DeviceKind::RouteServer => "route-server",
        DeviceKind::Gateway => "gateway",
        DeviceKind::Msee => "msee",
        DeviceKind::Router => "router",
        DeviceKind::Fabric => "fabric",
        DeviceKind::Host => unreachable!("a host has no daemon"),
    }
}

/// Every device that one of our daemons runs, the fabric left out.
pub(crate) fn devices(plan: &Plan) -> impl Iterator<Item = (&str, DeviceKind)> {
    let nodes = plan.nodes.iter().map(|node| {
        let kind = match node.role {
            NodeRole::Nva { .. } => DeviceKind::Nva,
            NodeRole::Cpe { .. } => DeviceKind::Cpe,
        };
        (node.name.as_str(), kind)
    });
    let servers = plan.route_servers.iter();
    let servers = servers.map(|server| (server.name.as_str(), DeviceKind::RouteServer));
    let gateways = plan.gateways.iter();
    let gateways = gateways.map(|gateway| (gateway.name.as_str(), DeviceKind::Gateway));
    let msees = plan.msees.iter();
    let msees = msees.map(|msee| (msee.name.as_str(), DeviceKind::Msee));
    let routers = own_routers(plan).map(|router| (router.name.as_str(), DeviceKind::Router));
    nodes
        .chain(servers)
        .chain(gateways)
        .chain(msees)
        .chain(routers)
}

/// The routers that are not left to daemons of other make.
pub(crate) fn own_routers(plan: &Plan) -> impl Iterator<Item = &RouterDevice> {
    plan.routers.iter().filter(|router| !router.foreign)
}

/// What [`crate::Lab::install`] did to a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Installed {
    /// It read its file and kept what the file does not change, its sessions above all.
    ReadAgain,
    /// It started, from nothing.
    Started,
    /// It ended.
    Ended,
}

/// All daemons of a lab.
pub(crate) struct Daemons {
    state: State,
    program: PathBuf,
    mark: String,
    kinds: BTreeMap<String, DeviceKind>,
    /// The other instance of each Route Server instance.
    twins: BTreeMap<String, String>,
    running: BTreeMap<String, Child>,
}

impl Daemons {
    /// The daemons that a Plan asks for, none started.
    pub(crate) fn new(state: &State, plan: &Plan, program: PathBuf, mark: &str) -> Self {
        let twins = plan.route_servers.iter();
        let twins = twins.map(|server| (server.name.clone(), server.twin.clone()));
        Self {
            twins: twins.collect(),
            state: state.clone(),
            program,
            mark: mark.to_owned(),
            kinds: devices(plan)
                .chain([(FABRIC, DeviceKind::Fabric)])
                .map(|(device, kind)| (device.to_owned(), kind))
                .collect(),
            running: BTreeMap::new(),
        }
    }

    /// Starts the fabric and gives it the interfaces.
    pub(crate) fn start_fabric(&mut self, wires: Vec<Wire>) -> Result<(), Error> {
        let system = |cause| Error::system("passing interfaces to the fabric")(cause);
        let (near, far) = UnixStream::pair().map_err(system)?;
        let mut command = self.command(FABRIC, DeviceKind::Fabric)?;
        command.stdin(Stdio::from(OwnedFd::from(far)));
        self.spawn(FABRIC, command)?;
        for wires in wires.chunks(WIRES_AT_ONCE) {
            let names: Vec<_> = wires.iter().map(|wire| &wire.port).collect();
            let names = serde_json::to_vec(&names).expect("plain data is JSON");
            let descriptors: Vec<_> = wires.iter().map(|wire| wire.tun.as_fd()).collect();
            linux::send_descriptors(&near, &names, &descriptors).map_err(system)?;
        }
        Ok(())
    }

    /// Starts every daemon of a Plan.
    pub(crate) fn start_all(&mut self, plan: &Plan, namespaces: &Namespaces) -> Result<(), Error> {
        devices(plan).try_for_each(|(device, _)| self.start(device, namespaces))
    }

    /// Lets a daemon go on from what its file says now: routers and the platform's devices read it
    /// again, nodes start anew, and so does what cannot have the file while it runs.
    pub(crate) fn renew(
        &mut self,
        device: &str,
        namespaces: &Namespaces,
    ) -> Result<Installed, Error> {
        self.reap(device);
        let child = self.running.get(device).map(Child::id);
        match (child, self.kinds.get(device)) {
            (Some(child), Some(DeviceKind::Router)) => {
                let system = |cause| Error::system(format!("telling {device}"))(cause);
                if let Some(process) = ProcessId::of(child).map_err(system)? {
                    process.signal(process::Signal::SIGHUP).map_err(system)?;
                    return Ok(Installed::ReadAgain);
                }
            }
            (Some(_), Some(DeviceKind::RouteServer | DeviceKind::Gateway | DeviceKind::Msee)) => {
                let socket = self.state.control_socket(device);
                if let Ok(Answer::Done) = driver::ask(&socket, &Query::Reload, RELOAD_PATIENCE) {
                    return Ok(Installed::ReadAgain);
                }
            }
            _ => {}
        }
        self.kill(device)?;
        self.start(device, namespaces)?;
        Ok(Installed::Started)
    }

    /// Starts a device's daemon, unless it runs.
    pub(crate) fn start(&mut self, device: &str, namespaces: &Namespaces) -> Result<(), Error> {
        let (Some(&kind), Some(namespace)) = (self.kinds.get(device), namespaces.get(device))
        else {
            return Err(Error::Refused(format!("{device} has no daemon")));
        };
        self.reap(device);
        if self.running.contains_key(device) {
            return Ok(());
        }
        let mut command = self.command(device, kind)?;
        let namespace = namespace
            .try_clone()
            .map_err(Error::system(format!("starting {device}")))?;
        process::in_namespace(&mut command, namespace);
        self.spawn(device, command)
    }

    /// Ends a daemon without a word to anybody. One that does not run is fine.
    pub(crate) fn kill(&mut self, device: &str) -> Result<(), Error> {
        if let Some(mut child) = self.running.remove(device) {
            let killed = child.kill().and_then(|()| child.wait());
            killed.map_err(Error::system(format!("ending {device}")))?;
        }
        Ok(())
    }

    /// Ends all daemons.
    pub(crate) fn kill_all(&mut self) {
        // All first, then wait: they end side by side.
        for (device, child) in &mut self.running {
            if let Err(error) = child.kill() {
                tracing::warn!(%error, device, "ending");
            }
        }
        for (device, mut child) in std::mem::take(&mut self.running) {
            if let Err(error) = child.wait() {
                tracing::warn!(%error, device, "waiting for its end");
            }
        }
    }

    /// Daemons that have ended by themselves since the last call.
    pub(crate) fn ended(&mut self) -> Vec<String> {
        let devices: Vec<String> = self.running.keys().cloned().collect();
        devices
            .into_iter()
            .filter(|device| self.reap(device))
            .collect()
    }

    /// A descriptor that becomes readable when the daemon ends.
    pub(crate) fn watch(&self, device: &str) -> io::Result<OwnedFd> {
        let child = self.running.get(device).ok_or(io::ErrorKind::NotFound)?;
        let process = ProcessId::of(child.id())?.ok_or(io::ErrorKind::NotFound)?;
        process.watch()
    }

    /// Names of all daemons, whether they run or not.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    /// Whether the daemon has ended by itself; if so, forgets it.
    fn reap(&mut self, device: &str) -> bool {
        let child = self.running.get_mut(device);
        let ended = child.is_some_and(|child| !matches!(child.try_wait(), Ok(None)));
        if ended {
            self.running.remove(device);
        }
        ended
    }

    fn command(&self, device: &str, kind: DeviceKind) -> Result<Command, Error> {
        let state = &self.state;
        let log = state.log_file(device);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(Error::file(&log))?;
        let errors = log
            .try_clone()
            .map_err(Error::system("copying a descriptor"))?;
        let mut command = Command::new(&self.program);
        command
            .arg0("longhaul")
            .arg(command_of(kind))
            .arg(state.config_file(device))
            .arg("--control")
            .arg(state.control_socket(device))
            .current_dir(state.directory())
            .env(MARK, &self.mark)
            .env(LOG, std::env::var_os(LOG).unwrap_or_else(|| "info".into()))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        match kind {
            DeviceKind::Fabric => {
                command.arg("--fabric").arg(state.programming_socket());
            }
            DeviceKind::RouteServer | DeviceKind::Gateway | DeviceKind::Msee => {
                let management = state.management_socket(device);
                command
                    .arg("--fabric")
                    .arg(state.programming_socket())
                    .arg("--management")
                    .arg(format!("unix:{}", management.display()));
            }
            DeviceKind::Nva => {
                let management = state.management_socket(device);
                command
                    .arg("--keys")
                    .arg(state.keys(device))
                    .arg("--management")
                    .arg(format!("unix:{}", management.display()));
            }
            DeviceKind::Cpe => {
                command.arg("--keys").arg(state.keys(device));
            }
            // Names in routers' files have no dots.
            DeviceKind::Router => {
                command.arg("--name").arg(device);
            }
            DeviceKind::Host => {}
        }
        if kind == DeviceKind::RouteServer {
            command
                .arg("--fabric-control")
                .arg(state.control_socket(FABRIC));
            if let Some(twin) = self.twins.get(device) {
                command.arg("--twin").arg(state.control_socket(twin));
            }
        }
        process::dies_with_parent(&mut command);
        Ok(command)
    }

    fn spawn(&mut self, device: &str, mut command: Command) -> Result<(), Error> {
        let child = command
            .spawn()
            .map_err(Error::system(format!("starting {device}")))?;
        self.running.insert(device.to_owned(), child);
        Ok(())
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// An error about a daemon, with what it said last.
pub(crate) fn failed(state: &State, device: &str, what: &str) -> Error {
    let log = fs::read_to_string(state.log_file(device)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().rev().take(LOG_LINES).collect();
    let lines: Vec<&str> = lines.into_iter().rev().collect();
    Error::Daemon {
        device: device.to_owned(),
        what: what.to_owned(),
        log_end: lines.join("\n"),
    }
}
