//! Where a value came from: the line, or the default and why.
//!
//! Values are named as in the design with names in place of list positions,
//! `regions.westeurope.hub.address_space`, `sites.paris.home`; what devices are given is named
//! `nodes.cpe1.paris.loopback`.

mod attached;
mod devices;
mod paths;
mod values;

use core::fmt;
use std::sync::Arc;

use crate::report::{Position, Sources};
use crate::settle::{Design, Val, Why, settle};

pub(crate) use values::time;

/// A value explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Its name.
    pub path: String,
    /// The value, as the file would have it.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of the design or its table.
    Line {
        /// The place.
        at: Position,
        /// The line's text.
        text: String,
    },
    /// It is not written; why it is this.
    Default(String),
    /// It follows from other values; how.
    Derived(String),
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}\n  ", self.path, self.value)?;
        match &self.origin {
            Origin::Line { at, text } => {
                write!(
                    f,
                    "from {}:{}:{}\n  | {}",
                    at.file,
                    at.line,
                    at.column,
                    text.trim_end()
                )
            }
            Origin::Default(why) => write!(f, "by default: {why}"),
            Origin::Derived(how) => write!(f, "derived: {how}"),
        }
    }
}

/// Explains a value and everything under it.
///
/// # Errors
///
/// With the names of values that are like it, when there is none of this name.
pub fn explain(design: &Design, path: &str) -> Result<Vec<Explanation>, Vec<String>> {
    let all = Everything::of(design).list;
    let under = |known: &str| {
        known
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let found: Vec<Explanation> = all
        .iter()
        .filter(|value| under(&value.path))
        .cloned()
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let limit = path.len() / 3 + 1;
    let mut near: Vec<(usize, &str)> = all
        .iter()
        // The distance is at least this, and costs the product of the lengths to know.
        .filter(|value| value.path.len().abs_diff(path.len()) <= limit)
        .map(|value| {
            (
                strsim::damerau_levenshtein(path, &value.path),
                value.path.as_str(),
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort_unstable();
    Err(near
        .into_iter()
        .take(SUGGESTED_MAX)
        .map(|(_, path)| path.to_owned())
        .collect())
}

/// More suggestions than these are no help.
const SUGGESTED_MAX: usize = 5;

/// The names of all values that can be explained, in the order of the design.
pub fn explainable(design: &Design) -> Vec<String> {
    Everything::of(design)
        .list
        .into_iter()
        .map(|value| value.path)
        .collect()
}

/// All explanations, while they are collected.
struct Everything {
    list: Vec<Explanation>,
    sources: Arc<Sources>,
}

impl Everything {
    fn of(design: &Design) -> Self {
        let mut reports = Vec::new();
        let settled = settle(design, &mut reports);
        let plan = crate::build::build(&settled, &|_| String::new(), &mut reports);
        let mut all = Self {
            list: Vec::new(),
            sources: Arc::clone(&design.sources),
        };
        values::design(&settled, &mut all);
        attached::design(&settled, &mut all);
        devices::plan(&plan, &mut all);
        attached::plan(&plan, &mut all);
        all
    }

    /// Adds a decided value.
    fn value<T>(&mut self, path: impl Into<String>, value: &Val<T>, shown: impl fmt::Display) {
        self.why(path, value.why, shown);
    }

    fn why(&mut self, path: impl Into<String>, why: Why, shown: impl fmt::Display) {
        let origin = match why {
            Why::Default(reason) => Origin::Default(reason.to_owned()),
            Why::Line(span) => match (self.sources.position(span), self.sources.line(span)) {
                (Some(at), Some(text)) => Origin::Line {
                    at,
                    text: text.to_owned(),
                },
                _ => Origin::Default("not in any file".to_owned()),
            },
        };
        self.list.push(Explanation {
            path: path.into(),
            value: shown.to_string(),
            origin,
        });
    }

    /// Adds a value that follows from others.
    fn derived(&mut self, path: String, how: &str, shown: impl fmt::Display) {
        let origin = Origin::Derived(how.to_owned());
        self.list.push(Explanation {
            path,
            value: shown.to_string(),
            origin,
        });
    }
}

/// Values in a row.
fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("[{}]", items.join(", "))
}
