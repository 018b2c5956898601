//! The text of policies inside a router's file: its findings as reports that point into the file.

use core::ops::Range;

use bgp::Policy;
use bgp::policy::{Fault, Program, Surroundings, Use};

use crate::reader::At;
use crate::report::{Report, Severity, Span};
use crate::scalars::{Lines, Text};

/// The policies of a file.
pub(super) struct Policies<'a> {
    program: Program,
    text: Option<&'a At<Lines>>,
    /// Offsets of the starts of the text's lines: in the text, and in the file.
    lines: Vec<(usize, usize)>,
}

impl<'a> Policies<'a> {
    /// Reads the text of policies in a file, if it has one.
    pub(super) fn read(text: Option<&'a At<Lines>>, file: &str, reports: &mut Vec<Report>) -> Self {
        let (program, faults) = Program::parse(text.map_or("", |at| &at.value.0));
        let lines = text.and_then(|at| lines(&at.value.0, at.span, file));
        let policies = Self {
            program,
            text,
            lines: lines.unwrap_or_default(),
        };
        reports.extend(faults.into_iter().map(|fault| policies.report(fault, None)));
        policies
    }

    /// The policy of a name for its use at a neighbour.
    pub(super) fn policy(
        &self,
        name: &At<Text>,
        place: Use<'_>,
        surroundings: Surroundings<'_>,
        reports: &mut Vec<Report>,
    ) -> Option<Policy> {
        let (policy, faults) = self.program.policy(&name.value.0, place, surroundings);
        for fault in faults {
            reports.push(self.report(fault, Some(name.span)));
        }
        policy
    }

    /// A finding in the file. One without a place in the text is about the name at `used`.
    fn report(&self, fault: Fault, used: Option<Span>) -> Report {
        let whole = self.text.map(|text| text.span);
        let (at, also) = match used {
            Some(used) if fault.span.is_empty() => (Some(used), None),
            used => (whole.map(|whole| self.span(whole, &fault.span)), used),
        };
        let says = fault.says;
        let mut report = Report::shape(at.unwrap_or(NOWHERE), says)
            .try_this(fault.try_this)
            .also(also, "used here");
        if fault.warning {
            report.severity = Severity::Warning;
        }
        report
    }

    fn span(&self, whole: Span, range: &Range<usize>) -> Span {
        let offset = |at: usize| {
            let line = self.lines.partition_point(|(start, _)| *start <= at);
            let (text, file) = self.lines.get(line.checked_sub(1)?)?;
            u32::try_from(file + at - text).ok()
        };
        match (offset(range.start), offset(range.end)) {
            (Some(start), Some(end)) => Span {
                start,
                end: end.min(whole.end).max(start),
                ..whole
            },
            _ => whole,
        }
    }
}

/// The first byte of a file.
const NOWHERE: Span = Span {
    file: 0,
    start: 0,
    end: 0,
};

/// Where each line of a text stands in its file: the line of a block scalar behind its
/// indentation, or a text on one line. `None` where YAML has changed more than that.
fn lines(text: &str, span: Span, file: &str) -> Option<Vec<(usize, usize)>> {
    let raw = file.get(span.start as usize..span.end as usize)?;
    if !text.trim_end().contains('\n')
        && let Some(at) = raw.find(text.trim_end())
    {
        return Some(vec![(0, span.start as usize + at)]);
    }
    let mut starts = Vec::new();
    let (mut in_text, mut in_raw) = (0, 0);
    for (line, raw_line) in text.split_inclusive('\n').zip(raw.split_inclusive('\n')) {
        let words = line.trim_end_matches(['\n', '\r']);
        let raw_words = raw_line.trim_end_matches(['\n', '\r']);
        let indent = raw_words.len().checked_sub(words.len())?;
        if raw_words.get(indent..)? != words {
            return None;
        }
        starts.push((in_text, span.start as usize + in_raw + indent));
        in_text += line.len();
        in_raw += raw_line.len();
    }
    Some(starts)
}
