//! One network of a lab becomes another, device after device, while packets go on.
//!
//! The platform's devices read their new files as they run. Hubs and CPEs start anew, each when all
//! that both networks have stands again after the one before, so that the others carry the traffic.
//! Then come new devices, then routers read their files, and last goes what is gone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use design::plan::Plan;
use lab::{Installed, Lab};

use crate::lab_commands::failure;
use crate::output::Failure;

/// How long a network may take to stand after a change. What is missing then, verification finds.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Where routers stand in the order in which devices change.
const ROUTERS: u8 = 3;

/// Makes the network `after` of the network `before`. Names the devices that changed.
pub(super) fn change(lab: &mut Lab, before: &Plan, after: &Plan) -> Result<Vec<String>, Failure> {
    let (old, new) = (files(before), files(after));
    let mut changed = Vec::new();
    lab.becomes(after).map_err(failure)?;
    for (key, text) in &new {
        let known = old.get(key);
        if key.0 != ROUTERS && known.is_some_and(|known| known != text) {
            let how = lab.install(&key.1, Some(text.clone())).map_err(failure)?;
            if how == Installed::Started {
                settle(lab, Some(before))?;
            }
            changed.push(key.1.clone());
        }
    }
    for (key, text) in &new {
        let known = old.get(key);
        if known.is_none() || (key.0 == ROUTERS && known != Some(text)) {
            lab.install(&key.1, Some(text.clone())).map_err(failure)?;
            changed.push(key.1.clone());
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        lab.install(&key.1, None).map_err(failure)?;
        changed.push(key.1.clone());
    }
    settle(lab, None)?;
    Ok(changed)
}

/// The files of all devices, in the order in which they change.
fn files(plan: &Plan) -> BTreeMap<(u8, String), String> {
    let mut all = BTreeMap::new();
    for server in &plan.route_servers {
        all.insert((0, server.name.clone()), server.to_yaml());
    }
    for gateway in &plan.gateways {
        all.insert((1, gateway.name.clone()), gateway.to_yaml());
    }
    for msee in &plan.msees {
        all.insert((1, msee.name.clone()), msee.to_yaml());
    }
    for node in &plan.nodes {
        all.insert((2, node.name.clone()), node.to_yaml());
    }
    for router in plan.routers.iter().filter(|router| !router.foreign) {
        all.insert((ROUTERS, router.name.clone()), router.config.clone());
    }
    all
}

/// Waits until the tunnels and sessions stand and no forwarding table has changed for a while. On
/// the way from another network, those count that both have.
fn settle(lab: &Lab, other: Option<&Plan>) -> Result<(), Failure> {
    let began = Instant::now();
    let mut standing = lab.standing(other);
    let mut since = Instant::now();
    while !(standing.is_whole() && since.elapsed() >= lab::QUIET) && began.elapsed() < PATIENCE {
        // An interrupt ends the walk.
        if driver::interrupted_within(LOOK).context("waiting")? {
            return Err(anyhow::anyhow!("interrupted").into());
        }
        let found = lab.standing(other);
        if found != standing {
            standing = found;
            since = Instant::now();
        }
    }
    Ok(())
}
