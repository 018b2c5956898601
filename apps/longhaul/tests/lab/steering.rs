//! Voice at a site with MPLS and the internet, with real packets: the same scripts as in the simulator lead to the same
//! decisions at both ends.

#[path = "../../../../sim/tests/it/scenarios/steering/script.rs"]
mod script;

use std::thread;
use std::time::{Duration, Instant};

use crate::raised::Raised;
use script::{Moved, Network, run};

/// A site of a lab, in the place of the one that scripts are about.
struct Site<'a> {
    lab: &'a Raised,
    began: Instant,
    name: &'static str,
}

impl Network for Site<'_> {
    fn fail(&mut self, target: &str) {
        self.lab.fail(&self.own(target));
    }

    fn heal(&mut self, target: &str) {
        self.lab.heal(&self.own(target));
    }

    fn wait(&mut self, duration: Duration) {
        thread::sleep(duration);
    }

    fn now(&mut self) -> Duration {
        self.began.elapsed()
    }

    fn moves(&mut self) -> [Vec<Moved>; 2] {
        let (site, hub) = (format!("cpe1.{}", self.name), "nva1.westeurope");
        [self.between(&site, hub), self.between(hub, &site)]
    }
}

impl Site<'_> {
    /// A target of a script at this site.
    fn own(&self, target: &str) -> String {
        target.replace("paris", self.name)
    }

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

/// The example, with a site like Paris for every script.
fn design(sites: &[&str]) -> String {
    let example = include_str!("../../../../examples/11-mpls-integration.yaml");
    let (head, _) = example.split_once("\nsites:\n").expect("a list of sites");
    let mut text = format!("{head}\nsites:\n");
    for (number, site) in sites.iter().enumerate() {
        let lan = format!("lans: [10.200.{number}.0/24], underlays: [mpls, internet]");
        text.push_str(&format!("  - {{name: {site}, city: Paris, {lan}}}\n"));
    }
    text
}

#[test]
fn voice_moves_as_it_does_in_the_simulator() {
    let scripts = [
        (
            "latency",
            include_str!("../../../../cases/steering/latency.txt"),
        ),
        (
            "jitter",
            include_str!("../../../../cases/steering/jitter.txt"),
        ),
        (
            "loss",
            include_str!("../../../../cases/steering/asymmetric-loss.txt"),
        ),
        (
            "cut",
            include_str!("../../../../cases/steering/black-out.txt"),
        ),
        (
            "flaps",
            include_str!("../../../../cases/steering/flapping.txt"),
        ),
    ];
    let sites = scripts.map(|(site, _)| site);
    let lab = Raised::of("steering", &design(&sites));
    lab.expect(None);
    let began = Instant::now();
    thread::scope(|scope| {
        for (name, script) in scripts {
            let mut site = Site {
                lab: &lab,
                began,
                name,
            };
            scope.spawn(move || run(&mut site, script));
        }
    });
}
