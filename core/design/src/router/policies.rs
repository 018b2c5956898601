//! The text of policies inside a router's file: its findings as reports that point into the file.

use bgp::Policy;
use bgp::policy::{Fault, Program, Surroundings, Use};

use crate::lines::Lines;
use crate::reader::At;
use crate::report::{Report, Severity, Span};
use crate::scalars::{self, Text};

/// The policies of a file.
pub(super) struct Policies<'a> {
    program: Program,
    text: Option<&'a At<scalars::Lines>>,
    lines: Lines,
}

impl<'a> Policies<'a> {
    /// Reads the text of policies in a file, if it has one.
    pub(super) fn read(
        text: Option<&'a At<scalars::Lines>>,
        file: &str,
        reports: &mut Vec<Report>,
    ) -> Self {
        let (program, faults) = Program::parse(text.map_or("", |at| &at.value.0));
        let lines = text.map(|at| Lines::of(&at.value.0, at.span, file));
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
            used => (whole.map(|whole| self.lines.span(whole, &fault.span)), used),
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
}

/// The first byte of a file.
const NOWHERE: Span = Span {
    file: 0,
    start: 0,
    end: 0,
};
