//! `sim`, and questions to a simulation.

use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use design::plan::Plan;
use inet::Instant;
use sim::ordeal::Ordeal;
use sim::scenario::{Scenario, Step};
use sim::{Options, World};
use tunnel::Suite;
use view::{Answer, Ordeals, Query, Simulation};

use crate::args::{Crypto, DesignFile, Format, Sim, Where};
use crate::ask::{Change, Network};
use crate::designs;
use crate::output::{Ended, Failure, Outcome, note, result};
use crate::{progress, render};

/// More nodes than this are simulated without cryptography, unless it is asked for.
const WIREGUARD_MAX: usize = 100;
/// Packets of a pair of hosts are this far apart.
const TRAFFIC_INTERVAL: Duration = Duration::from_millis(10);
/// The same in an ordeal, which lasts hours.
const ORDEAL_INTERVAL: Duration = Duration::from_millis(100);

fn world(plan: Plan, crypto: Crypto, seed: u64) -> Result<World, Failure> {
    let suite = match crypto {
        Crypto::Wireguard => Suite::WireGuard,
        Crypto::Null => Suite::Null,
        Crypto::Auto if plan.nodes.len() > WIREGUARD_MAX => Suite::Null,
        Crypto::Auto => Suite::WireGuard,
    };
    World::new(plan, Options { suite, seed })
        .map_err(|error| Failure::usage(format!("error: {error}")))
}

fn steps(texts: &[String], heal: bool, plan: &Plan) -> Result<Vec<Step>, Failure> {
    let read = |text: &String| Step::parse(text, heal, plan);
    texts
        .iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::usage(format!("error: {error}")))
}

/// `sim --ordeal`.
fn ordeal(format: Format, options: &Sim, plan: &Plan, duration: Duration) -> Outcome {
    let mut ordeals = Vec::new();
    for seed in (options.seed..).take(usize::try_from(options.seeds).unwrap_or(usize::MAX)) {
        let waiting = progress::waiting("ordeal");
        let mut world = world(plan.clone(), options.crypto, seed)?;
        let verdict = Ordeal {
            duration,
            interval: ORDEAL_INTERVAL,
            seed,
        }
        .run(&mut world);
        waiting.finish_and_clear();
        ordeals.push(verdict.view(seed));
    }
    let is_clean = ordeals.iter().all(|ordeal| ordeal.wrong == 0);
    let ordeals = Ordeals {
        format_version: view::FormatVersion,
        name: plan.name.clone(),
        duration_s: duration.as_secs(),
        ordeals,
    };
    result(format, &ordeals, render::ordeals)?;
    Ok(if is_clean {
        Ended::Clean
    } else {
        Ended::Findings
    })
}

/// `sim`.
pub(crate) fn sim(format: Format, options: &Sim) -> Outcome {
    let plan = designs::load(&options.design)?.plan(&sim::public_key)?;
    if let Some(duration) = options.ordeal {
        return ordeal(format, options, &plan, duration);
    }
    let mut steps_wanted = steps(&options.fail, false, &plan)?;
    steps_wanted.extend(steps(&options.heal, true, &plan)?);
    let scenario = Scenario {
        steps: steps_wanted,
        traffic: options.traffic.then_some(TRAFFIC_INTERVAL),
        ..Scenario::default()
    };
    let mut world = world(plan, options.crypto, options.seed)?;
    let waiting = progress::waiting("simulating");
    let report = sim::scenario::run(&mut world, &scenario);
    if let Some(until) = options.until {
        world.run_until(Instant::ZERO + until);
    }
    waiting.finish_and_clear();
    let simulation = report.view(&world);
    let failed = simulation.steps.iter().any(|step| step.problem.is_some());
    let status = world.status(None);
    result(format, &simulation, |simulation: &Simulation| {
        format!(
            "{}\n{}",
            render::status(&status),
            render::simulation(simulation)
        )
    })?;
    Ok(if failed {
        Ended::Findings
    } else {
        Ended::Clean
    })
}

/// A simulated network that can be asked.
pub(crate) struct Simulated {
    world: World,
}

/// A simulation of a design at the time that was asked for.
pub(crate) fn converged(file: &Path, place: &Where) -> Result<Simulated, Failure> {
    let design = DesignFile {
        file: Some(file.to_owned()),
    };
    let plan = designs::load(&design)?.plan(&sim::public_key)?;
    let scenario = Scenario {
        steps: steps(&place.fail, false, &plan)?,
        ..Scenario::default()
    };
    let mut world = world(plan, Crypto::Auto, place.seed)?;
    let waiting = progress::waiting("simulating");
    match place.at {
        Some(at) if scenario.steps.is_empty() => world.run_until(Instant::ZERO + at),
        at => {
            let report = sim::scenario::run(&mut world, &scenario);
            for problem in report
                .view(&world)
                .steps
                .iter()
                .filter_map(|step| step.problem.as_ref())
            {
                note(problem);
            }
            world.run_until(Instant::ZERO + at.unwrap_or_default());
        }
    }
    waiting.finish_and_clear();
    Ok(Simulated { world })
}

impl Network for Simulated {
    fn plan(&self) -> &Plan {
        self.world.plan()
    }

    fn ask(&mut self, device: &str, query: &Query) -> anyhow::Result<Answer> {
        self.world
            .ask(device, query)
            .map_err(|silence| anyhow!("{device}: {silence}"))
    }

    fn change(&mut self, target: &view::Target, change: Change) -> anyhow::Result<()> {
        match change {
            Change::Fail => self.world.fail(target),
            Change::Heal => self.world.heal(target),
        }
        .map_err(|error| anyhow!("{error}"))?;
        let limit = self.world.now() + Scenario::default().patience;
        if let Err(problem) = self
            .world
            .run_until_converged(Scenario::default().settle, limit)
        {
            note(&problem.to_string());
        }
        Ok(())
    }
}
