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
