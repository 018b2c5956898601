//! Measurements in turn, and medians with their ratios side by side.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::figure::{Figure, Measure};
use super::implementation::{Implementation, Setup};
use super::measure::{Conditions, measure};
use crate::daemon::Directory;
use crate::{Error, Machine, Spread};

/// What to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The implementations.
    pub implementations: Vec<Implementation>,
    /// What to measure of each.
    pub measures: Vec<Measure>,
    /// How often; the implementations take turns.
    pub repeat: usize,
    /// How long each transfer is measured.
    pub time: Duration,
    /// The first node's processor and the second's, or the ends' and the hub's.
    pub processors: [usize; 2],
    /// Our own program.
    pub longhaul: PathBuf,
    /// Where to look first for the programs of others.
    pub programs: Option<PathBuf>,
}

/// Everything that was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Of this shape.
    pub format_version: u32,
    /// Where.
    pub machine: Machine,
    /// How often.
    pub repeat: usize,
    /// Seconds of each transfer.
    pub seconds: f64,
    /// The nodes' processors.
    pub processors: [usize; 2],
    /// Implementations that were measured, with their versions.
    pub versions: Vec<(Implementation, String)>,
    /// One for each figure and implementation.
    pub rows: Vec<Row>,
    /// What went wrong in which implementation's turns.
    pub failures: Vec<(Implementation, String)>,
}

/// A figure of an implementation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What was measured.
    pub figure: Figure,
    /// In its unit.
    pub unit: &'static str,
    /// Whose it is.
    pub implementation: Implementation,
    /// Of all turns.
    pub value: Spread,
    /// Divided by wireguard-go's median of the same run.
    pub to_wireguard_go: Option<f64>,
    /// Divided by the median of the upper bound with the same cipher.
    pub to_bound: Option<f64>,
    /// Less the median of the bare wire, for pings.
    pub added: Option<f64>,
}

/// Measures; `tell` hears what begins.
///
/// # Errors
///
/// A program is not installed, or the machine does not let us have namespaces. That an
/// implementation fails at something is in the report.
pub fn run(options: &Options, tell: &mut dyn FnMut(&str)) -> Result<Report, Error> {
    let programs = options.programs.as_deref();
    let mut versions = Vec::new();
    for &implementation in &options.implementations {
        versions.push((implementation, implementation.version(programs)?));
    }
    let directory = Directory::new()?;
    let conditions = Conditions {
        setup: Setup {
            longhaul: &options.longhaul,
            programs,
            threads: 1,
        },
        directory: directory.path(),
        processors: options.processors,
        time: options.time,
    };
    let mut found: Vec<(Figure, Implementation, f64)> = Vec::new();
    let mut failures = Vec::new();
    for turn in 1..=options.repeat {
        for &implementation in &options.implementations {
            tell(&format!(
                "{}, {turn} of {}",
                implementation.name(),
                options.repeat
            ));
            let turn = measure(implementation, &options.measures, &conditions);
            let figures = turn.figures.into_iter();
            found.extend(figures.map(|(figure, value)| (figure, implementation, value)));
            let failed = turn.failures.into_iter();
            failures.extend(failed.map(|failure| (implementation, failure)));
        }
    }
    Ok(Report {
        format_version: 1,
        machine: Machine::here(),
        repeat: options.repeat,
        seconds: options.time.as_secs_f64(),
        processors: options.processors,
        versions,
        rows: rows(options, &found),
        failures,
    })
}

fn rows(options: &Options, found: &[(Figure, Implementation, f64)]) -> Vec<Row> {
    let spread = |figure: Figure, implementation: Implementation| {
        let all = found.iter();
        let own = all.filter(|(what, whose, _)| (*what, *whose) == (figure, implementation));
        Spread::of(own.map(|(_, _, value)| *value))
    };
    let ratio = |value: Spread, figure: Figure, other: Option<Implementation>| {
        let other = spread(figure, other?)?;
        (other.median > 0.0).then(|| value.median / other.median)
    };
    let mut rows = Vec::new();
    for figure in Figure::ALL {
        for &implementation in &options.implementations {
            let Some(value) = spread(figure, implementation) else {
                continue;
            };
            let wire = spread(figure, Implementation::Wire);
            let is_ping = matches!(
                figure,
                Figure::PingP50 | Figure::PingP99 | Figure::PingLoaded
            );
            rows.push(Row {
                figure,
                unit: figure.unit(),
                implementation,
                value,
                to_wireguard_go: ratio(value, figure, Some(Implementation::WireguardGo)),
                to_bound: ratio(value, figure, implementation.bound()),
                added: wire
                    .filter(|_| is_ping)
                    .map(|wire| value.median - wire.median),
            });
        }
    }
    rows
}
