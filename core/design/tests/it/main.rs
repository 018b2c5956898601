//! The design crate through its public API.

mod accidents;
mod cases;
mod circuits;
mod coexistence;
mod explain;
mod foreign;
mod format;
mod forwarding;
mod generated;
mod global;
mod hostile;
mod peering_underlays;
mod router;
mod rules_page;
mod schema;

use design::NoFiles;
use design::plan::Plan;

/// The Plan of a design that can be read and resolved.
fn plan_of(text: &str) -> Plan {
    plan_with(text, &NoFiles)
}

/// The same for a design that refers to files.
fn plan_with(text: &str, files: &dyn design::Files) -> Plan {
    let (design, reports) = design::read("design.yaml", text, files);
    let design = design.unwrap_or_else(|| panic!("{}", reports.render(false)));
    design::resolve(&design, &|name| name.to_owned())
        .unwrap_or_else(|reports| panic!("{}", reports.render(false)))
}
