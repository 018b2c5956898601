//! What the threads of a running node may still do (decision 0028).

use std::fs;

use crate::raised::{Raised, process_of};

const LAB: &str = "privileges";
/// `CAP_NET_ADMIN` alone, as the kernel writes it.
const NET_ADMIN: &str = "0000000000001000";
/// With `CAP_NET_RAW`, to announce a virtual address.
const WITH_RAW: &str = "0000000000003000";

/// With `CAP_NET_BIND_SERVICE` too: what it kept at its start is the bound of what it could ever have.
const AT_START: &str = "0000000000003400";

/// What a line says in the status of each thread of a device's daemon.
fn each_thread(device: &str, line: &str) -> Vec<String> {
    let tasks = format!("/proc/{}/task", process_of(LAB, device));
    let tasks = fs::read_dir(tasks).expect("the daemon runs");
    let statuses = tasks.map(|task| {
        let task = task.expect("a thread").path();
        fs::read_to_string(task.join("status")).expect("it runs on")
    });
    let values = statuses.map(|status| {
        let found = status.lines().find_map(|it| it.strip_prefix(line));
        found.unwrap_or_default().trim().to_owned()
    });
    values.collect()
}

#[test]
fn a_running_node_keeps_the_rights_it_needs_and_the_system_calls_of_a_daemon() {
    let lab = Raised::new(LAB);
    for (device, rights) in [("nva1.westeurope", NET_ADMIN), ("cpe1.newyork", WITH_RAW)] {
        let threads = each_thread(device, "Name:");
        assert!(
            threads.iter().any(|name| name.starts_with("forward-")),
            "{device}: {threads:?}"
        );
        for (line, expected) in [
            ("CapPrm:", rights),
            ("CapEff:", rights),
            ("CapBnd:", AT_START),
            ("CapAmb:", "0000000000000000"),
            ("NoNewPrivs:", "1"),
            ("Seccomp:", "2"),
        ] {
            let found = each_thread(device, line);
            assert!(
                found.iter().all(|value| value == expected),
                "{device}: {line} {found:?} of {threads:?}"
            );
        }
    }
    lab.verify();
}
