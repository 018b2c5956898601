//! The design file and what is made of it.

#![warn(missing_docs)]

mod build;
mod device;
mod explain;
mod generate;
pub mod geography;
mod model;
pub mod plan;
mod reader;
mod report;
mod rules;
mod scalars;
mod schema;
mod settle;
mod starter;
mod table;
mod tree;

pub use device::ConfigError;
pub use explain::{Explanation, Origin, explain, explainable};
pub use generate::generate;
pub use report::{Position, Report, Reports, Severity, Source, Sources, Span};
pub use rules::{Rule, rules};
pub use schema::{schema, schema_text};
pub use settle::Design;
pub use starter::starter;

mod entry;
pub use entry::{Files, NoFiles, check, read, resolve};

/// The example design, also what `longhaul up` brings up when no file is given.
pub const EXAMPLE_GLOBAL: &str = include_str!("../../../examples/global.yaml");
