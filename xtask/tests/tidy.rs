//! Rules that hold for the whole tree: layers, documents, words that must not be left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is in the tree")
        .to_path_buf()
}

/// Files that git tracks, or would: relative paths.
fn files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    let listing = String::from_utf8(output.stdout).expect("paths are UTF-8");
    listing
        .lines()
        .filter(|path| root().join(path).is_file())
        .map(str::to_owned)
        .collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

fn sources() -> impl Iterator<Item = (String, String)> {
    files()
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .map(|path| {
            let text = read(&path);
            (path, text)
        })
}

/// The layer table of the architecture document: crate → crates it may depend on.
fn layers_on_paper() -> BTreeMap<String, BTreeSet<String>> {
    let document = read("ARCHITECTURE.md");
    let table = document
        .split("## Layers")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .expect("ARCHITECTURE.md has a section Layers");
    table
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|line| {
            let mut cells = line.split('|');
            let name = cells
                .next()
                .unwrap_or("")
                .trim()
                .trim_end_matches('`')
                .to_owned();
            let below = cells.next().unwrap_or("");
            (
                name,
                below
                    .split('`')
                    .skip(1)
                    .step_by(2)
                    .map(str::to_owned)
                    .collect(),
            )
        })
        .collect()
}

/// The same from cargo: what each crate really depends on, tests aside.
fn layers_in_cargo() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let names: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    packages
        .iter()
        .map(|package| {
            let below = package["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .filter_map(|dependency| dependency["name"].as_str())
                .filter(|name| names.contains(name))
                .map(str::to_owned)
                .collect();
            (package["name"].as_str().expect("a name").to_owned(), below)
        })
        .collect()
}

#[test]
fn the_layer_table_is_what_cargo_sees() {
    let (paper, cargo) = (layers_on_paper(), layers_in_cargo());
    assert_eq!(
        paper, cargo,
        "mend the table in ARCHITECTURE.md or the dependency"
    );
}

#[test]
fn core_depends_on_nothing_that_touches_the_world() {
    let banned = [
        "tokio",
        "nix",
        "libc",
        "netlink",
        "mio",
        "rand",
        "getrandom",
        "chrono",
    ];
    for path in files()
        .iter()
        .filter(|path| path.starts_with("core/") && path.ends_with("Cargo.toml"))
    {
        let text = read(path);
        let normal = text.split("[dev-dependencies]").next().unwrap_or("");
        for name in banned {
            let found = normal
                .lines()
                .any(|line| line.trim_start().starts_with(name));
            assert!(!found, "{path} depends on {name}: cores touch nothing");
        }
    }
}

#[test]
fn nothing_unfinished_is_left_in_the_sources() {
    let marks = ["TO", "FIX", "XX", "HA"]
        .into_iter()
        .zip(["DO", "ME", "X", "CK"]);
    let marks: Vec<String> = marks.map(|(a, b)| format!("{a}{b}")).collect();
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            for mark in &marks {
                let found = line
                    .split(|c: char| !c.is_alphanumeric())
                    .any(|word| word == mark);
                assert!(
                    !found,
                    "{path}:{}: {mark}: an open question is an issue or an ADR",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn cores_and_their_tests_never_sleep() {
    let word = ["thread::", "sleep"].concat();
    for (path, text) in
        sources().filter(|(path, _)| path.starts_with("core/") || path.starts_with("sim/"))
    {
        assert!(!text.contains(&word), "{path} sleeps");
    }
}

#[test]
fn every_source_file_says_what_it_is_for() {
    for (path, text) in sources() {
        let first = text.lines().find(|line| !line.starts_with("#!"));
        let opens = first.is_some_and(|line| line.starts_with("//!"));
        assert!(opens, "{path} does not open with a module document");
    }
}

#[test]
fn unsafe_code_lives_in_the_shell_only() {
    let word = ["uns", "afe "].concat();
    for (path, text) in sources().filter(|(path, _)| !path.starts_with("shell/linux/")) {
        let found = text.lines().any(|line| {
            let code = line.split("//").next().unwrap_or("");
            code.contains(&format!("{word}{{")) || code.contains(&format!("{word}fn"))
        });
        assert!(!found, "{path} has {word}code");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    for path in files().iter().filter(|path| path.ends_with(".md")) {
        let text = read(path);
        let folder = Path::new(path)
            .parent()
            .unwrap_or(Path::new(""))
            .to_path_buf();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = link.split('#').next().unwrap_or("");
            if target.is_empty() || target.contains("://") {
                continue;
            }
            assert!(
                root().join(&folder).join(target).exists(),
                "{path}: dead link {link}"
            );
        }
    }
}

#[test]
fn paths_named_in_the_architecture_document_exist() {
    let zones = [
        "core/",
        "shell/",
        "sim/",
        "lab/",
        "apps/",
        "xtask/",
        "docs/",
        "cases/",
        "fuzz/",
        "examples/",
    ];
    let document = read("ARCHITECTURE.md");
    for word in document.split('`').skip(1).step_by(2) {
        if zones.iter().any(|zone| word.starts_with(zone)) && !word.contains(['<', '*', ' ']) {
            assert!(
                root().join(word).exists(),
                "ARCHITECTURE.md names {word}, which is not there"
            );
        }
    }
}

#[test]
fn every_dependency_has_its_line_in_the_decision_record() {
    let workspace = read("Cargo.toml");
    let record = read("docs/adr/0002-dependencies.md");
    let theirs = workspace
        .split("# others'")
        .nth(1)
        .expect("the workspace lists others' crates");
    let theirs = theirs.split("\n[").next().unwrap_or("");
    for name in theirs
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
    {
        assert!(
            record.contains(&format!("`{name}`")),
            "docs/adr/0002-dependencies.md says nothing of {name}"
        );
    }
}

/// The cells of a document's table rows, without the heading and the line below it.
fn rows(document: &str) -> impl Iterator<Item = Vec<&str>> {
    document
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .filter(|cells: &Vec<&str>| cells[0] != "clause" && !cells[0].starts_with("---"))
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_clause_in_docs_rfc_names_code_and_tests_that_are_there() {
    let all: String = sources().map(|(_, text)| text).collect();
    let mut wrong = Vec::new();
    for path in files().iter().filter(|path| path.starts_with("docs/rfc/")) {
        let document = read(path);
        for cells in rows(&document) {
            assert_eq!(
                cells.len(),
                4,
                "{path}: clause, what, code, tests: {cells:?}"
            );
            let mut place = String::new();
            for word in quoted(cells[2]) {
                if word.contains('/') {
                    place = read(word);
                    if place.is_empty() {
                        wrong.push(format!("{path}, {}: no file {word}", cells[0]));
                    }
                } else if !place.contains(word.rsplit("::").next().unwrap_or(word)) {
                    wrong.push(format!("{path}, {}: no {word} in that file", cells[0]));
                }
            }
            let mut tests = quoted(cells[3]).peekable();
            if tests.peek().is_none() {
                wrong.push(format!("{path}, {}: no test", cells[0]));
            }
            for test in tests.filter(|test| !all.contains(&format!("fn {test}("))) {
                wrong.push(format!("{path}, {}: no test {test}", cells[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
