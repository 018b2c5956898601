//! The design crate through its public API.

mod cases;
mod explain;
mod generated;
mod global;
mod hostile;
mod schema;
