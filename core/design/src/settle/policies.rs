//! Policies of routers: those with a name under `policies`, and statements where they are used.

use core::ops::Range;

use bgp::policy::{Fault, Program};

use crate::lines;
use crate::model::DesignFile;
use crate::reader::{At, suggestion};
use crate::report::{Report, Severity, Sources, Span};
use crate::scalars::Lines;

/// The policies of a design that have names.
pub(crate) struct Library<'a> {
    text: &'a str,
    names: Vec<String>,
    sources: &'a Sources,
}

/// What stands around statements so that they are a policy.
const BEFORE: &str = "\npolicy here {\n";
const AFTER: &str = "\n}\n";

impl<'a> Library<'a> {
    /// Reads them; what is wrong is reported once.
    pub(super) fn read(
        file: &'a DesignFile,
        sources: &'a Sources,
        reports: &mut Vec<Report>,
    ) -> Self {
        let text = file.policies.as_ref();
        let (program, faults) = Program::parse(text.map_or("", |at| &at.value.0));
        let library = Self {
            text: text.map_or("", |at| &at.value.0),
            names: program.policies().map(str::to_owned).collect(),
            sources,
        };
        if let Some(at) = text {
            let faults = faults.into_iter();
            reports.extend(faults.map(|fault| library.report(at, fault, 0)));
        }
        library
    }

    /// Checks what stands where a policy is expected.
    pub(super) fn check(&self, at: &At<Lines>, reports: &mut Vec<Report>) {
        let text = at.value.0.trim();
        if is_name(text) {
            let known = self.names.iter().map(String::as_str);
            let known = known.chain(BUILT_IN);
            if !known.clone().any(|name| name == text) {
                let says = format!("there is no policy `{text}`");
                let advice = suggestion(text, known);
                reports.push(Report::shape(at.span, says).try_this(advice));
            }
            return;
        }
        let start = self.text.len() + BEFORE.len();
        let whole = [self.text, BEFORE, &at.value.0, AFTER].concat();
        let (_, faults) = Program::parse(&whole);
        let own = faults
            .into_iter()
            .filter(|fault| fault.span.start + BEFORE.len() >= start);
        reports.extend(own.map(|fault| self.report(at, fault, start)));
    }

    /// A finding in a text that begins at an offset of what was parsed.
    fn report(&self, at: &At<Lines>, fault: Fault, offset: usize) -> Report {
        let inside = |at: usize| at.saturating_sub(offset);
        let range: Range<usize> = inside(fault.span.start)..inside(fault.span.end);
        let mut report = Report::shape(self.place(at, &range), fault.says).try_this(fault.try_this);
        if fault.warning {
            report.severity = Severity::Warning;
        }
        report
    }

    fn place(&self, at: &At<Lines>, range: &Range<usize>) -> Span {
        let file = self.sources.file(at.span).map_or("", |source| &source.text);
        lines::Lines::of(&at.value.0, at.span, file).span(at.span, range)
    }
}

/// Policies that are there without being defined.
const BUILT_IN: [&str; 2] = ["accept", "reject"];

/// Whether a text is the name of a policy, and not statements.
pub(crate) fn is_name(text: &str) -> bool {
    let text = text.trim();
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
