//! Secrets do not stand in a configuration file: files are copied, shown and committed.

use crate::report::{Report, Span};
use crate::tree::{Kind, Node};

/// Keys under which other programs have passwords in their configuration, and what to write here.
const KEYS: &[&str] = &["password", "secret", "md5", "md5_password", "key"];

/// Takes every inline secret out of the tree with a report, and gives their places, so that no
/// report shows them.
pub(super) fn refuse(node: &mut Node, reports: &mut Vec<Report>) -> Vec<Span> {
    let mut found = Vec::new();
    take(node, &mut found, reports);
    found
}

fn take(node: &mut Node, found: &mut Vec<Span>, reports: &mut Vec<Report>) {
    match &mut node.kind {
        Kind::Scalar { .. } => {}
        Kind::List(items) => {
            for item in items {
                take(item, found, reports);
            }
        }
        Kind::Map(entries) => entries.retain_mut(|(key, value)| {
            let secret = KEYS.contains(&key.text.as_str())
                && matches!(value.kind, Kind::Scalar { .. })
                && !value.is_null();
            if secret {
                found.push(value.span);
                reports.push(
                    Report::shape(key.span, format!("`{}` would put a secret here", key.text))
                        .because("configuration files are copied, shown and committed")
                        .try_this(
                            "put the secret alone into a file of mode 0600, and its path here as `password_file`",
                        ),
                );
            } else {
                take(value, found, reports);
            }
            !secret
        }),
    }
}
