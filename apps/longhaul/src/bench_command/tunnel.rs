//! `bench tunnel`: tunnels side by side.

use std::path::PathBuf;

use anyhow::Context as _;
use bench::tunnel::bound::Bound;
use bench::tunnel::{Implementation, Measure, Options, Report, Row, run};
use comfy_table::CellAlignment;

use crate::args::{BenchTunnel, Format, TunnelBound};
use crate::output::{Ended, Failure, Outcome, note, result};
use crate::render;

mod soak;

/// `bench tunnel`.
pub(super) fn tunnel(format: Format, options: &BenchTunnel) -> Outcome {
    if cfg!(debug_assertions) {
        note("this is a development build: figures of ours and of the bound say nothing");
    }
    super::end_when_interrupted()?;
    if let Some(time) = options.soak {
        return soak::soak(format, options, time);
    }
    let options = wanted(options)?;
    let report = run(&options, &mut |text| note(text))?;
    result(format, &report, text)?;
    Ok(if report.failures.is_empty() {
        Ended::Clean
    } else {
        Ended::Findings
    })
}

/// One node of the upper bound.
pub(super) fn bound(options: &TunnelBound) -> Outcome {
    let bound = match (&options.device, options.wire.as_slice()) {
        (Some(device), [wire]) => Bound::End {
            device: device.clone(),
            wire: *wire,
        },
        (None, [near, far]) => Bound::Relay {
            near: *near,
            far: *far,
        },
        _ => {
            let says = "error: a device has one wire, a hub has two and no device";
            return Err(Failure::usage(says));
        }
    };
    bound.run(options.suite)?;
    Ok(Ended::Clean)
}

fn wanted(options: &BenchTunnel) -> Result<Options, Failure> {
    let programs = options.programs.as_deref();
    let mut implementations = options.only.clone();
    if implementations.is_empty() {
        implementations.extend(Implementation::ALL);
        let is_peer = |one: &Implementation| Implementation::PEERS.contains(one);
        match &options.peers {
            Some(peers) => implementations.retain(|one| !is_peer(one) || peers.contains(one)),
            None => implementations.retain(|one| match one.version(programs) {
                Ok(_) => true,
                Err(error) => {
                    note(&format!("without {}: {error}", one.name()));
                    false
                }
            }),
        }
    }
    let mut measures = options.measure.clone();
    if measures.is_empty() {
        measures.extend(Measure::ALL);
    }
    Ok(Options {
        implementations,
        measures,
        repeat: options.repeat.into(),
        time: options.time,
        processors: processors(options)?,
        longhaul: program(options)?,
        programs: options.programs.clone(),
    })
}

/// Our program.
fn program(options: &BenchTunnel) -> Result<PathBuf, Failure> {
    Ok(match &options.program {
        Some(program) => std::path::absolute(program)?,
        None => std::env::current_exe().context("where this program is")?,
    })
}

/// The nodes' processors.
fn processors(options: &BenchTunnel) -> Result<[usize; 2], Failure> {
    match options.cpus.as_slice() {
        [near, far] => Ok([*near, *far]),
        _ => Err(Failure::usage("error: --cpus takes two processors")),
    }
}

fn text(report: &Report) -> String {
    let mut text = super::machine(&report.machine);
    text.push_str(&format!(
        "{} runs in turn, transfers of {} s, nodes on processors {} and {}; ratios of medians\n",
        report.repeat, report.seconds, report.processors[0], report.processors[1],
    ));
    let versions = report.versions.iter();
    let versions: Vec<String> = versions
        .filter(|(one, _)| Implementation::PEERS.contains(one))
        .map(|(one, version)| format!("{} {version}", one.name()))
        .collect();
    text.push_str(&format!("{}\n\n", versions.join(", ")));
    let mut table = render::table(&[
        "FIGURE",
        "IMPLEMENTATION",
        "/WIREGUARD-GO",
        "/BOUND",
        "ADDED",
        "MEDIAN",
        "",
        "",
    ]);
    for row in &report.rows {
        table.add_row(cells(row));
    }
    for column in 2..7 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    text.push_str(&render::text(&table));
    for (implementation, failure) in &report.failures {
        text.push_str(&format!("\n{}: {failure}\n", implementation.name()));
    }
    text
}

fn cells(row: &Row) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
    vec![
        row.figure.name().to_owned(),
        row.implementation.name().to_owned(),
        number(row.to_wireguard_go),
        number(row.to_bound),
        number(row.added),
        number(Some(row.value.median)),
        row.unit.to_owned(),
        format!("{:.2}-{:.2}", row.value.min, row.value.max),
    ]
}
