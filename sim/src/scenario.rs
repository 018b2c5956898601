//! A scenario: a cold start, failures and repairs at given times, and a report of what came of it.

use core::fmt;
use core::time::Duration;

use design::plan::Plan;
use inet::Instant;
use view::{Target, TargetError};

use crate::traffic::PhaseLoss;
use crate::world::{Convergence, NotConverged, World};

/// A failure or a repair, counted from the moment at which the cold start has converged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How long after that moment.
    pub after: Duration,
    /// What it is about.
    pub target: Target,
    /// Whether it heals.
    pub heal: bool,
}

/// Why a text is not a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepError {
    /// No `@`, or no time behind it.
    Time(String),
    /// The target.
    Target(TargetError),
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(text) => {
                write!(
                    f,
                    "{text:?}: a time of at most thirty days is missing, as in nva1.westeurope@30s or @500ms"
                )
            }
            Self::Target(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StepError {}

impl Step {
    /// Reads `nva1.westeurope@30s`.
    pub fn parse(text: &str, heal: bool, plan: &Plan) -> Result<Self, StepError> {
        let time = || StepError::Time(text.to_owned());
        let (target, after) = text.rsplit_once('@').ok_or_else(time)?;
        Ok(Self {
            after: duration(after).ok_or_else(time)?,
            target: Target::parse(target, plan).map_err(StepError::Target)?,
            heal,
        })
    }
}

/// The longest time that a scenario can name: thirty days.
const DURATION_MAX: Duration = Duration::from_secs(30 * 86_400);

/// Reads a time with a unit, up to thirty days: `250ms`, `30s`, `93.2s`, `5m`, `1h`.
pub fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(end);
    let unit_ns: u128 = match unit {
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 18 || part.len() > 9 {
        return None;
    }
    let fraction = part.parse::<u128>().ok()? * unit_ns / 10_u128.pow(part.len() as u32);
    let nanos = whole.parse::<u128>().ok()? * unit_ns + fraction;
    let duration = Duration::from_nanos(u64::try_from(nanos).ok()?);
    (duration <= DURATION_MAX).then_some(duration)
}

/// What to do.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Failures and repairs, in any order.
    pub steps: Vec<Step>,
    /// Send packets between all hosts from the first convergence on, this far apart.
    pub traffic: Option<Duration>,
    /// Quiet time that convergence takes.
    pub settle: Duration,
    /// Longest time to wait for convergence after the start and after each step.
    pub patience: Duration,
}

impl Default for Scenario {
    /// No failures, no traffic; five minutes of patience, and a settle time that is longer than it
    /// takes to notice that a path is down.
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            traffic: None,
            settle: Duration::from_millis(1500),
            patience: Duration::from_secs(300),
        }
    }
}

/// What came of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// `start`, `fail nva1.westeurope`, `heal nva1.westeurope`.
    pub name: String,
    /// When it was done.
    pub began: Instant,
    /// How long until the last change, or why it did not end. `None` when the next step came first.
    pub convergence: Option<Result<Convergence, NotConverged>>,
}

/// What came of a scenario.
#[derive(Clone, Debug)]
pub struct Report {
    /// The cold start and each step.
    pub steps: Vec<StepReport>,
    /// Loss by phase, if there was traffic.
    pub loss: Vec<PhaseLoss>,
    /// [`World::trace_hash`] at the end.
    pub trace_hash: u64,
}

/// Runs a scenario on a network that has just been made.
pub fn run(world: &mut World, scenario: &Scenario) -> Report {
    let mut steps = scenario.steps.clone();
    steps.sort_by_key(|step| step.after);
    let began = world.now();
    let started = converge(world, scenario, None);
    let mut report = Report {
        steps: vec![StepReport {
            name: "start".to_owned(),
            began,
            convergence: started,
        }],
        loss: Vec::new(),
        trace_hash: 0,
    };
    let zero = world.now();
    if let Some(interval) = scenario.traffic {
        world.start_traffic(interval);
    }
    for (at, step) in steps.iter().enumerate() {
        world.run_until(zero + step.after);
        let began = world.now();
        let done = if step.heal {
            world.heal(&step.target)
        } else {
            world.fail(&step.target)
        };
        debug_assert!(done.is_ok(), "the target was checked when it was read");
        let next = steps.get(at + 1).map(|next| zero + next.after);
        let verb = if step.heal { "heal" } else { "fail" };
        report.steps.push(StepReport {
            name: format!("{verb} {}", step.target),
            began,
            convergence: converge(world, scenario, next),
        });
    }
    report.loss = world.stop_traffic();
    report.trace_hash = world.trace_hash();
    report
}

/// Waits for convergence; `None` when something else is to happen before it.
fn converge(
    world: &mut World,
    scenario: &Scenario,
    next: Option<Instant>,
) -> Option<Result<Convergence, NotConverged>> {
    let patience = world.now() + scenario.patience;
    let limit = next.map_or(patience, |next| next.min(patience));
    let outcome = world.run_until_converged(scenario.settle, limit);
    match (outcome, next) {
        (Err(_), Some(next)) if next <= patience => None,
        (outcome, _) => Some(outcome),
    }
}

impl Report {
    /// As an operator sees it.
    pub fn view(&self, world: &World) -> view::Simulation {
        view::Simulation {
            format_version: view::FormatVersion,
            name: world.plan().name.clone(),
            seed: world.seed(),
            steps: self.steps.iter().map(StepReport::view).collect(),
            loss: self.loss.iter().map(phase).collect(),
            trace_hash: format!("{:016x}", self.trace_hash),
        }
    }
}

impl StepReport {
    fn view(&self) -> view::SimulationStep {
        let (converged, problem) = match &self.convergence {
            Some(Ok(convergence)) => (Some(convergence), None),
            Some(Err(problem)) => (None, Some(problem.to_string())),
            None => (None, None),
        };
        view::SimulationStep {
            name: self.name.clone(),
            at_ms: millis(self.began.since(Instant::ZERO)),
            converged_after_ms: converged.map(|done| millis(done.at.since(self.began))),
            sessions_up: converged.map_or(0, |done| done.sessions_up),
            sessions: converged.map_or(0, |done| done.sessions),
            problem,
        }
    }
}

fn phase(loss: &PhaseLoss) -> view::PhaseLoss {
    let pairs = loss.pairs.iter().map(|pair| view::PairLoss {
        source: pair.source.clone(),
        destination: pair.destination.clone(),
        sent: pair.sent,
        lost: pair.lost,
        longest_gap_ms: millis(pair.longest_gap),
    });
    view::PhaseLoss {
        name: loss.name.clone(),
        at_ms: millis(loss.began.since(Instant::ZERO)),
        sent: loss.sent,
        lost: loss.lost,
        longest_gap_ms: millis(loss.longest_gap()),
        pairs: pairs.collect(),
    }
}

const fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
