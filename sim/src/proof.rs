//! What rules and a simulation say about one design of a migration: [`migrate::Evidence`].
//!
//! Every design is started cold. A network that comes up from nothing has no route left over from
//! the step before, so what holds here does not depend on the way to it.

use core::time::Duration;
use std::collections::BTreeSet;

use design::plan::Plan;
use design::{Files, Reports, Severity};
use inet::Instant;
use migrate::{Budget, Evidence, Finding, Lost};
use tunnel::Suite;
use view::{Answer, Query};

use crate::world::{End, Options, World, public_key};

/// Quiet time that convergence takes: longer than it takes to notice that a path is down.
const SETTLE: Duration = Duration::from_millis(1500);
/// Longest time to wait for it: a hold time of the platform's, and some.
const PATIENCE: Duration = Duration::from_secs(300);
/// Flows of each pair of hosts, so that equal ways are taken in turn.
const FLOWS: u16 = 4;

/// Checks and simulates a design. There is no Plan when it cannot be built.
pub fn prove(name: &str, text: &str, files: &dyn Files, seed: u64) -> (Evidence, Option<Plan>) {
    let mut evidence = Evidence::default();
    let (design, reports) = design::read(name, text, files);
    let Some(design) = design else {
        evidence.findings = findings(&reports);
        return (evidence, None);
    };
    evidence.findings = findings(&design::check(&design));
    let plan = match design::resolve(&design, &public_key) {
        Ok(plan) => plan,
        Err(reports) => {
            evidence.findings.extend(findings(&reports));
            evidence.findings.dedup();
            return (evidence, None);
        }
    };
    let options = Options {
        suite: Suite::Null,
        seed,
    };
    match World::new(plan.clone(), options) {
        Ok(mut world) => observe(&mut world, &mut evidence),
        Err(error) => evidence.unsettled = Some(error.to_string()),
    }
    (evidence, Some(plan))
}

fn findings(reports: &Reports) -> Vec<Finding> {
    let finding = |report: &design::Report| Finding {
        rule: report.rule.to_owned(),
        error: report.severity == Severity::Error,
        says: report.says.clone(),
    };
    let faults = reports.iter();
    let faults = faults.filter(|report| report.severity > Severity::Note);
    faults.map(finding).collect()
}

fn observe(world: &mut World, evidence: &mut Evidence) {
    match world.run_until_converged(SETTLE, Instant::ZERO + PATIENCE) {
        Ok(convergence) => {
            let since = convergence.at.since(Instant::ZERO);
            evidence.converged_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        }
        Err(error) => evidence.unsettled = Some(error.to_string()),
    }
    evidence.hosts = world
        .plan()
        .hosts
        .iter()
        .map(|host| host.name.clone())
        .collect::<BTreeSet<_>>();
    evidence.budgets = budgets(world);
    pairs(world, evidence);
}

/// Who reaches whom, over every one of equal ways. A pair is lost when one of its flows is.
fn pairs(world: &World, evidence: &mut Evidence) {
    let said = world.reachability(FLOWS);
    evidence.pairs = said.pairs as usize;
    let mut seen = BTreeSet::new();
    for lost in said.lost {
        if !seen.insert((lost.source.clone(), lost.destination.clone())) {
            continue;
        }
        let (at, because, loops) = match lost.end {
            End::Loop(devices) => (devices.join(" > "), "a loop".to_owned(), true),
            End::Dropped { device, reason } => (device, reason, false),
        };
        evidence.lost.push(Lost {
            source: lost.source,
            destination: lost.destination,
            at,
            because,
            loops,
        });
    }
}

/// Routes of the sessions whose number the platform limits: what NVAs tell a Route Server, and what
/// a gateway tells a circuit.
fn budgets(world: &World) -> Vec<Budget> {
    let mut all = Vec::new();
    let sessions = |device: &str| match world.ask(device, &Query::Sessions) {
        Ok(Answer::Sessions(sessions)) => sessions.sessions,
        _ => Vec::new(),
    };
    let count = |routes: u64| u32::try_from(routes).unwrap_or(u32::MAX);
    for server in &world.plan().route_servers {
        for session in sessions(&server.name) {
            all.push(Budget {
                session: format!("{} to {}", session.neighbor, server.name),
                used: count(session.received),
                limit: server.routes_per_peer,
            });
        }
    }
    for gateway in &world.plan().gateways {
        let circuits = gateway
            .connections
            .iter()
            .flat_map(|connection| &connection.msees);
        let circuits: BTreeSet<&str> = circuits.map(|msee| msee.name.as_str()).collect();
        for session in sessions(&gateway.name) {
            if circuits.contains(session.neighbor.as_str()) {
                all.push(Budget {
                    session: format!("{} to {}", gateway.name, session.neighbor),
                    used: count(session.sent),
                    limit: gateway.limits.announced,
                });
            }
        }
    }
    all
}
