//! Waivers: findings that the operator has accepted, with a reason and a last day.
//!
//! A waiver that has expired, or that nothing needs any more, is a finding itself. What day it is
//! comes from the caller.

use core::fmt;
use core::str::FromStr;

use crate::model::WaiverText;
use crate::reader::{At, nearest};
use crate::report::{Report, Source, Span, Waived};
use crate::rules;
use crate::settle::Design;
use crate::tree::{self, Kind, Node};

/// A day, written `2027-03-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// The year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Date {
    /// The day (UTC) of a number of seconds since the start of 1970.
    pub fn from_unix(seconds: u64) -> Self {
        let mut days = seconds / 86_400;
        let mut year = 1970_u16;
        while days >= length_of_year(year) && year < u16::MAX {
            days -= length_of_year(year);
            year += 1;
        }
        let mut month = 1;
        while month < 12 && days >= u64::from(length_of_month(year, month)) {
            days -= u64::from(length_of_month(year, month));
            month += 1;
        }
        Self {
            year,
            month,
            day: u8::try_from(days.min(30) + 1).unwrap_or(31),
        }
    }
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn length_of_year(year: u16) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn length_of_month(year: u16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl FromStr for Date {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let mut part = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits).ok_or(())?;
            part.parse::<u16>().map_err(|_| ())
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        let (month, day) = (month as u8, day as u8);
        let holds = (1..=12).contains(&month)
            && (1..=length_of_month(year, month)).contains(&day)
            && text.len() == 10;
        holds.then_some(Self { year, month, day }).ok_or(())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A waiver that says everything it has to.
struct Waiver<'a> {
    span: Span,
    rule: &'a At<crate::scalars::Text>,
    /// What it is about; `None` is the whole design.
    places: Option<Vec<Span>>,
    reason: &'a str,
    until: &'a At<Date>,
    used: bool,
}

/// Takes the findings out that are waived. Left are the others, and what is wrong with waivers.
pub(crate) fn apply(
    design: &Design,
    today: Option<Date>,
    reports: Vec<Report>,
) -> (Vec<Report>, Vec<Waived>) {
    let texts = design.file.waivers.as_ref().map(|at| &at.value[..]);
    let Some(texts) = texts.filter(|texts| !texts.is_empty()) else {
        return (reports, Vec::new());
    };
    let (mut open, mut waived) = (Vec::with_capacity(reports.len()), Vec::new());
    let mut waivers = Vec::with_capacity(texts.len());
    let tree = design
        .sources
        .text(0)
        .and_then(|text| tree::parse(0, text, &mut Vec::new()));
    for text in texts {
        waivers.extend(read(text, tree.as_ref(), design, &mut open));
    }
    for report in reports {
        let waiver = waivers.iter_mut().find(|waiver| waiver.is_about(&report));
        match waiver {
            Some(waiver) => {
                waiver.used = true;
                if today.is_some_and(|today| today > waiver.until.value) {
                    open.push(report);
                } else {
                    waived.push(Waived {
                        report,
                        reason: waiver.reason.to_owned(),
                        until: waiver.until.value,
                    });
                }
            }
            None => open.push(report),
        }
    }
    open.extend(waivers.iter().filter_map(|waiver| finding(waiver, today)));
    (open, waived)
}

impl Waiver<'_> {
    fn is_about(&self, report: &Report) -> bool {
        let within = |places: &Vec<Span>| {
            let inside = |at: Span| {
                places.iter().any(|place| {
                    place.file == at.file && place.start <= at.start && at.end <= place.end
                })
            };
            report.at.is_some_and(inside)
        };
        report.rule == self.rule.value.0 && self.places.as_ref().is_none_or(within)
    }
}

/// What is wrong with a waiver itself.
fn finding(waiver: &Waiver<'_>, today: Option<Date>) -> Option<Report> {
    let warning = |at: Span, rule: &'static str, says: String| Report {
        rule,
        severity: crate::report::Severity::Warning,
        source: Source::NONE,
        ..Report::shape(at, says)
    };
    let id = &waiver.rule.value.0;
    if !waiver.used {
        let says = format!("nothing is found that this waiver of {id} is about");
        let report = warning(waiver.span, "waiver-unused", says);
        return Some(
            report
                .because("a waiver that outlives its reason hides what comes next")
                .try_this("take it out, or say the place that it is meant for"),
        );
    }
    let over = today.is_some_and(|today| today > waiver.until.value);
    over.then(|| {
        let says = format!("this waiver of {id} ended on {}", waiver.until.value);
        warning(waiver.until.span, "waiver-expired", says)
            .because("what was accepted for a time is to be looked at again")
            .try_this("mend what it is about, or give it another day and say why")
    })
}

fn read<'a>(
    text: &'a At<WaiverText>,
    tree: Option<&Node>,
    design: &Design,
    reports: &mut Vec<Report>,
) -> Option<Waiver<'a>> {
    let (rule, reason) = (text.value.rule.as_ref()?, text.value.reason.as_ref()?);
    let until = text.value.until.as_ref()?;
    let known = || rules().iter().map(|rule| rule.id);
    if !known().any(|id| id == rule.value.0) {
        let says = format!("there is no rule `{}`", rule.value.0);
        let advice = match nearest(&rule.value.0, known()) {
            Some(id) => format!("did you mean `{id}`?"),
            None => "`longhaul rules` lists them".to_owned(),
        };
        let report = Report {
            rule: "unknown-name",
            ..Report::shape(rule.span, says)
        };
        reports.push(report.try_this(advice));
        return None;
    }
    let places = match &text.value.at {
        None => None,
        Some(at) => {
            let places = places(&at.value.0, tree, design);
            if places.is_empty() {
                let report = Report {
                    rule: "unknown-name",
                    ..Report::shape(at.span, format!("the design has no `{}`", at.value.0))
                };
                reports.push(report.try_this("name keys from the top, joined by dots"));
                return None;
            }
            Some(places)
        }
    };
    Some(Waiver {
        span: text.span,
        rule,
        places,
        reason: &reason.value.0,
        until,
        used: false,
    })
}

/// The pieces of text that a path names: keys joined by dots, list items by their `name`. Names may
/// have dots themselves.
fn places(path: &str, tree: Option<&Node>, design: &Design) -> Vec<Span> {
    let mut found = Vec::new();
    if let Some(tree) = tree {
        below(path, tree, &mut found);
    }
    if let Some(name) = path.strip_prefix("sites.") {
        let sites = design.sites.iter();
        let rows = sites.filter(|site| site.span.file != 0);
        let named = rows.filter(|site| {
            let own = site.value.name.as_ref();
            own.is_some_and(|own| own.value == name)
        });
        found.extend(named.map(|site| site.span));
    }
    found
}

fn below(path: &str, node: &Node, found: &mut Vec<Span>) {
    let mut step = |name: &str, whole: Span, node: &Node| match path.strip_prefix(name) {
        Some("") => found.push(whole),
        Some(rest) => {
            if let Some(rest) = rest.strip_prefix('.') {
                below(rest, node, found);
            }
        }
        None => {}
    };
    match &node.kind {
        Kind::Scalar { .. } => {}
        Kind::Map(entries) => {
            for (key, node) in entries {
                let whole = Span {
                    end: node.span.end.max(key.span.end),
                    ..key.span
                };
                step(&key.text, whole, node);
            }
        }
        Kind::List(items) => {
            for (index, item) in items.iter().enumerate() {
                step(&index.to_string(), item.span, item);
                if let Some(name) = name_of(item) {
                    step(name, item.span, item);
                }
            }
        }
    }
}

fn name_of(item: &Node) -> Option<&str> {
    let Kind::Map(entries) = &item.kind else {
        return None;
    };
    let (_, name) = entries.iter().find(|(key, _)| key.text == "name")?;
    match &name.kind {
        Kind::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
