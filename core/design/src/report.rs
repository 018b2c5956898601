//! Reports: what is wrong with an operator's file, where, why it matters and what to do.
//!
//! Checking never stops at the first finding. A report points into the text by a [`Span`]; the
//! texts travel with the [`Reports`], so that they can be shown long after reading.

mod sarif;

use core::fmt::{self, Write};
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::waivers::Date;

/// A piece of one of the files that were read: byte offsets, end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Index of the file.
    pub file: u16,
    /// First byte.
    pub start: u32,
    /// Byte behind the last.
    pub end: u32,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Name as the operator wrote it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The files that were read, design file first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    files: Vec<SourceFile>,
}

/// A position for people: lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// File name.
    pub file: String,
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl SourceFile {
    /// The whole lines that the spans lie on.
    fn window(&self, spans: impl Iterator<Item = Span> + Clone) -> core::ops::Range<usize> {
        let start = spans
            .clone()
            .map(|span| span.start as usize)
            .min()
            .unwrap_or(0);
        let end = spans.map(|span| span.end as usize).max().unwrap_or(start);
        let (start, end) = (start.min(self.text.len()), end.min(self.text.len()));
        let start = self.text[..start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let end = self.text[end..]
            .find('\n')
            .map_or(self.text.len(), |newline| end + newline);
        start..end
    }
}

impl Sources {
    /// Adds a file and gives its index.
    pub(crate) fn add(&mut self, name: &str, text: &str) -> u16 {
        self.files.push(SourceFile {
            name: name.to_owned(),
            text: text.to_owned(),
        });
        u16::try_from(self.files.len() - 1).expect("a design names few files")
    }

    /// Puts stars in place of a piece of text that nobody is to see.
    pub(crate) fn blank(&mut self, span: Span) {
        let Some(source) = self.files.get_mut(usize::from(span.file)) else {
            return;
        };
        let text = &source.text;
        let end = (span.end as usize).min(text.len());
        let start = (span.start as usize).min(end);
        if let (Some(before), Some(secret), Some(after)) =
            (text.get(..start), text.get(start..end), text.get(end..))
        {
            let stars: String = secret
                .bytes()
                .map(|byte| if byte == b'\n' { '\n' } else { '*' })
                .collect();
            source.text = format!("{before}{stars}{after}");
        }
    }

    /// The text of a file by its index.
    pub(crate) fn text(&self, index: usize) -> Option<&str> {
        self.files.get(index).map(|file| file.text.as_str())
    }

    /// The file a span lies in.
    pub fn file(&self, span: Span) -> Option<&SourceFile> {
        self.files.get(usize::from(span.file))
    }

    /// Where a span starts.
    pub fn position(&self, span: Span) -> Option<Position> {
        let source = self.file(span)?;
        let before = source.text.get(..span.start as usize)?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Some(Position {
            file: source.name.clone(),
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        })
    }

    /// The line a span starts in, without the line break.
    pub fn line(&self, span: Span) -> Option<&str> {
        let text = &self.file(span)?.text;
        let start = text
            .get(..span.start as usize)?
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        text[start..].lines().next()
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing: there is nothing to mend.
    Note,
    /// Worth a look.
    Warning,
    /// The design cannot work, or the platform refuses it.
    Error,
}

/// Where a rule comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The address of a document, or the name of a standard.
    pub document: &'static str,
    /// The date of the revision that was read, `2025-09-17`.
    pub dated: &'static str,
}

impl Source {
    /// Of what follows from the design alone.
    pub const NONE: Self = Self {
        document: "",
        dated: "",
    };
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.document)?;
        if !self.dated.is_empty() {
            write!(f, " ({})", self.dated)?;
        }
        Ok(())
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Stable kebab-case name of the rule.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The place it is about, if it is about one.
    pub at: Option<Span>,
    /// What is wrong, in one sentence.
    pub says: String,
    /// Why it matters.
    pub because: String,
    /// What to do about it.
    pub try_this: String,
    /// Where the rule comes from.
    pub source: Source,
    /// Other places that belong to it, each with a few words.
    pub also: Vec<(Span, String)>,
}

/// More findings than this are counted, not shown: they have one cause or nobody reads them.
const RENDERED_MAX: usize = 100;

/// The rule name of reports about the form of the file.
pub(crate) const SHAPE: &str = "shape";

impl Report {
    /// An error about the form of the file.
    pub(crate) fn shape(at: Span, says: impl Into<String>) -> Self {
        Self {
            rule: SHAPE,
            severity: Severity::Error,
            at: Some(at),
            says: says.into(),
            because: String::new(),
            try_this: String::new(),
            source: Source::NONE,
            also: Vec::new(),
        }
    }

    /// The same with advice.
    pub(crate) fn try_this(mut self, advice: impl Into<String>) -> Self {
        self.try_this = advice.into();
        self
    }

    /// The same with the reason.
    pub(crate) fn because(mut self, reason: impl Into<String>) -> Self {
        self.because = reason.into();
        self
    }

    /// The same with one more place.
    pub(crate) fn also(mut self, at: Option<Span>, words: impl Into<String>) -> Self {
        if let Some(at) = at {
            self.also.push((at, words.into()));
        }
        self
    }
}

/// A finding that the operator has accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waived {
    /// The finding.
    pub report: Report,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is.
    pub until: Date,
}

impl Waived {
    /// Until when and why.
    fn justification(&self) -> String {
        format!("waived until {}: {}", self.until, self.reason)
    }
}

/// Findings with the texts they point into, ordered by place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    list: Vec<Report>,
    waived: Vec<Waived>,
    sources: Arc<Sources>,
}

impl Reports {
    /// Puts findings together with their texts. Sorted by place, then by rule.
    pub(crate) fn new(mut list: Vec<Report>, sources: Arc<Sources>) -> Self {
        list.sort_by(|a, b| (a.at, a.rule, &a.says).cmp(&(b.at, b.rule, &b.says)));
        list.dedup();
        Self {
            list,
            waived: Vec::new(),
            sources,
        }
    }

    /// The same with findings that are waived.
    pub(crate) fn with_waived(mut self, mut waived: Vec<Waived>) -> Self {
        waived.sort_by_key(|waived| (waived.report.at, waived.report.rule));
        self.waived = waived;
        self
    }

    /// The findings that are waived; they are not among the others and not counted.
    pub fn waived(&self) -> &[Waived] {
        &self.waived
    }

    /// The findings.
    pub fn iter(&self) -> impl Iterator<Item = &Report> {
        self.list.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is something to mend: a warning or an error.
    pub fn has_faults(&self) -> bool {
        self.list
            .iter()
            .any(|report| report.severity > Severity::Note)
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list
            .iter()
            .any(|report| report.severity == Severity::Error)
    }

    /// Whether one of them is about the form of the file: what it says cannot be meant.
    pub fn has_malformed(&self) -> bool {
        self.list.iter().any(|report| report.rule == SHAPE)
    }

    /// The texts.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// These and others about the same files.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let sources = if self.sources.files.is_empty() {
            other.sources
        } else {
            self.sources
        };
        let mut list = self.list;
        list.extend(other.list);
        let mut waived = self.waived;
        waived.extend(other.waived);
        Self::new(list, sources).with_waived(waived)
    }

    /// The findings for a terminal, with the lines they are about; ends with a line of totals
    /// unless there are none. Waived ones follow, a line each.
    pub fn render(&self, color: bool) -> String {
        if self.list.is_empty() && self.waived.is_empty() {
            return String::new();
        }
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let mut text = String::new();
        for report in self.list.iter().take(RENDERED_MAX) {
            text.push_str(&renderer.render(&self.groups(report)));
            text.push_str("\n\n");
        }
        if self.list.len() > RENDERED_MAX {
            let _ = write!(text, "and {} more\n\n", self.list.len() - RENDERED_MAX);
        }
        for waived in self.waived.iter().take(RENDERED_MAX) {
            let place = waived.report.at.and_then(|at| self.sources.position(at));
            let place = place.map_or(String::new(), |at| format!("{}:{}: ", at.file, at.line));
            let (says, why) = (&waived.report.says, waived.justification());
            let _ = writeln!(text, "{place}{says} [{}], {why}", waived.report.rule);
        }
        if !self.waived.is_empty() && !self.list.is_empty() {
            text.push('\n');
        }
        if !self.list.is_empty() {
            text.push_str(&self.totals());
            text.push('\n');
        }
        text
    }

    fn totals(&self) -> String {
        let count = |severity| {
            self.list
                .iter()
                .filter(|report| report.severity == severity)
                .count()
        };
        let kinds = [
            (count(Severity::Error), "error"),
            (count(Severity::Warning), "warning"),
            (count(Severity::Note), "note"),
        ];
        let found = kinds.into_iter().filter(|(count, _)| *count > 0);
        let found: Vec<String> = found
            .map(|(count, word)| match count {
                1 => format!("1 {word}"),
                _ => format!("{count} {word}s"),
            })
            .collect();
        found.join(", ")
    }

    fn groups<'a>(&'a self, report: &'a Report) -> Vec<Group<'a>> {
        let level = match report.severity {
            Severity::Note => Level::NOTE,
            Severity::Warning => Level::WARNING,
            Severity::Error => Level::ERROR,
        };
        let mut group =
            Group::with_title(level.primary_title(report.says.as_str()).id(report.rule));
        let primary = report.at.map(|at| (at, AnnotationKind::Primary, ""));
        let also = report
            .also
            .iter()
            .map(|(at, words)| (*at, AnnotationKind::Context, words.as_str()));
        let mut marks: Vec<_> = primary.into_iter().chain(also).collect();
        while let Some((first, ..)) = marks.first() {
            let file = first.file;
            let Some(source) = self.sources.file(*first) else {
                break;
            };
            let here = || marks.iter().filter(|(at, ..)| at.file == file);
            let window = source.window(here().map(|(at, ..)| *at));
            let annotations = here().map(|(at, kind, words)| {
                let offset =
                    |byte: u32| (byte as usize).clamp(window.start, window.end) - window.start;
                let mark = kind.span(offset(at.start)..offset(at.end));
                if words.is_empty() {
                    mark
                } else {
                    mark.label(*words)
                }
            });
            let first_line = source.text[..window.start]
                .bytes()
                .filter(|byte| *byte == b'\n')
                .count()
                + 1;
            let snippet = Snippet::source(&source.text[window.clone()]).line_start(first_line);
            group = group.element(snippet.path(source.name.as_str()).annotations(annotations));
            marks.retain(|(at, ..)| at.file != file);
        }
        for (level, words) in [
            (Level::NOTE, report.because.as_str()),
            (Level::HELP, report.try_this.as_str()),
        ] {
            if !words.is_empty() {
                group = group.element(level.message(words));
            }
        }
        if !report.source.document.is_empty() {
            let source = Level::INFO.with_name("source");
            group = group.element(source.message(report.source.to_string()));
        }
        vec![group]
    }

    /// The findings as JSON: `{format_version, reports: [{id, severity, file, line, column,
    /// message, because, try_this, source, dated, also}], waived: [the same with reason, until]}`.
    pub fn to_json(&self) -> serde_json::Value {
        let reports: Vec<_> = self
            .list
            .iter()
            .map(|report| self.report_json(report))
            .collect();
        let waived = self.waived.iter().map(|waived| {
            let mut json = self.report_json(&waived.report);
            json["reason"] = waived.reason.as_str().into();
            json["until"] = waived.until.to_string().into();
            json
        });
        let waived: Vec<_> = waived.collect();
        serde_json::json!({ "format_version": 1, "reports": reports, "waived": waived })
    }

    fn report_json(&self, report: &Report) -> serde_json::Value {
        let position = report.at.and_then(|at| self.sources.position(at));
        let also: Vec<_> = report
            .also
            .iter()
            .filter_map(|(at, words)| {
                let position = self.sources.position(*at)?;
                Some(serde_json::json!({
                    "file": position.file, "line": position.line, "column": position.column,
                    "message": words,
                }))
            })
            .collect();
        serde_json::json!({
            "id": report.rule,
            "severity": report.severity,
            "file": position.as_ref().map(|position| &position.file),
            "line": position.as_ref().map(|position| position.line),
            "column": position.as_ref().map(|position| position.column),
            "message": report.says,
            "because": report.because,
            "try_this": report.try_this,
            "source": report.source.document,
            "dated": report.source.dated,
            "also": also,
        })
    }
}
