//! `up`, `status`, `down`, `doctor`, `exec`: the network that runs on this machine.

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use design::plan::Plan;
use lab::{Finding, Lab};
use serde_json::json;
use tunnel::PrivateKey;
use view::{Answer, Query, Status};

use crate::args::{Format, LabName, Up};
use crate::ask::{Change, Network};
use crate::output::{Ended, Failure, Outcome, note, print, result};
use crate::progress::Bars;
use crate::{designs, render};

/// How long the forwarding tables get to follow a failure before `fail` and `heal` report.
const SETTLE: Duration = Duration::from_secs(2);

/// Which labs run is the user's to know; everything else is the world's.
pub(crate) fn failure(error: lab::Error) -> Failure {
    match error {
        error @ (lab::Error::NotRunning { .. }
        | lab::Error::Several(_)
        | lab::Error::Running(_)) => Failure::Usage(format!("error: {error}")),
        other => Failure::Runtime(other.into()),
    }
}

/// The lab that a command is about.
fn find(name: &LabName) -> Result<Lab, Failure> {
    Lab::find(name.lab.as_deref()).map_err(failure)
}

/// `up`.
pub(crate) fn up(format: Format, options: &Up) -> Outcome {
    let master = driver::random_key().context("drawing keys")?;
    let plan = designs::load(&options.design)?.plan_with(&master)?;
    let private_key = |locator: &str| PrivateKey::derive(&master, locator).to_base64();
    let mut raising = lab::Options::new(&private_key);
    raising.detach = options.detach;
    raising.patience = options.patience;
    let began = Instant::now();
    let mut bars = Bars::default();
    let lab = lab::up(&plan, &raising, &mut bars);
    bars.finish();
    let lab = lab.map_err(failure)?;
    let passed = lab.report().is_some_and(lab::Report::passed);
    let seconds = began.elapsed().as_secs_f64();
    let verified = if passed {
        "up and verified"
    } else {
        "up, but not all of it is as it should be,"
    };
    note(&format!(
        "{} is {verified} after {seconds:.1} s",
        lab.name()
    ));
    let status = lab.status();
    result(format, &status, render::status)?;
    for shortfall in lab
        .report()
        .map(|report| report.shortfalls.clone())
        .unwrap_or_default()
    {
        note(&shortfall);
    }
    if !options.once && !options.detach {
        live(&lab, status)?;
    }
    if !options.detach {
        let began = Instant::now();
        let name = lab.name().to_owned();
        drop(lab);
        lab::down(Some(&name))
            .map(drop)
            .or_else(|error| match error {
                lab::Error::NotRunning { .. } => Ok(()),
                other => Err(other),
            })?;
        note(&format!(
            "{name} is down after {:.1} s",
            began.elapsed().as_secs_f64()
        ));
    }
    Ok(if passed {
        Ended::Clean
    } else {
        Ended::Findings
    })
}

/// Shows what changes until Ctrl-C, or the lab is taken down by another command.
fn live(lab: &Lab, mut shown: Status) -> Result<(), Failure> {
    let end = if driver::interrupt_is_ignored() {
        "SIGTERM or longhaul down"
    } else {
        "Ctrl-C"
    };
    note(&format!(
        "{end} takes it down; in another terminal: longhaul show, trace, fail, heal, exec"
    ));
    while !driver::interrupted_within(Duration::from_secs(1)).context("waiting for Ctrl-C")? {
        if Lab::find(Some(lab.name())).is_err() {
            note("the lab was taken down");
            return Ok(());
        }
        let status = lab.status();
        if summary(&status) != summary(&shown) {
            print(&format!("\n{}", render::status(&status)))?;
            shown = status;
        }
    }
    Ok(())
}

/// What is worth showing again: that time passes is not.
fn summary(status: &Status) -> String {
    let mut status = status.clone();
    if let Some(verification) = &mut status.verification {
        verification.age_ms = None;
    }
    render::status(&status)
}

/// `status`.
pub(crate) fn status(format: Format, name: &LabName) -> Outcome {
    let lab = find(name)?;
    let status = lab.status();
    let fabric = lab.ask(view::FABRIC, &Query::Status).is_ok();
    if !fabric {
        note("the fabric is down: no packet passes between devices");
    }
    let totals = status.totals;
    result(format, &status, render::status)?;
    let whole = fabric
        && totals.running == totals.devices
        && totals.sessions_up == totals.sessions
        && totals.paths_up == totals.paths;
    Ok(if whole { Ended::Clean } else { Ended::Findings })
}

/// `down`.
pub(crate) fn down(name: &LabName) -> Outcome {
    for gone in lab::down(name.lab.as_deref()).map_err(failure)? {
        note(&format!("{gone} is down"));
    }
    Ok(Ended::Clean)
}

/// `doctor`.
pub(crate) fn doctor(format: Format) -> Outcome {
    let checks = lab::doctor();
    let fit = checks.iter().all(|check| check.finding != Finding::Missing);
    result(
        format,
        &json!({ "format_version": 1, "checks": checks }),
        |_| {
            let mut text = String::new();
            for check in &checks {
                let mark = match check.finding {
                    Finding::Good => "ok     ",
                    Finding::Limited => "limited",
                    Finding::Missing => "missing",
                };
                text.push_str(&format!("{mark}  {}: {}\n", check.name, check.found));
                if let Some(advice) = &check.advice {
                    text.push_str(&format!("         {advice}\n"));
                }
            }
            text
        },
    )?;
    Ok(if fit { Ended::Clean } else { Ended::Findings })
}

/// `exec`. Its exit code is the command's, which is why the process ends here.
pub(crate) fn exec(name: &LabName, device: &str, command: &[String]) -> Outcome {
    let lab = find(name)?;
    let Some((program, arguments)) = command.split_first() else {
        return Err(Failure::usage("error: a command is needed"));
    };
    let mut child = lab.command(device, program)?;
    let status = child
        .args(arguments)
        .status()
        .with_context(|| format!("running {program} in {device}"))?;
    match status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
    {
        Some(0) | None => Ok(Ended::Clean),
        Some(code) => Ok(Ended::Code(u8::try_from(code).unwrap_or(u8::MAX))),
    }
}

/// A running lab that can be asked.
pub(crate) struct Running(Lab);

/// The lab that a question goes to.
pub(crate) fn running(name: &LabName) -> Result<Running, Failure> {
    find(name).map(Running)
}

impl Network for Running {
    fn plan(&self) -> &Plan {
        self.0.plan()
    }

    fn ask(&mut self, device: &str, query: &Query) -> anyhow::Result<Answer> {
        Ok(self.0.ask(device, query)?)
    }

    fn change(&mut self, target: &view::Target, change: Change) -> anyhow::Result<()> {
        match change {
            Change::Fail => self.0.fail(target)?,
            Change::Heal => self.0.heal(target)?,
        }
        // An interrupt only cuts the wait short.
        driver::interrupted_within(SETTLE)?;
        Ok(())
    }
}
