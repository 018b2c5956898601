//! `migrate run`: the steps of a migration in a lab, with packets under way between all hosts.
//!
//! The lab is made of all devices of all steps; a step starts, renews and ends daemons. The platform
//! and the hubs go first, one device after the other, then come new devices, then routers change,
//! and last goes what is gone. After each step every host must reach every other one; else the step
//! is undone and the walk ends.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use design::plan::Plan;
use lab::Lab;
use migrate::{Outcome as Found, Report};
use serde::Serialize;
use tunnel::PrivateKey;

use crate::args::{Format, MigrateRun};
use crate::designs;
use crate::lab_commands::failure;
use crate::output::{Ended, Failure, Outcome, note, result};
use crate::progress::Bars;

/// Packets of a pair are this far apart.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long sessions may take to stand again after a device was renewed.
const RENEWAL_PATIENCE: Duration = Duration::from_secs(30);
/// How long routes get to arrive everywhere once the sessions stand.
const SETTLE: Duration = Duration::from_secs(3);
/// How often the sessions are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What became of the walk.
#[derive(Debug, Serialize)]
struct Walk {
    format_version: u8,
    name: String,
    complete: bool,
    steps: Vec<Walked>,
}

/// What became of a step.
#[derive(Debug, Serialize)]
struct Walked {
    number: usize,
    title: String,
    /// Devices that were started, renewed or ended.
    devices: Vec<String>,
    pairs: usize,
    reached: usize,
    packets_sent: u64,
    packets_lost: u64,
    longest_gap_ms: u64,
    /// Whether the step was undone, and why.
    undone: Option<String>,
}

/// `migrate run`.
pub(crate) fn run(format: Format, options: &MigrateRun) -> Outcome {
    let from = designs::value(&options.plan.from)?;
    let to = designs::value(&options.plan.to)?;
    let from_name = options.plan.from.display().to_string();
    let master = driver::random_key().context("drawing keys")?;
    let found = super::search(&from, &to, &from_name, options.plan.seed)?;
    let report = Report::new(&found.name, &from_name, &found.outcome);
    if !report.complete {
        note(&report.summary());
        note("no order keeps every pair: nothing was brought up");
        return Ok(Ended::Findings);
    }
    let plans = plans(&found.outcome, &master)?;
    let walk = walk(&report, &plans, &master)?;
    result(format, &walk, text)?;
    Ok(if walk.complete {
        Ended::Clean
    } else {
        Ended::Findings
    })
}

/// The Plans of the first design and of all steps, with keys of this run.
fn plans(outcome: &Found, master: &[u8; 32]) -> Result<Vec<Plan>, Failure> {
    let key = |locator: &str| PrivateKey::derive(master, locator).public_key().to_string();
    let proven = [outcome.first_plan.as_ref()]
        .into_iter()
        .chain(outcome.steps.iter().map(|step| step.plan.as_ref()));
    let mut plans = Vec::new();
    for plan in proven {
        let Some(plan) = plan else {
            return Err(Failure::usage("error: a step has no devices"));
        };
        let mut plan = plan.clone();
        for locator in plan.nodes.iter_mut().flat_map(|node| &mut node.locators) {
            locator.public_key = key(&locator.name);
        }
        for path in plan
            .nodes
            .iter_mut()
            .flat_map(|node| &mut node.links)
            .flat_map(|link| &mut link.paths)
        {
            path.public_key = key(&path.remote);
        }
        plans.push(plan);
    }
    Ok(plans)
}

/// Brings the first design up and goes on from step to step.
fn walk(report: &Report, plans: &[Plan], master: &[u8; 32]) -> Result<Walk, Failure> {
    let (Some(first), Ok(Some(ground))) = (plans.first(), migrate::union(plans)) else {
        let clash = migrate::union(plans)
            .err()
            .map_or_else(String::new, |clash| clash.to_string());
        return Err(Failure::usage(format!("error: {clash}")));
    };
    let private_key = |locator: &str| PrivateKey::derive(master, locator).to_base64();
    let mut raising = lab::Options::new(&private_key);
    raising.ground = Some(&ground);
    let mut bars = Bars::default();
    let lab = lab::up(first, &raising, &mut bars);
    bars.finish();
    let mut lab = lab.map_err(failure)?;
    let mut walk = Walk {
        format_version: 1,
        name: report.name.clone(),
        complete: false,
        steps: Vec::new(),
    };
    if !lab.report().is_some_and(lab::Report::passed) {
        note("the first design is up, but not all of it is as it should be: nothing was changed");
        end(lab)?;
        return Ok(walk);
    }
    for (step, pair) in report.steps.iter().zip(plans.windows(2)) {
        let [before, after] = pair else { continue };
        note(&format!("step {}: {}", step.number, step.title));
        let walked = one(&mut lab, step.number, &step.title, before, after)?;
        let undone = walked.undone.is_some();
        walk.steps.push(walked);
        if undone {
            end(lab)?;
            return Ok(walk);
        }
    }
    walk.complete = true;
    end(lab)?;
    Ok(walk)
}

fn end(lab: Lab) -> Result<(), Failure> {
    let name = lab.name().to_owned();
    drop(lab);
    match lab::down(Some(&name)) {
        Ok(_) | Err(lab::Error::NotRunning { .. }) => Ok(()),
        Err(error) => Err(failure(error)),
    }
}

/// Takes one step, and undoes it when a pair is lost.
fn one(
    lab: &mut Lab,
    number: usize,
    title: &str,
    before: &Plan,
    after: &Plan,
) -> Result<Walked, Failure> {
    lab.record(INTERVAL).map_err(failure)?;
    let devices = change(lab, before, after)?;
    let recording = lab.stop_recording().map_err(failure)?;
    let verified = lab.verify().map_err(failure)?;
    let silent: Vec<String> = verified
        .pairs
        .iter()
        .filter_map(lab::PairResult::failure)
        .collect();
    let mut walked = Walked {
        number,
        title: title.to_owned(),
        devices,
        pairs: verified.pairs.len(),
        reached: verified.pairs.len() - silent.len(),
        packets_sent: recording.pairs.iter().map(|pair| pair.sent).sum(),
        packets_lost: recording.pairs.iter().map(|pair| pair.lost).sum(),
        longest_gap_ms: u64::try_from(recording.longest_gap().as_millis()).unwrap_or(u64::MAX),
        undone: None,
    };
    if let Some(why) = silent.first() {
        note(&format!("{why}; going back"));
        walked.undone = Some(silent.join("; "));
        change(lab, after, before)?;
        let again = lab.verify().map_err(failure)?;
        let whole = again.pairs.iter().all(|pair| pair.failure().is_none());
        note(if whole {
            "the network is as it was before the step"
        } else {
            "the step is undone, and not every pair is back"
        });
    }
    Ok(walked)
}

/// Makes one network of the other, device after device. Names those that changed.
fn change(lab: &mut Lab, before: &Plan, after: &Plan) -> Result<Vec<String>, Failure> {
    let (old, new) = (files(before), files(after));
    let mut changed = Vec::new();
    lab.becomes(after).map_err(failure)?;
    // What runs on: the platform and the hubs, one by one, so that the others carry the traffic.
    for ((order, device), text) in &new {
        let known = old.get(&(*order, device.clone()));
        if *order != ROUTERS && known.is_some_and(|known| known != text) {
            let standing = sessions(lab);
            lab.install(device, Some(text.clone())).map_err(failure)?;
            wait_for(lab, standing)?;
            changed.push(device.clone());
        }
    }
    for ((order, device), text) in &new {
        let known = old.get(&(*order, device.clone()));
        if known.is_none() || (*order == ROUTERS && known != Some(text)) {
            lab.install(device, Some(text.clone())).map_err(failure)?;
            changed.push(device.clone());
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        lab.install(&key.1, None).map_err(failure)?;
        changed.push(key.1.clone());
    }
    wait_for(lab, u32::MAX)?;
    Ok(changed)
}

/// Where routers stand in the order in which devices change.
const ROUTERS: u8 = 3;

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

fn sessions(lab: &Lab) -> u32 {
    lab.status().totals.sessions_up
}

/// Waits until this many sessions stand, or all, and then for the routes.
fn wait_for(lab: &Lab, standing: u32) -> Result<(), Failure> {
    let began = Instant::now();
    pause(LOOK)?;
    while began.elapsed() < RENEWAL_PATIENCE {
        let totals = lab.status().totals;
        if totals.sessions_up >= standing.min(totals.sessions) {
            break;
        }
        pause(LOOK)?;
    }
    pause(SETTLE)
}

/// Waits; an interrupt ends the walk.
fn pause(time: Duration) -> Result<(), Failure> {
    if driver::interrupted_within(time).context("waiting")? {
        return Err(anyhow::anyhow!("interrupted").into());
    }
    Ok(())
}

fn text(walk: &Walk) -> String {
    let mut text = String::new();
    for step in &walk.steps {
        text.push_str(&format!(
            "{:>4}  {:<58} {} of {} pairs, {} of {} packets lost, longest gap {} ms\n",
            step.number,
            step.title,
            step.reached,
            step.pairs,
            step.packets_lost,
            step.packets_sent,
            step.longest_gap_ms,
        ));
        if let Some(why) = &step.undone {
            text.push_str(&format!("      undone: {why}\n"));
        }
    }
    text
}
