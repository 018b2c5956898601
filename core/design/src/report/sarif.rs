//! Findings as SARIF 2.1.0 (OASIS standard of 27 March 2020), for code scanning and editors.

use serde_json::{Value, json};

use super::{Report, Reports, Severity, Span};
use crate::rules;

/// The schema that the output follows.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

impl Reports {
    /// The findings as a SARIF log with one run. A waived finding is a result with a suppression.
    pub fn to_sarif(&self, version: &str) -> Value {
        let mut ids: Vec<&str> = rules().iter().map(|rule| rule.id).collect();
        let waived = self.waived().iter().map(|waived| &waived.report);
        for report in self.iter().chain(waived) {
            if !ids.contains(&report.rule) {
                ids.push(report.rule);
            }
        }
        let open = self.iter().map(|report| self.result(report, &ids));
        let waived = self.waived().iter().map(|waived| {
            let mut result = self.result(&waived.report, &ids);
            result["suppressions"] =
                json!([{ "kind": "inSource", "justification": waived.justification() }]);
            result
        });
        let results: Vec<Value> = open.chain(waived).collect();
        json!({
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "longhaul",
                    "version": version,
                    "rules": ids.iter().map(|id| rule(id)).collect::<Vec<_>>(),
                }},
                "columnKind": "unicodeCodePoints",
                "results": results,
            }],
        })
    }

    fn result(&self, report: &Report, ids: &[&str]) -> Value {
        let mut result = json!({
            "ruleId": report.rule,
            "ruleIndex": ids.iter().position(|id| *id == report.rule),
            "level": level(report.severity),
            "message": { "text": message(report) },
        });
        if let Some(location) = report.at.and_then(|at| self.location(at)) {
            result["locations"] = json!([location]);
        }
        let also: Vec<Value> = report
            .also
            .iter()
            .enumerate()
            .filter_map(|(index, (at, words))| {
                let mut location = self.location(*at)?;
                location["id"] = json!(index);
                location["message"] = json!({ "text": words });
                Some(location)
            })
            .collect();
        if !also.is_empty() {
            result["relatedLocations"] = Value::Array(also);
        }
        result
    }

    fn location(&self, at: Span) -> Option<Value> {
        let start = self.sources().position(at)?;
        let end = self.sources().position(Span {
            start: at.end,
            ..at
        })?;
        Some(json!({
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&start.file) },
                "region": {
                    "startLine": start.line,
                    "startColumn": start.column,
                    "endLine": end.line,
                    "endColumn": end.column,
                },
            },
        }))
    }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn message(report: &Report) -> String {
    let mut text = report.says.clone();
    for more in [&report.because, &report.try_this] {
        if !more.is_empty() {
            text.push_str(". ");
            text.push_str(more);
        }
    }
    text
}

fn rule(id: &str) -> Value {
    let Some(rule) = rules().iter().find(|rule| rule.id == id) else {
        return json!({ "id": id });
    };
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.says },
        "fullDescription": { "text": format!("{}: {}", rule.says.trim_end_matches('.'), rule.because) },
        "help": { "text": rule.try_this },
        "helpUri": rule.source.document,
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "sourceDated": rule.source.dated },
    })
}

/// A file's name as a relative or absolute URI reference (RFC 3986 §3.3).
fn uri(name: &str) -> String {
    let mut text = String::new();
    if name.starts_with('/') {
        text.push_str("file://");
    }
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
