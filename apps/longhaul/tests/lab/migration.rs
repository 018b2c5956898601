//! `migrate run`: a site leaves a provider's network for the SD-WAN and the provider, the circuit and the
//! gateway go, all while packets go between all hosts; and the way back.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::raised::{PROGRAM, code, longhaul, processes_of, told, turn};

const FROM: &str = "longhaul: 1
name: NAME
overlay: {asn: 65010, summaries: [10.0.0.0/8]}
regions:
  westeurope:
    hub: {address_space: 10.1.0.0/20}
    spokes: {spoke1: {address_space: 10.1.16.0/20, vms: 1}}
    route_server: {hold_time: 9s}
    express_route: true
networks:
  mpls: {asn: 64900, pes: {ams: {city: Amsterdam}}}
circuits:
  ams: {location: Amsterdam, customer: pe-ams.mpls, connections: [westeurope]}
sites:
  - name: paris
    city: Paris
    lans: [10.200.1.0/24]
    cpes: 0
    routers: {core: {asn: 65101, networks: [mpls]}}
";
const TO: &str = "longhaul: 1
name: NAME
overlay: {asn: 65010, summaries: [10.0.0.0/8]}
regions:
  westeurope:
    hub: {address_space: 10.1.0.0/20}
    spokes: {spoke1: {address_space: 10.1.16.0/20, vms: 1}}
    route_server: {hold_time: 9s}
sites:
  - name: paris
    city: Paris
    lans: [10.200.1.0/24]
    routers: {core: {asn: 65101}}
";
const HOST: &str = "host1.paris";

/// Both designs in files that go with the value.
struct Designs {
    name: &'static str,
    directory: PathBuf,
}

impl Designs {
    fn new(name: &'static str) -> Self {
        let directory = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory can be made");
        for (file, text) in [("from.yaml", FROM), ("to.yaml", TO)] {
            let text = text.replace("NAME", name);
            fs::write(directory.join(file), text).expect("a file can be written");
        }
        Self { name, directory }
    }

    /// `migrate run` with these options, running.
    fn run(&self, options: &[&str]) -> Child {
        let mut command = Command::new(PROGRAM);
        command
            .args(["migrate", "run", "--format", "json"])
            .args([self.file("from.yaml"), self.file("to.yaml")])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().expect("the program starts")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    #[track_caller]
    fn left_nothing(&self) {
        assert!(!Path::new("/run/longhaul").join(self.name).exists());
        assert_eq!(processes_of(self.name), [0; 0]);
    }
}

impl Drop for Designs {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.directory));
    }
}

/// The steps of a walk.
fn steps(walk: &Value) -> &[Value] {
    walk["steps"]
        .as_array()
        .map_or(&[], |steps| steps.as_slice())
}

fn title(step: &Value) -> &str {
    step["title"].as_str().unwrap_or_default()
}

#[test]
fn a_migration_is_walked_and_taken_back_while_packets_go_on() {
    let _turn = turn();
    let designs = Designs::new("migration");
    let output = designs.run(&["--back", "2"]).wait_with_output();
    let output = output.expect("it ends");
    assert_eq!(code(&output), 0, "{}", told(&output));
    let walk: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(walk["complete"], true, "{walk:#}");
    let (back, there): (Vec<&Value>, Vec<&Value>) =
        steps(&walk).iter().partition(|step| step["back"] == true);
    let titles: Vec<&str> = there.iter().map(|step| title(step)).collect();
    for expected in [
        "paris: install the CPE beside the router",
        "paris: move the traffic to the CPE",
        "paris: as in the second design",
        "remove circuit ams",
        "westeurope: remove the ExpressRoute gateway",
        "remove network mpls",
    ] {
        assert!(titles.contains(&expected), "{titles:?}");
    }
    let last: Vec<&str> = titles.iter().rev().take(2).copied().collect();
    let taken_back: Vec<&str> = back.iter().map(|step| title(step)).collect();
    assert_eq!(taken_back, last);
    for step in steps(&walk) {
        let number = |key: &str| step[key].as_u64().unwrap_or_default();
        assert_eq!(number("pairs"), 2, "{step:#}");
        assert_eq!(number("reached"), 2, "{step:#}");
        assert!(number("packets_sent") >= 10, "{step:#}");
        // Route Server's hold time is the longest that anything may take to be noticed.
        assert!(number("longest_gap_ms") < 9_000, "{step:#}");
    }
    designs.left_nothing();
}

#[test]
fn a_step_that_loses_a_pair_is_undone_and_ends_the_walk() {
    let _turn = turn();
    let designs = Designs::new("undone");
    let mut run = designs.run(&[]);
    let mut said = Vec::new();
    for line in BufReader::new(run.stderr.take().expect("piped")).lines() {
        let line = line.expect("UTF-8");
        let change = match &line {
            line if line.ends_with("paris: move the traffic to the CPE") => Some("fail"),
            line if line.ends_with("going back") => Some("heal"),
            _ => None,
        };
        if let Some(change) = change {
            let output = longhaul(&[change, HOST, "--lab", designs.name]);
            assert_eq!(code(&output), 0, "{}", told(&output));
        }
        said.push(line);
    }
    let mut text = String::new();
    let mut stdout = run.stdout.take().expect("piped");
    stdout.read_to_string(&mut text).expect("UTF-8");
    let status = run.wait().expect("it ends");
    assert_eq!(status.code(), Some(1), "{said:#?}");
    let whole = "the network is as it was before the step";
    assert!(said.iter().any(|line| line == whole), "{said:#?}");
    let walk: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(walk["complete"], false, "{walk:#}");
    let (last, before) = steps(&walk).split_last().expect("a step");
    assert_eq!(title(last), "paris: move the traffic to the CPE");
    assert_eq!(last["reached"], 0);
    assert!(last["undone"].is_string(), "{last:#}");
    assert!(
        before.iter().all(|step| step["undone"].is_null()),
        "{walk:#}"
    );
    designs.left_nothing();
}
