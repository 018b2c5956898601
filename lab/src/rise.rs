//! Seeing a lab up: daemons answer, tunnels work, BGP sessions stand, hosts reach each other.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use design::plan::Plan;
use view::{Answer, DeviceKind, DeviceStatus, FABRIC, Query};

use crate::daemons;
use crate::device::Namespaces;
use crate::state::{self, State};
use crate::supervisor::Ended;
use crate::verify::{Report, Verifier};
use crate::{Error, Stage};

/// Pause between two looks at the daemons.
const PAUSE: Duration = Duration::from_millis(50);
/// Routes have arrived everywhere when no table changed for this long: three round trips of the
/// longest distance.
const QUIET: Duration = Duration::from_millis(1000);
/// How long a daemon may take to answer on its socket after its start.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How long one answer may take.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// What is needed to see a lab up.
pub(crate) struct Rise {
    pub(crate) state: State,
    pub(crate) plan: Plan,
    pub(crate) namespaces: Arc<Namespaces>,
    pub(crate) ended: Ended,
    pub(crate) patience: Duration,
}

/// How much of something there is: done, total.
type Count = (usize, usize);

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
        let tunnels = self.wait_for(Stage::Tunnels, progress, |rise| rise.paths())?;
        if tunnels.0 < tunnels.1 {
            shortfalls.push(format!("{} of {} tunnel paths work", tunnels.0, tunnels.1));
        }
        let expected = self.own_sessions();
        let sessions = self.wait_for(Stage::Bgp, progress, |rise| rise.sessions(&expected))?;
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
        count: impl Fn(&Self) -> Count,
    ) -> Result<Count, Error> {
        let deadline = Instant::now() + self.patience;
        loop {
            let (done, total) = count(self);
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
        let mut tables = self.tables();
        let mut since = Instant::now();
        while since.elapsed() < QUIET && Instant::now() < deadline {
            self.check_daemons()?;
            std::thread::sleep(PAUSE * 4);
            let found = self.tables();
            if found != tables {
                tables = found;
                since = Instant::now();
            }
        }
        Ok(())
    }

    /// The forwarding tables of all nodes, routers and of the fabric.
    fn tables(&self) -> Vec<Option<Answer>> {
        let devices = daemons::devices(&self.plan).filter(|(_, kind)| {
            matches!(kind, DeviceKind::Nva | DeviceKind::Cpe | DeviceKind::Router)
        });
        let devices = devices.map(|(device, _)| device).chain([FABRIC]);
        let ask = |device| {
            driver::ask(
                &self.state.control_socket(device),
                &Query::Forwarding,
                ANSWER_PATIENCE,
            )
            .ok()
        };
        devices.map(ask).collect()
    }

    /// No daemon ends while a lab comes up.
    fn check_daemons(&self) -> Result<(), Error> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        match ended.first() {
            None => Ok(()),
            Some(device) => Err(daemons::failed(&self.state, device, "has ended")),
        }
    }

    /// Working paths between our own nodes. Those to foreign devices come when they are started.
    fn paths(&self) -> Count {
        let own = self.own_nodes();
        self.sum(
            self.plan.nodes.iter().map(|node| {
                let links = node
                    .links
                    .iter()
                    .filter(|link| own.contains(link.neighbor.as_str()));
                let expected = links.map(|link| link.paths.len()).sum();
                (node.name.as_str(), expected)
            }),
            |status| status.paths_up,
        )
    }

    /// Established BGP sessions between our own daemons.
    fn sessions(&self, expected: &BTreeMap<&str, usize>) -> Count {
        let expected = expected.iter().map(|(device, count)| (*device, *count));
        self.sum(expected, |status| status.sessions_up)
    }

    /// How many BGP sessions each of our own daemons has with others of them.
    fn own_sessions(&self) -> BTreeMap<&str, usize> {
        let sessions = view::expected_sessions(&self.plan);
        let own: BTreeSet<&str> = daemons::devices(&self.plan)
            .map(|(device, _)| device)
            .collect();
        let count = |device: &str| {
            let peers = sessions.get(device).into_iter().flatten();
            peers.filter(|peer| own.contains(peer.as_str())).count()
        };
        own.iter().map(|device| (*device, count(device))).collect()
    }

    fn own_nodes(&self) -> BTreeSet<&str> {
        self.plan
            .nodes
            .iter()
            .map(|node| node.name.as_str())
            .collect()
    }

    /// Adds up what devices have, of what they should have.
    fn sum<'a>(
        &self,
        expected: impl Iterator<Item = (&'a str, usize)>,
        has: impl Fn(&DeviceStatus) -> u32,
    ) -> Count {
        expected.fold((0, 0), |(done, total), (device, expected)| {
            let socket = self.state.control_socket(device);
            let found = match driver::ask(&socket, &Query::Status, ANSWER_PATIENCE) {
                Ok(Answer::Status(status)) => has(&status) as usize,
                _ => 0,
            };
            (done + found.min(expected), total + expected)
        })
    }
}
