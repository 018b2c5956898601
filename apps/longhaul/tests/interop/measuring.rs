//! `longhaul bench bgp` with a small table: every daemon, ours first, ends with the right table. `longhaul bench tunnel
//! --soak` for seconds: what must not happen does not.

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

/// Real sockets, but neither speed nor hours: no flow stops, nothing overtakes, whatever changes.
#[test]
fn flows_live_through_roaming_and_a_flood_of_strangers_handshakes() {
    for threads in ["1", "2"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longhaul"));
        command.args(["bench", "tunnel", "--format", "json", "--soak", "12s"]);
        command.args(["--strangers", "5000", "--threads", threads]);
        let report = json(&mut command);
        assert_eq!(report["failures"], serde_json::json!([]), "{report:#}");
        for counted in ["rate", "packets", "strangers", "roamings"] {
            assert!(
                report[counted].as_f64() > Some(0.0),
                "{counted}: {report:#}"
            );
        }
    }
}
