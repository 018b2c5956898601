//! The design file and what is made of it.
//!
//! A design says in a few hundred lines what a network is; everything else follows. This crate
//! takes it from text to devices in four steps, each a value that can be looked at:
//!
//! 1. **Read.** Text becomes a tree of nodes that know their place, and the tree becomes the
//!    records of the format. Each record is one table of fields, from which the reader and the JSON
//!    [`schema`] both come. Every error of form is found in one run.
//! 2. **Settle.** Every value is decided once: from the line that has it, a class, or a default
//!    that knows its reason. [`explain`] shows these, and [`rules`] judge them.
//! 3. **Build.** Devices get addresses, links and paths: the [`plan::Plan`], which is all that
//!    simulator, lab and production ever see.
//! 4. **Files.** Each device's part of the Plan has a YAML form that a daemon starts from, and that
//!    is refused with line and reason when it is damaged.
//!
//! Whose fault is what: [`Reports`] are about the operator's design, [`ConfigError`] about a
//! device's file. Nothing here reads a file by itself; tables that a design names come through
//! [`Files`].

#![warn(missing_docs)]

mod build;
mod communities;
mod device;
pub mod document;
mod entry;
mod explain;
mod generate;
pub mod geography;
mod lines;
mod model;
pub mod plan;
pub mod platform;
mod prefix_sets;
mod reader;
mod report;
mod router;
mod rules;
mod scalars;
mod schema;
mod settle;
mod starter;
mod table;
mod tree;
mod waivers;

pub use device::{ConfigError, Step, locate};
pub use entry::{Files, NoFiles, check, check_on, read, resolve};
pub use explain::{Explanation, Origin, explain, explainable};
pub use generate::{SITES_MAX, generate, regions_max};
pub use report::{Position, Report, Reports, Severity, Source, SourceFile, Sources, Span, Waived};
pub use router::read_router;
pub use rules::{Rule, rules};
pub use schema::{router_schema, router_schema_text, schema, schema_text};
pub use settle::Design;
pub use starter::starter;
pub use waivers::Date;

/// The example design, also what `longhaul up` brings up when no file is given.
pub const EXAMPLE_GLOBAL: &str = include_str!("../../../examples/global.yaml");
