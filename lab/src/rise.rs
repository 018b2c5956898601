//! Seeing a lab up: daemons answer, tunnels work, BGP sessions stand, hosts reach each other.

use std::os::unix::net::UnixStream;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use design::plan::Plan;
use view::FABRIC;

use crate::daemons;
use crate::device::Namespaces;
use crate::standing::{Count, Look};
use crate::state::{self, State};
use crate::supervisor::Ended;
use crate::verify::{REACH_PATIENCE, Report, Verifier};
use crate::{Error, Stage};

/// Pause between two looks at the daemons.
const PAUSE: Duration = Duration::from_millis(50);
/// Routes have arrived everywhere when no table changed for this long: three round trips of the
/// longest distance.
pub const QUIET: Duration = Duration::from_millis(1000);
/// How long a daemon may take to answer on its socket after its start.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// What is needed to see a lab up.
pub(crate) struct Rise {
    pub(crate) state: State,
    pub(crate) plan: Plan,
    pub(crate) namespaces: Arc<Namespaces>,
    pub(crate) ended: Ended,
    pub(crate) patience: Duration,
}

impl Rise {
    /// Waits stage by stage, then verifies. Tunnels and sessions that do not come in time are in
    /// the report; a daemon that does not answer is an error.
    pub(crate) fn run(
        &self,
        progress: &mut dyn FnMut(Stage, usize, usize),
    ) -> Result<Report, Error> {
        self.wait_for_daemons(Stage::Fabric, &[FABRIC], progress)?;
        let servers = self.plan.route_servers.iter();
        let servers: Vec<&str> = servers.map(|server| server.name.as_str()).collect();
        self.wait_for_daemons(Stage::RouteServers, &servers, progress)?;
        let mut shortfalls = Vec::new();
        let tunnels = self.wait_for(Stage::Tunnels, progress, |look| look.paths())?;
        if tunnels.0 < tunnels.1 {
            shortfalls.push(format!("{} of {} tunnel paths work", tunnels.0, tunnels.1));
        }
        let sessions = self.wait_for(Stage::Bgp, progress, |look| look.sessions())?;
        if sessions.0 < sessions.1 {
            shortfalls.push(format!(
                "{} of {} BGP sessions stand",
                sessions.0, sessions.1
            ));
        }
        self.wait_until_settled()?;
        let verifier = Verifier {
            state: &self.state,
            plan: &self.plan,
            namespaces: &self.namespaces,
            foreign_sites: false,
            patience: self.patience.min(REACH_PATIENCE),
        };
        let mut report =
            verifier.run(&mut |done, total| progress(Stage::Verification, done, total))?;
        report.shortfalls = shortfalls;
        state::write(&self.state.verification_file(), &report.verification())?;
        Ok(report)
    }

    /// Waits until all of these daemons listen on their control sockets.
    fn wait_for_daemons(
        &self,
        stage: Stage,
        devices: &[&str],
        progress: &mut dyn FnMut(Stage, usize, usize),
    ) -> Result<(), Error> {
        let deadline = Instant::now() + START_PATIENCE;
        let mut silent: Vec<&str> = devices.to_vec();
        loop {
            silent.retain(|device| UnixStream::connect(self.state.control_socket(device)).is_err());
            progress(stage, devices.len() - silent.len(), devices.len());
            self.check_daemons()?;
            match silent.first() {
                None => return Ok(()),
                Some(device) if Instant::now() > deadline => {
                    return Err(daemons::failed(&self.state, device, "does not answer"));
                }
                Some(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    /// Waits until there is all of something, or patience ends; how much there is then.
    fn wait_for(
        &self,
        stage: Stage,
        progress: &mut dyn FnMut(Stage, usize, usize),
        count: impl Fn(&Look<'_>) -> Count,
    ) -> Result<Count, Error> {
        let deadline = Instant::now() + self.patience;
        loop {
            let (done, total) = count(&self.look());
            progress(stage, done, total);
            self.check_daemons()?;
            if done == total || Instant::now() > deadline {
                return Ok((done, total));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until no forwarding table has changed for a while, or patience ends: with the last
    /// session, routes still travel, and what is measured before they arrived is another network.
    fn wait_until_settled(&self) -> Result<(), Error> {
        let deadline = Instant::now() + self.patience;
        let mut tables = self.look().tables();
        let mut since = Instant::now();
        while since.elapsed() < QUIET && Instant::now() < deadline {
            self.check_daemons()?;
            std::thread::sleep(PAUSE * 4);
            let found = self.look().tables();
            if found != tables {
                tables = found;
                since = Instant::now();
            }
        }
        Ok(())
    }

    /// No daemon ends while a lab comes up.
    fn check_daemons(&self) -> Result<(), Error> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        match ended.first() {
            None => Ok(()),
            Some(device) => Err(daemons::failed(&self.state, device, "has ended")),
        }
    }

    fn look(&self) -> Look<'_> {
        Look {
            state: &self.state,
            plan: &self.plan,
            other: None,
        }
    }
}
