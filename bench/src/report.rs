//! Running measurements in turn, and their medians side by side.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::daemon::{Directory, Make};
use crate::error::Error;
use crate::machine::Machine;
use crate::workload::{self, Conditions, Figures, Workload};

/// What to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The daemons.
    pub makes: Vec<Make>,
    /// The workloads.
    pub workloads: Vec<Workload>,
    /// How often; the daemons take turns.
    pub repeat: usize,
    /// Processors for the daemon, as taskset has them; all without.
    pub processors: Option<String>,
    /// Prefixes of a full table.
    pub prefixes: usize,
    /// How long one workload may take.
    pub patience: Duration,
    /// Our own program.
    pub longhaul: PathBuf,
}

/// Everything that was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Of this shape.
    pub format_version: u32,
    /// Where.
    pub machine: Machine,
    /// Prefixes of a full table.
    pub prefixes: usize,
    /// How often.
    pub repeat: usize,
    /// The daemons' processors.
    pub processors: Option<String>,
    /// One for each workload and daemon.
    pub rows: Vec<Row>,
}

/// A workload with a daemon.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The workload.
    pub workload: Workload,
    /// The daemon.
    pub daemon: Make,
    /// Its version.
    pub version: String,
    /// Of the runs that succeeded.
    pub figures: Option<Outcome>,
    /// Why the others did not.
    pub failures: Vec<String>,
}

/// The figures of several runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Seconds, or milliseconds for single changes.
    pub time: Spread,
    /// Milliseconds, single changes only.
    pub p99: Option<Spread>,
    /// Seconds.
    pub cpu_s: Spread,
    /// Octets.
    pub peak_rss: Spread,
    /// UPDATEs that the monitor got.
    pub updates: Spread,
}

/// The middle and the ends of several figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one; of an even number the lower of the two.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    pub(crate) fn of(figures: impl Iterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.collect();
        figures.sort_by(f64::total_cmp);
        Some(Self {
            median: *figures.get(figures.len().checked_sub(1)? / 2)?,
            min: *figures.first()?,
            max: *figures.last()?,
        })
    }
}

impl Outcome {
    fn of(runs: &[Figures]) -> Option<Self> {
        let spread = |pick: fn(&Figures) -> f64| Spread::of(runs.iter().map(pick));
        Some(Self {
            time: spread(|run| run.time)?,
            p99: Spread::of(runs.iter().filter_map(|run| run.p99)),
            cpu_s: spread(|run| run.cpu_s)?,
            peak_rss: spread(|run| run.peak_rss as f64)?,
            updates: spread(|run| run.updates as f64)?,
        })
    }
}

impl Row {
    fn takes(&mut self, runs: &mut Vec<Figures>, result: Result<Figures, Error>) {
        match result {
            Ok(figures) => runs.push(figures),
            Err(error) => self.failures.push(error.to_string()),
        }
        self.figures = Outcome::of(runs);
    }
}

/// Measures; `tell` hears what begins.
///
/// # Errors
///
/// A daemon is not installed, or the machine does not let us have namespaces. That a daemon fails at
/// a workload is in the report.
pub fn run(options: &Options, tell: &mut dyn FnMut(&str)) -> Result<Report, Error> {
    let directory = Directory::new()?;
    let conditions = Conditions {
        directory: directory.path(),
        longhaul: &options.longhaul,
        processors: options.processors.as_deref(),
        prefixes: options.prefixes,
        patience: options.patience,
    };
    let mut rows = Vec::new();
    for &workload in &options.workloads {
        for &daemon in &options.makes {
            let row = Row {
                workload,
                daemon,
                version: daemon.version()?,
                figures: None,
                failures: Vec::new(),
            };
            rows.push((row, Vec::new()));
        }
    }
    for turn in 1..=options.repeat {
        for &make in &options.makes {
            tell(&format!("{}, {turn} of {}", make.name(), options.repeat));
            for (workload, result) in workload::measure(make, &options.workloads, &conditions) {
                let mut rows = rows.iter_mut();
                let place = rows.find(|(row, _)| (row.workload, row.daemon) == (workload, make));
                if let Some((row, runs)) = place {
                    row.takes(runs, result);
                }
            }
        }
    }
    Ok(Report {
        format_version: 1,
        machine: Machine::here(),
        prefixes: options.prefixes,
        repeat: options.repeat,
        processors: options.processors.clone(),
        rows: rows.into_iter().map(|(row, _)| row).collect(),
    })
}
