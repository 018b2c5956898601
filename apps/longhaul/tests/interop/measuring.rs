//! `longhaul bench bgp` with a small table: every daemon, ours first, ends with the right table.

use std::process::Command;

use crate::raised::json;

#[test]
fn five_daemons_end_with_the_right_table_in_every_workload() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
    command.args(["bench", "bgp", "--format", "json", "--repeat", "1"]);
    command.args(["--prefixes", "3000", "--against", "bird,frr,gobgp,openbgpd"]);
    command.args(["--workload", "w2,late,drop,w1,w3"]);
    let report = json(&mut command);
    let rows = report["rows"].as_array().cloned().unwrap_or_default();
    assert_eq!(rows.len(), 25, "{report:#}");
    for row in rows {
        assert_eq!(row["failures"].as_array().map(Vec::len), Some(0), "{row:#}");
        assert!(
            row["figures"]["time"]["median"].as_f64() > Some(0.0),
            "{row:#}"
        );
    }
}
