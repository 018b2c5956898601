//! The alert rules of the documents, as Prometheus' own tool understands them.

use std::path::Path;
use std::process::Command;

/// Prometheus' tool on a file of `docs/alerts`.
fn promtool(words: &[&str], file: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/alerts");
    let output = Command::new("/usr/bin/promtool")
        .args(words)
        .arg(file)
        .current_dir(root)
        .output()
        .expect("promtool is there: cargo xtask test installs Debian's package prometheus");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_alert_rules_are_well_formed() {
    promtool(&["check", "rules"], "longhaul.rules.yaml");
}

#[test]
fn the_alert_rules_say_what_their_tests_expect() {
    promtool(&["test", "rules"], "longhaul.rules.test.yaml");
}
