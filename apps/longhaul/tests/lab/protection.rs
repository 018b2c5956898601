//! Classes that are protected against what underlays lose, with real packets.

use std::thread;
use std::time::Duration;

use crate::raised::Raised;

const VM: &str = "vm1.spoke1-westeurope";
/// Types of service of the example's classes.
const VOICE: &str = "0xb8";
const ALARMS: &str = "0xa0";

/// Sends echo requests, one every 10 ms, and gives how many were not answered.
fn lost(lab: &Raised, host: &str, tos: &str, count: u32) -> u32 {
    let address = lab.address(VM);
    let command = format!("ping -q -Q {tos} -i 0.01 -c {count} -W 1 {address} || true");
    let told = lab.inside(host, &["sh", "-c", &command]);
    let received = told
        .split(", ")
        .find_map(|part| part.strip_suffix(" received"));
    let received: u32 = received
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{told}"));
    count - received
}

fn counter(lab: &Raised, device: &str, name: &str) -> u64 {
    let answer = lab.json(&["show", "counters", device]);
    let counters = answer["counters"].as_array().cloned().unwrap_or_default();
    let mut of_protection = counters.iter().filter(|one| one["group"] == "protection");
    let counter = of_protection.find(|one| one["name"] == name);
    counter.and_then(|one| one["value"].as_u64()).unwrap_or(0)
}

#[test]
fn voice_over_a_path_that_loses_and_alarms_over_two_paths_arrive() {
    let lab = Raised::example("protection", "17-lossy-underlays.yaml");
    // What is of no class shows what the path does: five percent each way.
    let bare = lost(&lab, "host1.paris", "0", 1_000);
    assert!((50..160).contains(&bare), "{bare} of 1,000");
    // A voice is protected after the first report; both ways together still lose less than one percent.
    lost(&lab, "host1.paris", VOICE, 200);
    let voice = lost(&lab, "host1.paris", VOICE, 2_000);
    assert!(voice <= 20, "{voice} of 2,000");
    assert!(counter(&lab, "cpe1.paris", "recovered") > 20);
    assert!(counter(&lab, "cpe1.paris", "parity") > 100);
    // Without loss there is no parity.
    lost(&lab, "host1.london", VOICE, 500);
    assert_eq!(counter(&lab, "cpe1.london", "parity"), 0);
    let alarms = thread::scope(|scope| {
        let alarms = scope.spawn(|| lost(&lab, "host1.london", ALARMS, 1_000));
        thread::sleep(Duration::from_secs(4));
        lab.fail("underlay:london/internet");
        alarms.join().expect("the echoes end")
    });
    assert_eq!(alarms, 0, "a dark underlay costs no alarm");
    assert!(counter(&lab, "cpe1.london", "duplicates") > 100);
}
