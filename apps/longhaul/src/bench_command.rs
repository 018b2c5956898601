//! `bench`: measures, and shows the figures side by side.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use bench::{Machine, Make, Options, Outcome, Report, Row, Spread, Workload};
use comfy_table::CellAlignment;

use crate::args::{Bench, BenchBgp, Format};
use crate::output::{self, Ended, Failure, note, result};
use crate::render;

mod tunnel;

/// How often the watcher of interruptions looks.
const LOOK: Duration = Duration::from_secs(1);
/// What a shell gives a command that an interrupt ended.
const INTERRUPTED: i32 = 130;

/// `bench`.
pub(crate) fn bench(format: Format, what: &Bench) -> output::Outcome {
    match what {
        Bench::Bgp(options) => bgp(format, options),
        Bench::Migration { sites, output } => {
            crate::migration::bench(format, *sites, output.as_deref())
        }
        Bench::RouteServer { repeat } => route_server(format, *repeat),
        Bench::Tunnel(options) => tunnel::tunnel(format, options),
        Bench::TunnelBound(options) => tunnel::bound(options),
    }
}

fn bgp(format: Format, options: &BenchBgp) -> output::Outcome {
    let options = wanted(options)?;
    if cfg!(debug_assertions) && options.makes.contains(&Make::Longhaul) {
        note("this is a development build: figures of ours say nothing");
    }
    end_when_interrupted()?;
    let report = bench::run(&options, &mut |text| note(text))?;
    result(format, &report, text)?;
    let failed = report.rows.iter().any(|row| !row.failures.is_empty());
    Ok(if failed {
        Ended::Findings
    } else {
        Ended::Clean
    })
}

fn route_server(format: Format, repeat: u16) -> output::Outcome {
    let report = bench::route_server(repeat.into())?;
    result(format, &report, |report| {
        let mut table =
            render::table(&["NVAS", "ROUTES", "VMS", "TIME s", "", "CPU s", "PEAK MiB"]);
        for row in &report.rows {
            let whose = if row.same { "the same" } else { "own" };
            table.add_row([
                row.nvas.to_string(),
                format!("{} ({whose})", row.routes),
                row.vms.to_string(),
                format!("{:.3}", row.time.median),
                format!("{:.3}-{:.3}", row.time.min, row.time.max),
                format!("{:.3}", row.cpu_s.median),
                (row.peak_rss >> 20).to_string(),
            ]);
        }
        format!(
            "{}{} runs\n\n{}",
            machine(&report.machine),
            report.repeat,
            render::text(&table)
        )
    })
}

fn machine(machine: &Machine) -> String {
    format!(
        "{}, {} processors, {} GiB, Linux {}\n",
        machine.processor,
        machine.processors,
        machine.memory_bytes >> 30,
        machine.kernel,
    )
}

fn wanted(options: &BenchBgp) -> Result<Options, Failure> {
    let mut makes: BTreeSet<Make> = options.against.iter().copied().collect();
    if !options.without_ours {
        makes.insert(Make::Longhaul);
    }
    let mut workloads = options.workload.clone();
    if workloads.is_empty() {
        workloads.extend(Workload::ALL);
    }
    let longhaul = match &options.program {
        Some(program) => std::path::absolute(program)?,
        None => std::env::current_exe().context("where this program is")?,
    };
    Ok(Options {
        makes: makes.into_iter().collect(),
        workloads,
        repeat: options.repeat.into(),
        processors: options.cpus.clone(),
        prefixes: options.prefixes as usize,
        patience: options.timeout,
        longhaul,
    })
}

/// An interrupt ends the process; the kernel ends the daemons with it, and their namespaces. Comes
/// before any thread is started, so that all of them leave the signal alone.
fn end_when_interrupted() -> Result<(), Failure> {
    linux::interrupted_within(Duration::ZERO)?;
    std::thread::spawn(|| {
        loop {
            match linux::interrupted_within(LOOK) {
                Ok(false) => {}
                Ok(true) | Err(_) => {
                    bench::tidy();
                    std::process::exit(INTERRUPTED)
                }
            }
        }
    });
    Ok(())
}

fn text(report: &Report) -> String {
    let mut text = machine(&report.machine);
    let processors = report.processors.as_deref().unwrap_or("all");
    text.push_str(&format!(
        "full table {} prefixes, {} runs (median, least-greatest), daemons on processors: {processors}\n\n",
        report.prefixes, report.repeat
    ));
    let mut table = render::table(&[
        "WORKLOAD", "DAEMON", "VERSION", "TIME", "", "/BIRD", "P99", "CPU s", "/BIRD", "PEAK MiB",
        "/BIRD", "UPDATES",
    ]);
    for row in &report.rows {
        let bird = report
            .rows
            .iter()
            .find(|other| (other.workload, other.daemon) == (row.workload, Make::Bird));
        table.add_row(cells(row, bird.and_then(|bird| bird.figures)));
    }
    for column in 3..12 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    text.push_str(&render::text(&table));
    for row in &report.rows {
        for failure in &row.failures {
            let (workload, daemon) = (row.workload.name(), row.daemon.name());
            text.push_str(&format!("\n{workload}, {daemon}: {failure}\n"));
        }
    }
    text
}

fn cells(row: &Row, bird: Option<Outcome>) -> Vec<String> {
    let mut cells = vec![
        row.workload.name().to_owned(),
        row.daemon.name().to_owned(),
        row.version.clone(),
    ];
    let Some(figures) = row.figures else {
        cells.push("failed".to_owned());
        return cells;
    };
    let ratio = |pick: fn(&Outcome) -> Spread| match &bird {
        Some(bird) if row.daemon != Make::Bird => {
            format!("{:.2}", pick(&figures).median / pick(bird).median)
        }
        _ => String::new(),
    };
    let unit = if figures.p99.is_some() { "ms" } else { "s" };
    let Spread { median, min, max } = figures.time;
    let mebibytes = figures.peak_rss.median / f64::from(1 << 20);
    cells.extend([
        format!("{median:.3} {unit}"),
        format!("{min:.3}-{max:.3}"),
        ratio(|figures| figures.time),
        figures
            .p99
            .map_or_else(String::new, |p99| format!("{:.3} ms", p99.median)),
        format!("{:.3}", figures.cpu_s.median),
        ratio(|figures| figures.cpu_s),
        format!("{mebibytes:.0}"),
        ratio(|figures| figures.peak_rss),
        format!("{:.0}", figures.updates.median),
    ]);
    cells
}
