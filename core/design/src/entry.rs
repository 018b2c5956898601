//! The ways in: read a file, check it, resolve it.

use std::sync::Arc;

use crate::model::{DesignFile, SitesText};
use crate::plan::Plan;
use crate::reader::Shape;
use crate::report::{Report, Reports, Severity, Sources};
use crate::settle::Design;
use crate::waivers::{self, Date};
use crate::{build, prefix_sets, rules, settle, table, tree};

/// Where files come from that a design names, such as a table of sites.
pub trait Files {
    /// The text of a file, named as in the design; or why it cannot be read, in a few words.
    fn text(&self, name: &str) -> Result<String, String>;
}

/// For designs in one file.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn text(&self, _: &str) -> Result<String, String> {
        Err("a design that is not in a file names no other files".to_owned())
    }
}

impl Files for std::collections::BTreeMap<String, String> {
    fn text(&self, name: &str) -> Result<String, String> {
        self.get(name)
            .cloned()
            .ok_or_else(|| "no such file".to_owned())
    }
}

/// Reads a design. Every error of form is reported in one run; with one there is no design.
pub fn read(name: &str, text: &str, files: &dyn Files) -> (Option<Design>, Reports) {
    let mut sources = Sources::default();
    let mut reports = Vec::new();
    let file = sources.add(name, text);
    let design = tree::parse(file, text, &mut reports)
        .and_then(|node| DesignFile::read(&node, &mut reports))
        .map(|file| {
            let sites = sites(&file, files, &mut sources, &mut reports);
            let sets = prefix_sets::read(&file, files, &mut sources, &mut reports);
            (file, sites, sets)
        });
    let sources = Arc::new(sources);
    let reports = Reports::new(reports, Arc::clone(&sources));
    let design = design.filter(|_| !reports.has_errors());
    (
        design.map(|(file, sites, prefix_sets)| Design {
            file,
            sites,
            prefix_sets,
            sources,
        }),
        reports,
    )
}

fn sites(
    file: &DesignFile,
    files: &dyn Files,
    sources: &mut Sources,
    reports: &mut Vec<Report>,
) -> Vec<crate::reader::At<crate::model::SiteText>> {
    match file.sites.as_ref().map(|at| &at.value) {
        None => Vec::new(),
        Some(SitesText::List(list)) => list.clone(),
        Some(SitesText::Table(table)) => {
            let Some(from) = &table.from else {
                return Vec::new();
            };
            match files.text(&from.value.0) {
                Ok(text) => {
                    let index = sources.add(&from.value.0, &text);
                    table::sites(index, &text, reports)
                }
                Err(why) => {
                    let says = format!("`{}` cannot be read: {why}", from.value.0);
                    reports.push(Report::shape(from.span, says));
                    Vec::new()
                }
            }
        }
    }
}

/// Every finding about a design: references to what is not there, and all rules. Waivers of the
/// design hold on every day.
pub fn check(design: &Design) -> Reports {
    checked(design, None)
}

/// The same on a day: waivers that have ended hold no more.
pub fn check_on(design: &Design, today: Date) -> Reports {
    checked(design, Some(today))
}

fn checked(design: &Design, today: Option<Date>) -> Reports {
    let mut reports = Vec::new();
    let settled = settle::settle(design, &mut reports);
    build::Addresses::allocate(&settled, &mut reports);
    rules::run(&settled, &mut reports);
    let (reports, waived) = waivers::apply(design, today, reports);
    Reports::new(reports, Arc::clone(&design.sources)).with_waived(waived)
}

/// Makes the Plan. `public_key` gives the public key of a locator by its name, in base64.
///
/// Refused is only what cannot be built; a design that breaks a limit of the platform can be
/// simulated, to see what then happens.
pub fn resolve(design: &Design, public_key: &dyn Fn(&str) -> String) -> Result<Plan, Reports> {
    let mut reports = Vec::new();
    let settled = settle::settle(design, &mut reports);
    rules::run_needed(&settled, &mut reports);
    let plan = build::build(&settled, public_key, &mut reports);
    if reports
        .iter()
        .any(|report| report.severity == Severity::Error)
    {
        return Err(Reports::new(reports, Arc::clone(&design.sources)));
    }
    Ok(plan)
}
