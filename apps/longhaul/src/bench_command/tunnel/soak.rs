//! `bench tunnel --soak`: two nodes at full load while everything around them changes.

use std::time::Duration;

use bench::tunnel::{SoakOptions, SoakReport, soak as run};

use crate::args::{BenchTunnel, Format};
use crate::output::{Ended, Outcome, note, result};
use crate::render;

/// `bench tunnel --soak`.
pub(super) fn soak(format: Format, options: &BenchTunnel, time: Duration) -> Outcome {
    let options = SoakOptions {
        time,
        strangers: options.strangers,
        processors: super::processors(options)?,
        longhaul: super::program(options)?,
        aes: options.aes,
        threads: options.threads,
    };
    let report = run(&options, &mut |text| note(text))?;
    result(format, &report, text)?;
    Ok(if report.failures.is_empty() {
        Ended::Clean
    } else {
        Ended::Findings
    })
}

fn text(report: &SoakReport) -> String {
    let mut table = render::table(&["FIGURE", "", ""]);
    let mut row = |name: &str, value: String, unit: &str| {
        table.add_row([name, value.as_str(), unit]);
    };
    row("time", format!("{:.1}", report.seconds), "s");
    row("TCP, both ways", format!("{:.2}", report.rate), "Gb/s");
    row("flows", report.flows.to_string(), "");
    row("flows lost", report.lost_flows.to_string(), "");
    let silence = format!("{:.2}", report.longest_silence);
    row("longest silence of a flow", silence, "s");
    row("numbered packets", report.packets.to_string(), "");
    row("lost", report.lost_ppm.to_string(), "ppm");
    row("overtaken in a flow", report.overtaken.to_string(), "");
    let strangers = format!("{:.0}", report.strangers);
    row("strangers' initiations", strangers, "/s");
    row("roamings", report.roamings.to_string(), "");
    row("new keys", report.handshakes.to_string(), "");
    for (name, node) in ["near", "far"].into_iter().zip(&report.nodes) {
        let mebibytes = |octets: u64| format!("{:.1}", octets as f64 / f64::from(1 << 20));
        let processor = format!("{:.2}", node.cpu);
        row(&format!("{name} node, processor"), processor, "");
        let (early, late) = (mebibytes(node.early_memory), mebibytes(node.late_memory));
        row(&format!("{name} node, memory early"), early, "MiB");
        row(&format!("{name} node, memory late"), late, "MiB");
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    let machine = super::super::machine(&report.machine);
    let failures = report.failures.iter();
    let failures: String = failures.map(|failure| format!("\n{failure}\n")).collect();
    format!("{machine}\n{}{failures}", render::text(&table))
}
