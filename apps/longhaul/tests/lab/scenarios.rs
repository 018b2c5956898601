//! Every scenario of the reference: its example comes up with real packets, every host reaches every
//! other one as the trace says, and every device forwards as the simulator says.
//!
//! Designs of accidents stand in a folder of their own: `accidents` has them.

use std::fs;
use std::path::Path;

use crate::raised::Raised;

#[test]
fn every_scenario_comes_up_and_forwards_as_simulated() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let entries = fs::read_dir(folder).expect("the examples are there");
    let mut files: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yaml") && name.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no example of a scenario");
    for file in files {
        let number: String = file.chars().take_while(char::is_ascii_digit).collect();
        drop(Raised::example(&format!("scenario{number}"), &file));
    }
}
