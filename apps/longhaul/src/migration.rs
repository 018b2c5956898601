//! `migrate`: the way from one design to another, step by step.

mod change;
pub(crate) mod run;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;

use anyhow::Context as _;
use design::document::Value;
use design::plan::Plan;
use migrate::{Candidate, Evidence, Migration, Outcome as Found, Planner, Report};

use crate::args::{Format, MigratePlan};
use crate::designs;
use crate::output::{Ended, Failure, Outcome, note, result};
use crate::progress::Counted;

/// Designs that are proven at once.
const THREADS: usize = 2;

/// `migrate plan`.
pub(crate) fn plan(format: Format, options: &MigratePlan) -> Outcome {
    let from = designs::value(&options.from)?;
    let to = designs::value(&options.to)?;
    let name = options.from.display().to_string();
    found(
        format,
        &from,
        &to,
        &name,
        options.seed,
        options.output.as_deref(),
    )
}

/// `bench migration`.
pub(crate) fn bench(format: Format, sites: usize, output: Option<&Path>) -> Outcome {
    if cfg!(debug_assertions) {
        note("this is a development build: its figures say nothing");
    }
    let (from, to) = migrate::generate(sites);
    if let Some(directory) = output {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        for (name, text) in [("from.yaml", &from), ("to.yaml", &to)] {
            let path = directory.join(name);
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
    }
    let read = |text: &str| Value::parse("generated", text);
    let (Ok(from), Ok(to)) = (read(&from), read(&to)) else {
        unreachable!("a generated design is YAML");
    };
    found(format, &from, &to, "from.yaml", 1, output)
}

/// Looks for the steps between two designs, and shows and writes them.
fn found(
    format: Format,
    from: &Value,
    to: &Value,
    from_name: &str,
    seed: u64,
    output: Option<&Path>,
) -> Outcome {
    let began = Instant::now();
    let found = search(from, to, from_name, seed)?;
    let report = Report::new(&found.name, from_name, &found.outcome);
    if let Some(directory) = output {
        write(directory, &report, &found.outcome)?;
    }
    result(format, &report, Report::summary)?;
    let start = output.map_or_else(String::new, |directory| {
        format!("; start with {}", directory.join(INDEX).display())
    });
    note(&format!(
        "{} designs proven in {:.1} s{start}",
        found.proofs,
        began.elapsed().as_secs_f64(),
    ));
    Ok(if report.complete {
        Ended::Clean
    } else {
        Ended::Findings
    })
}

/// What was found between two designs.
pub(crate) struct Search {
    /// The designs' name.
    pub(crate) name: String,
    /// How the search ended.
    pub(crate) outcome: Found,
    /// How many designs were proven.
    pub(crate) proofs: usize,
}

/// Looks for the steps between two designs.
pub(crate) fn search(
    from: &Value,
    to: &Value,
    from_name: &str,
    seed: u64,
) -> Result<Search, Failure> {
    let migration = Migration::between(from, to)
        .map_err(|refused| Failure::usage(format!("error: {refused}")))?;
    let planner = Planner::new(migration);
    let name = from.get("name").and_then(Value::text).unwrap_or_default();
    let (outcome, proofs) = prove_all(planner, seed);
    if outcome.first_plan.is_none() {
        let says = outcome
            .first
            .findings
            .iter()
            .filter(|finding| finding.error);
        let says: Vec<&str> = says.map(|finding| finding.says.as_str()).collect();
        return Err(Failure::usage(format!(
            "error: {from_name} cannot be built: {}",
            says.join("; ")
        )));
    }
    Ok(Search {
        name: name.to_owned(),
        outcome,
        proofs,
    })
}

/// Proves designs on a few threads until the planner knows how it ends.
fn prove_all(mut planner: Planner, seed: u64) -> (Found, usize) {
    let progress = Counted::new("proving steps");
    let mut proofs = 0;
    let outcome = std::thread::scope(|scope| {
        let (done, results) = mpsc::channel::<(Candidate, Evidence, Option<Plan>)>();
        let mut running = 0;
        let mut threads = Vec::new();
        let outcome = loop {
            if let Some(outcome) = planner.outcome() {
                break outcome.clone();
            }
            for candidate in planner.wanted(THREADS - running) {
                let text = planner.design(&candidate).to_yaml();
                let done = done.clone();
                running += 1;
                threads.push(scope.spawn(move || {
                    let (evidence, plan) = sim::prove("step", &text, &design::NoFiles, seed);
                    // Nobody waits for it any more when the search has ended.
                    drop(done.send((candidate, evidence, plan)));
                }));
            }
            let Ok((candidate, evidence, plan)) = results.recv() else {
                unreachable!("a sender lives in this scope");
            };
            running -= 1;
            proofs += 1;
            planner.prove(&candidate, evidence, plan);
            let (holding, all) = planner.progress();
            progress.advance(holding, all);
        };
        // A lab forks, which a process with several threads cannot; the scope would wait for what
        // threads do and not for their end.
        for thread in threads {
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        outcome
    });
    progress.finish();
    (outcome, proofs)
}

/// The report's name in the directory of steps.
const INDEX: &str = "migration.md";

/// Writes every step's design and the report.
fn write(directory: &Path, report: &Report, outcome: &Found) -> Result<(), Failure> {
    let put = |name: &str, text: &str| {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    let mut texts = BTreeMap::new();
    for (step, proven) in report.steps.iter().zip(&outcome.steps) {
        let head = format!(
            "# Step {} of {}: {}\n# Before it: {}\n\n",
            step.number,
            report.steps.len(),
            step.title,
            step.back_to
        );
        texts.insert(&step.file, head + &proven.design.to_yaml());
    }
    for (name, text) in texts {
        put(name, &text)?;
    }
    put(INDEX, &report.markdown())?;
    put(
        "migration.json",
        &(serde_json::to_string_pretty(report)? + "\n"),
    )?;
    Ok(())
}
