//! Voice at a site with MPLS and the internet, with real packets: the same scripts as in the simulator lead to the same
//! decisions at both ends.

#[path = "../../../../sim/tests/it/scenarios/steering/script.rs"]
mod script;

use std::thread;
use std::time::{Duration, Instant};

use crate::raised::Raised;
use script::{Moved, Network, run};

/// A lab and when it began.
struct Lab {
    lab: Raised,
    began: Instant,
}

impl Network for Lab {
    fn fail(&mut self, target: &str) {
        self.lab.fail(target);
    }

    fn heal(&mut self, target: &str) {
        self.lab.heal(target);
    }

    fn wait(&mut self, duration: Duration) {
        thread::sleep(duration);
    }

    fn now(&mut self) -> Duration {
        self.began.elapsed()
    }

    fn moves(&mut self) -> [Vec<Moved>; 2] {
        let ends = ["cpe1.paris", "nva1.westeurope"];
        [
            self.between(ends[0], ends[1]),
            self.between(ends[1], ends[0]),
        ]
    }
}

impl Lab {
    fn between(&self, device: &str, neighbor: &str) -> Vec<Moved> {
        let told = self.lab.json(&["show", "paths", device]);
        let now = self.began.elapsed();
        let names = |one: &serde_json::Value| {
            let names = one.as_array().cloned().unwrap_or_default();
            let names: Vec<&str> = names.iter().filter_map(|name| name.as_str()).collect();
            names.join("+")
        };
        let moves = told["moves"].as_array().cloned().unwrap_or_default();
        let moves = moves
            .iter()
            .filter(|one| one["neighbor"] == neighbor && one["class"] == "voice");
        let moves = moves.map(|one| {
            let ago = Duration::from_millis(one["ago_ms"].as_u64().expect("a time"));
            let cause = one["cause"].as_str().expect("a cause");
            Moved {
                at: now.saturating_sub(ago),
                what: format!("{} > {}: {cause}", names(&one["from"]), names(&one["to"])),
            }
        });
        moves.collect()
    }
}

#[test]
fn voice_moves_as_it_does_in_the_simulator() {
    let lab = Raised::example("steering", "11-mpls-integration.yaml");
    lab.expect(None);
    let mut lab = Lab {
        lab,
        began: Instant::now(),
    };
    for script in [
        include_str!("../../../../cases/steering/latency.txt"),
        include_str!("../../../../cases/steering/jitter.txt"),
        include_str!("../../../../cases/steering/asymmetric-loss.txt"),
        include_str!("../../../../cases/steering/black-out.txt"),
        include_str!("../../../../cases/steering/flapping.txt"),
    ] {
        run(&mut lab, script);
    }
}
