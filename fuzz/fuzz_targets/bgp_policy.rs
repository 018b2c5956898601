//! Any text as policies: read, printed, read again, compiled and evaluated without a panic.
#![no_main]

use std::net::Ipv4Addr;

use bgp::Neighbor;
use bgp::policy::{Program, Side, Surroundings, Use};
use inet::Asn;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (program, faults) = Program::parse(text);
    for fault in &faults {
        assert!(fault.span.start <= fault.span.end);
    }
    if faults.iter().all(|fault| fault.warning) {
        let (again, _) = Program::parse(&program.to_string());
        assert_eq!(again, program, "printing loses something");
    }
    let ours = Ipv4Addr::new(192, 0, 2, 1);
    let neighbor = Neighbor::new("a", ours, Ipv4Addr::new(192, 0, 2, 2), Asn(65_001));
    let surroundings = Surroundings {
        local_as: Asn(65_000),
        neighbors: &["a"],
    };
    for name in program.policies() {
        for side in [Side::Import, Side::Export] {
            let place = Use {
                side,
                neighbor: &neighbor,
            };
            let _ = program.policy(name, place, surroundings);
        }
    }
});
