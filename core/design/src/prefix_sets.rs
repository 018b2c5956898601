//! Lists of prefixes that classes name: written out in the design, or in files of three kinds, which
//! are told apart by their content.
//!
//! A file that begins with `[` is Microsoft 365's endpoints, one with `{` Azure's service tags; any
//! other has one prefix on each line. Prefixes of IPv6 are passed over: the overlay carries IPv4.
//! Files come from outside: what is wrong with one is reported with its line there.

mod endpoints;
mod plain;
mod service_tags;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use inet::Prefix;

use crate::entry::Files;
use crate::model::{CategoryText, DesignFile, PrefixFileText, PrefixSetText};
use crate::reader::At;
use crate::report::{Report, Sources, Span};
use crate::settle::{PrefixList, Val};

/// Sets of one design. Each may be a file, and files are numbered.
const SETS_MAX: usize = 256;
/// Prefixes of one set after those inside others are gone: several times what all of Azure has.
const PREFIXES_MAX: usize = 65_536;
/// Findings about one file: the rest have the same cause.
const FINDINGS_MAX: usize = 20;

/// Reads all sets of a design.
pub(crate) fn read(
    file: &DesignFile,
    files: &dyn Files,
    sources: &mut Sources,
    reports: &mut Vec<Report>,
) -> Vec<PrefixList> {
    let Some(all) = &file.prefix_sets else {
        return Vec::new();
    };
    if let Some((name, _)) = all.value.0.get(SETS_MAX) {
        let says = format!("a design has at most {SETS_MAX} prefix sets");
        reports.push(Report::shape(name.span, says));
    }
    let mut texts = Texts {
        files,
        read: BTreeMap::new(),
    };
    let sets = all.value.0.iter().take(SETS_MAX);
    sets.map(|(name, text)| {
        let prefixes = match text {
            PrefixSetText::List(list) => list.iter().map(|at| at.value).collect(),
            PrefixSetText::File(text) => texts.prefixes(text, sources, reports),
        };
        if prefixes.is_empty() && !matches!(text, PrefixSetText::File(_)) {
            let says = format!("prefix set `{}` is empty", name.value);
            reports.push(Report::shape(name.span, says));
        }
        let prefixes = merged(prefixes);
        if prefixes.len() > PREFIXES_MAX {
            let says = format!(
                "prefix set `{}` has {} prefixes; at most {PREFIXES_MAX} fit",
                name.value,
                prefixes.len()
            );
            reports.push(Report::shape(name.span, says).try_this("take less of the file"));
        }
        PrefixList {
            name: Val::line(name.value.clone(), name.span),
            prefixes: prefixes.into_iter().take(PREFIXES_MAX).collect(),
        }
    })
    .collect()
}

/// The same addresses in as few prefixes as there can be, in order.
fn merged(prefixes: Vec<Prefix>) -> Vec<Prefix> {
    let sorted: BTreeSet<(u32, u8)> = prefixes
        .iter()
        .map(|prefix| (prefix.bits(), prefix.len()))
        .collect();
    let mut out: Vec<Prefix> = Vec::new();
    for (bits, len) in sorted {
        let mut next = Prefix::new(bits.into(), len).expect("it was a prefix");
        if out.last().is_some_and(|last| last.covers(next)) {
            continue;
        }
        while let Some(both) = out.last().and_then(|last| joined(*last, next)) {
            out.pop();
            next = both;
        }
        out.push(next);
    }
    out
}

/// The prefix that two halves make.
fn joined(low: Prefix, high: Prefix) -> Option<Prefix> {
    let len = low.len().checked_sub(1)?;
    let both = Prefix::new(low.address(), len)?;
    (low.len() == high.len() && low != high && both.covers(high)).then_some(both)
}

/// Files of a design, each read once.
struct Texts<'a> {
    files: &'a dyn Files,
    read: BTreeMap<String, Option<u16>>,
}

impl Texts<'_> {
    fn prefixes(
        &mut self,
        text: &PrefixFileText,
        sources: &mut Sources,
        reports: &mut Vec<Report>,
    ) -> Vec<Prefix> {
        let Some(from) = &text.from else {
            return Vec::new();
        };
        let name = &from.value.0;
        let index = match self.read.get(name) {
            Some(index) => *index,
            None => {
                let index = match self.files.text(name) {
                    Ok(text) => Some(sources.add(name, &text)),
                    Err(why) => {
                        let says = format!("`{name}` cannot be read: {why}");
                        reports.push(Report::shape(from.span, says));
                        None
                    }
                };
                self.read.insert(name.clone(), index);
                index
            }
        };
        let source = index.and_then(|index| Some((index, sources.text(index.into())?)));
        let Some((index, content)) = source else {
            return Vec::new();
        };
        let mut found = Found {
            file: index,
            text: content,
            prefixes: Vec::new(),
            wrong: Vec::new(),
        };
        of_file(&mut found, text, from.span, reports);
        let Found {
            prefixes, wrong, ..
        } = found;
        if prefixes.is_empty() && wrong.is_empty() {
            let says = format!("nothing is taken from `{name}`");
            reports.push(Report::shape(from.span, says));
        }
        reports.extend(wrong.into_iter().take(FINDINGS_MAX));
        prefixes
    }
}

/// Reads a file as what it is.
fn of_file(found: &mut Found<'_>, text: &PrefixFileText, from: Span, reports: &mut Vec<Report>) {
    let misplaced = |name: &str, at: Span, reports: &mut Vec<Report>| {
        let says = format!("`{name}` does not go with a file of this kind");
        reports.push(Report::shape(at, says).also(Some(from), "the file"));
    };
    let (category, tag) = (text.category.as_ref(), text.tag.as_ref());
    match found.text.trim_start().bytes().next() {
        Some(b'[') => {
            if let Some(at) = tag {
                misplaced("tag", at.span, reports);
            }
            let wanted = category.into_iter().flat_map(|at| &at.value.0);
            let wanted: Vec<CategoryText> = wanted.map(|at| at.value).collect();
            endpoints::read(found, &wanted);
        }
        Some(b'{') => {
            if let Some(at) = category {
                misplaced("category", at.span, reports);
            }
            let Some(tags) = tag else {
                let says = "these are Azure's service tags, and none is named";
                let advice = "add `tag`, such as `tag: Storage.WestEurope`";
                reports.push(Report::shape(from, says).try_this(advice));
                return;
            };
            let tags: Vec<&At<_>> = tags.value.0.iter().collect();
            service_tags::read(found, &tags, reports);
        }
        _ => {
            for (name, at) in [
                ("category", category.map(|at| at.span)),
                ("tag", tag.map(|at| at.span)),
            ] {
                if let Some(at) = at {
                    misplaced(name, at, reports);
                }
            }
            plain::read(found);
        }
    }
}

/// What is found in a file.
struct Found<'a> {
    file: u16,
    text: &'a str,
    prefixes: Vec<Prefix>,
    wrong: Vec<Report>,
}

impl Found<'_> {
    /// Takes a prefix that stands at a place of the file.
    fn prefix(&mut self, text: &str, at: impl FnOnce(&Self) -> Span) {
        if is_v6(text) {
            return;
        }
        let prefix = match text.contains('/') {
            true => text.parse().ok(),
            false => text.parse().ok().map(Prefix::host),
        };
        match prefix {
            Some(prefix) => self.prefixes.push(prefix),
            // Nobody reads more of them than are shown.
            None if self.wrong.len() > FINDINGS_MAX => {}
            None => {
                let shown: String = text.chars().take(60).collect();
                let says = format!("`{shown}` is not a prefix");
                self.wrong.push(Report::shape(at(self), says));
            }
        }
    }

    /// Where a text stands in the file, in quotes.
    fn quoted(&self, text: &str) -> Span {
        let quoted = format!("\"{text}\"");
        let start = self.text.find(&quoted).unwrap_or(0);
        self.span(start, quoted.len())
    }

    fn span(&self, start: usize, length: usize) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span {
            file: self.file,
            start: offset(start),
            end: offset(start.saturating_add(length).min(self.text.len())),
        }
    }

    /// Reads the file as JSON of a kind.
    fn json<T: serde::de::DeserializeOwned>(&mut self, kind: &str) -> Option<T> {
        match serde_json::from_str(self.text) {
            Ok(value) => Some(value),
            Err(error) => {
                let lines = self.text.split_inclusive('\n');
                let before = lines.take(error.line().saturating_sub(1)).map(str::len);
                let start = before.sum::<usize>() + error.column().saturating_sub(1);
                let says = format!("this is not {kind}: {error}");
                self.wrong.push(Report::shape(self.span(start, 1), says));
                None
            }
        }
    }
}

fn is_v6(text: &str) -> bool {
    let (address, len) = text.split_once('/').unwrap_or((text, "128"));
    address.parse::<core::net::Ipv6Addr>().is_ok() && len.parse::<u8>().is_ok_and(|len| len <= 128)
}
