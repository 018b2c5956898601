//! `migrate run`: the steps of a migration in a lab, with packets under way between all hosts.
//!
//! The lab is made of all devices of all steps; a step starts, renews and ends daemons. After each
//! step every host must reach every other one; else the step is undone and the walk ends. A walk may
//! end with going back over its last steps, in the same way.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use design::plan::Plan;
use lab::Lab;
use migrate::{Outcome as Found, Report};
use serde::Serialize;
use tunnel::PrivateKey;

use super::change::change;
use crate::args::{Format, MigrateRun};
use crate::designs;
use crate::lab_commands::failure;
use crate::output::{Ended, Failure, Outcome, note, result};
use crate::progress::Bars;

/// Packets of a pair are this far apart.
const INTERVAL: Duration = Duration::from_millis(100);

/// What became of the walk.
#[derive(Debug, Serialize)]
struct Walk {
    format_version: u8,
    name: String,
    complete: bool,
    steps: Vec<Walked>,
}

/// What became of a step.
#[derive(Debug, Default, Serialize)]
struct Walked {
    number: usize,
    title: String,
    /// Whether it was taken back.
    back: bool,
    /// Devices that were started, renewed or ended.
    devices: Vec<String>,
    pairs: usize,
    reached: usize,
    packets_sent: u64,
    packets_lost: u64,
    longest_gap_ms: u64,
    /// From the first change until all was verified.
    took_ms: u64,
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
    let walk = walk(&report, &plans, &master, options.back)?;
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
fn walk(report: &Report, plans: &[Plan], master: &[u8; 32], back: usize) -> Result<Walk, Failure> {
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
    let ways = report.steps.iter().zip(plans.windows(2));
    let ways = ways.filter_map(|(step, pair)| match pair {
        [before, after] => Some((step, before, after)),
        _ => None,
    });
    let there = ways.clone().map(|way| (way, false));
    let back_again = ways.collect::<Vec<_>>().into_iter().rev().take(back);
    walk.complete = true;
    for ((step, before, after), back) in there.chain(back_again.map(|way| (way, true))) {
        let way = if back { "back before " } else { "" };
        note(&format!("{way}step {}: {}", step.number, step.title));
        let (before, after) = if back {
            (after, before)
        } else {
            (before, after)
        };
        let mut walked = one(&mut lab, before, after)?;
        walked.number = step.number;
        walked.title.clone_from(&step.title);
        walked.back = back;
        let undone = walked.undone.is_some();
        walk.steps.push(walked);
        if undone {
            walk.complete = false;
            break;
        }
    }
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
fn one(lab: &mut Lab, before: &Plan, after: &Plan) -> Result<Walked, Failure> {
    let began = Instant::now();
    lab.record(INTERVAL).map_err(failure)?;
    let devices = change(lab, before, after)?;
    // The recording's last packets have their time while the hosts try to reach each other.
    let (recording, verified) = std::thread::scope(|scope| {
        let recording = scope.spawn(|| lab.stop_recording());
        let verified = lab.verify();
        let recording = recording.join().expect("asking does not panic");
        (recording, verified)
    });
    let (recording, verified) = (recording.map_err(failure)?, verified.map_err(failure)?);
    let silent: Vec<String> = verified
        .pairs
        .iter()
        .filter_map(lab::PairResult::failure)
        .collect();
    let mut walked = Walked {
        devices,
        pairs: verified.pairs.len(),
        reached: verified.pairs.len() - silent.len(),
        packets_sent: recording.pairs.iter().map(|pair| pair.sent).sum(),
        packets_lost: recording.pairs.iter().map(|pair| pair.lost).sum(),
        longest_gap_ms: millis(recording.longest_gap()),
        took_ms: millis(began.elapsed()),
        ..Walked::default()
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

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn text(walk: &Walk) -> String {
    let mut text = String::new();
    for step in &walk.steps {
        let title = if step.back {
            format!("back: {}", step.title)
        } else {
            step.title.clone()
        };
        text.push_str(&format!(
            "{:>4}  {title:<48} {} of {} pairs, {} of {} packets lost, longest gap {} ms, {}.{} s\n",
            step.number,
            step.reached,
            step.pairs,
            step.packets_lost,
            step.packets_sent,
            step.longest_gap_ms,
            step.took_ms / 1000,
            step.took_ms % 1000 / 100,
        ));
        if let Some(why) = &step.undone {
            text.push_str(&format!("      undone: {why}\n"));
        }
    }
    text
}
