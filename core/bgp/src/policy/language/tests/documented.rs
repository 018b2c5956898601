//! The language is what its document says: every example, condition and action in it is read.

use super::super::Program;

const DOCUMENT: &str = include_str!("../../../../../../docs/policy.md");

/// Sets of every kind under the name that the tables use.
const SETS: &str = "prefixes SET = [10.0.0.0/8] communities SET = [1:1] asns SET = [1]
    large-communities SET = [1:1:1] ext-communities SET = [rt:1:1] as-paths SET = [\"1\"]
    policy NAME { return }\n";

fn read(text: &str) {
    let (program, faults) = Program::parse(text);
    assert!(faults.is_empty(), "{text}\n{faults:?}");
    let (again, _) = Program::parse(&program.to_string());
    assert_eq!(again, program, "{text}");
}

fn section(title: &str) -> &'static str {
    let start = DOCUMENT.split(&format!("\n## {title}\n")).nth(1);
    let section = start.and_then(|rest| rest.split("\n## ").next());
    section.unwrap_or_else(|| panic!("no section {title}"))
}

/// The pieces of code in the first column of a section's table.
fn code(title: &str) -> Vec<&'static str> {
    let rows = section(title).lines().filter(|l| l.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let code: Vec<_> = cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert!(code.len() > 5, "{title}: {code:?}");
    code
}

#[test]
fn every_example_of_the_document_is_read() {
    let examples: Vec<_> = DOCUMENT.split("```policy\n").skip(1).collect();
    assert!(examples.len() >= 4);
    for example in examples {
        read(example.split("```").next().expect("it ends"));
    }
}

#[test]
fn every_set_of_the_document_is_read() {
    for set in code("Sets") {
        read(set);
    }
}

#[test]
fn every_condition_of_the_document_is_read() {
    for condition in code("Conditions") {
        read(&format!(
            "{SETS}policy p {{ if {condition} {{ accept }} reject }}"
        ));
    }
}

#[test]
fn every_action_of_the_document_is_read() {
    for action in code("Actions") {
        read(&format!("{SETS}policy p {{ {action} accept }}"));
    }
}
