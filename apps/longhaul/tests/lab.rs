//! The lab as a user has it: the built program, real namespaces, processes and packets.
//!
//! These tests need root, or a machine that lets ordinary users have namespaces and TUN devices; on
//! any other they fail. They assert states and order with generous deadlines: how fast things are
//! is asserted in virtual time, in the simulator's tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_longhaul");
/// How long a network may take to follow a failure; Route Server's hold time is 9 s here.
const PATIENCE: Duration = Duration::from_secs(60);

/// One lab at a time: two cores are not enough for more.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn longhaul(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command.output().expect("the program starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn json(arguments: &[&str]) -> Value {
    let output = longhaul(arguments);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", told(&output)))
}

/// A running lab of the example design under another name; goes with the value.
struct Raised {
    name: String,
    file: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Raised {
    fn new(name: &str) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let file = design(name);
        let raised = Self {
            name: name.to_owned(),
            file,
            _turn: turn,
        };
        let output = longhaul(&["up", raised.path(), "--detach"]);
        assert_eq!(code(&output), 0, "{}", told(&output));
        raised
    }

    fn path(&self) -> &str {
        self.file.to_str().expect("the path is UTF-8")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut all = arguments.to_vec();
        all.extend(["--lab", &self.name]);
        longhaul(&all)
    }

    fn forwarding(&self) -> Value {
        json(&[
            "show",
            "forwarding",
            "--format",
            "json",
            "--lab",
            &self.name,
        ])
    }

    /// What the simulator says the network forwards, intact or after a failure.
    fn simulated(&self, failed: Option<&str>) -> Value {
        let step = failed.map(|target| format!("{target}@1s"));
        let mut arguments = vec![
            "show",
            "forwarding",
            "--format",
            "json",
            "--sim",
            self.path(),
        ];
        arguments.extend(step.iter().flat_map(|step| ["--fail", step.as_str()]));
        json(&arguments)
    }

    /// Waits until the lab forwards as the simulator says.
    fn expect(&self, failed: Option<&str>) {
        let expected = self.simulated(failed);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.forwarding();
            if found == expected {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "after {failed:?}:\n{}",
                differences(&expected, &found)
            );
            thread::sleep(Duration::from_millis(250));
        }
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        longhaul(&["down", "--lab", &self.name]);
    }
}

/// The example under another name, with a short hold time of Route Server.
fn design(name: &str) -> PathBuf {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/global.yaml");
    let text = fs::read_to_string(example).expect("the example is there");
    let text = text
        .replace("name: global", &format!("name: {name}"))
        .replace("route_server: true", "route_server: {hold_time: 9s}");
    let file = std::env::temp_dir().join(format!("{name}-{}.yaml", std::process::id()));
    fs::write(&file, text).expect("a file can be written");
    file
}

fn differences(expected: &Value, found: &Value) -> String {
    let lines = |value: &Value| -> Vec<String> {
        let devices = value["devices"].as_array().cloned().unwrap_or_default();
        let routes = devices.iter().flat_map(|device| {
            let name = device["device"].clone();
            let routes = device["routes"].as_array().cloned().unwrap_or_default();
            routes
                .into_iter()
                .map(move |route| format!("{name} {} {}", route["prefix"], route["next_hops"]))
        });
        routes.collect()
    };
    let (expected, found) = (lines(expected), lines(found));
    let missing = expected
        .iter()
        .filter(|line| !found.contains(line))
        .map(|line| format!("- {line}"));
    let extra = found
        .iter()
        .filter(|line| !expected.contains(line))
        .map(|line| format!("+ {line}"));
    missing.chain(extra).take(40).collect::<Vec<_>>().join("\n")
}

fn processes_of(name: &str) -> Vec<u32> {
    let directory = format!("/run/longhaul/{name}");
    fs::read_dir("/proc")
        .expect("there is /proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|process: &u32| {
            let working = fs::read_link(format!("/proc/{process}/cwd")).unwrap_or_default();
            working.starts_with(&directory)
        })
        .collect()
}

/// The daemon of a device.
fn process_of(name: &str, device: &str) -> u32 {
    let config = format!("config/{device}.yaml");
    let is_it = |process: &u32| {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&config)
    };
    processes_of(name)
        .into_iter()
        .find(is_it)
        .expect("the daemon runs")
}

fn kill(process: u32) {
    let killed = Command::new("kill")
        .args(["-9", &process.to_string()])
        .current_dir("/")
        .status();
    assert!(
        killed.is_ok_and(|status| status.success()),
        "process {process} is killed"
    );
}

#[test]
fn the_example_comes_up_is_verified_and_leaves_nothing() {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let file = design("once");
    let output = longhaul(&[
        "up",
        file.to_str().expect("UTF-8"),
        "--once",
        "--format",
        "json",
    ]);
    assert_eq!(code(&output), 0, "{}", told(&output));
    let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(status["verification"]["pairs"], 132);
    assert_eq!(
        status["verification"]["reached"], 132,
        "{}",
        status["verification"]
    );
    assert!(!Path::new("/run/longhaul/once").exists());
    assert_eq!(processes_of("once"), [0; 0]);
}

#[test]
fn simulation_and_lab_forward_alike_intact_and_after_each_failure() {
    let lab = Raised::new("agreement");
    lab.expect(None);
    for target in [
        "nva1.westeurope",
        "cpe1.paris",
        "cpe1.newyork",
        "underlay:london/mpls",
        "underlay:tokyo/internet",
        "rs0.westeurope",
    ] {
        let failed = lab.run(&["fail", target]);
        assert_eq!(code(&failed), 0, "{}", told(&failed));
        lab.expect(Some(target));
        let healed = lab.run(&["heal", target]);
        assert_eq!(code(&healed), 0, "{}", told(&healed));
        lab.expect(None);
    }
}

#[test]
fn what_a_killed_supervisor_leaves_is_cleared_by_the_next_up() {
    let lab = Raised::new("killed");
    let identity = fs::read_to_string("/run/longhaul/killed/supervisor.json").expect("it is noted");
    let identity: Value = serde_json::from_str(&identity).expect("JSON");
    kill(
        u32::try_from(identity["supervisor"].as_u64().expect("a number"))
            .expect("a process number"),
    );
    let deadline = Instant::now() + Duration::from_secs(10);
    while !processes_of("killed").is_empty() {
        assert!(Instant::now() < deadline, "its processes end with it");
        thread::sleep(Duration::from_millis(50));
    }
    let again = longhaul(&["up", lab.path(), "--once"]);
    assert_eq!(code(&again), 0, "{}", told(&again));
    assert!(!Path::new("/run/longhaul/killed").exists());
}

#[test]
fn a_killed_daemon_is_seen_and_healed() {
    let lab = Raised::new("daemons");
    let whole = lab.run(&["status"]);
    assert_eq!(code(&whole), 0, "{}", told(&whole));
    for target in ["cpe1.chicago", "nva2.eastus"] {
        let failed = lab.run(&["fail", target]);
        assert_eq!(code(&failed), 0, "{}", told(&failed));
        let status = lab.run(&["status", "--format", "json"]);
        assert_eq!(code(&status), 1);
        let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
        assert_eq!(
            status["totals"]["sessions"], 110,
            "what is expected stays the same"
        );
        lab.run(&["heal", target]);
    }
    lab.expect(None);
    let deadline = Instant::now() + PATIENCE;
    while code(&lab.run(&["status"])) != 0 {
        assert!(Instant::now() < deadline, "{}", told(&lab.run(&["status"])));
        thread::sleep(Duration::from_millis(250));
    }
}

/// What failures cost while a packet goes every 10 ms between all pairs of hosts. The table is
/// printed: `cargo test -p longhaul --test lab cost -- --nocapture`.
#[test]
fn failures_under_traffic_cost_little() {
    let lab = Raised::new("traffic");
    let running = lab::Lab::find(Some("traffic")).expect("it runs");
    let mut table = String::from("failure                          sent   lost  longest gap\n");
    let mut phase = |name: &str, fail: &dyn Fn(), heal: &dyn Fn()| {
        running
            .record(Duration::from_millis(10))
            .expect("recording begins");
        thread::sleep(Duration::from_millis(500));
        fail();
        thread::sleep(Duration::from_secs(3));
        let recording = running.stop_recording().expect("recording ends");
        heal();
        lab.expect(None);
        let (sent, lost) = recording.pairs.iter().fold((0, 0), |(sent, lost), pair| {
            (sent + pair.sent, lost + pair.lost)
        });
        let gap = recording.longest_gap();
        table.push_str(&format!("{name:<30} {sent:>7} {lost:>6}  {gap:?}\n"));
        assert!(
            gap < Duration::from_secs(5),
            "{name}: nothing for {gap:?}\n{table}"
        );
    };
    for target in ["path:nva1.westeurope>cpe1.paris", "underlay:london/mpls"] {
        let change = |verb: &str| assert_eq!(code(&lab.run(&[verb, target])), 0, "{verb} {target}");
        phase(target, &|| change("fail"), &|| change("heal"));
    }
    let killed = || kill(process_of("traffic", "nva1.westeurope"));
    phase("kill -9 of nva1.westeurope", &killed, &|| {
        assert_eq!(code(&lab.run(&["heal", "nva1.westeurope"])), 0);
    });
    println!("{table}");
}

/// Opens connections to a BGP port, sends half a message on each, and holds them for a while.
const FLOOD: &str = "
import socket, sys, time
held = []
for _ in range(int(sys.argv[2])):
    s = socket.socket()
    s.settimeout(2)
    try:
        s.connect((sys.argv[1], 179))
        s.send(b'\\xff' * 18)
        held.append(s)
    except OSError:
        pass
time.sleep(1)
";

#[test]
fn a_flood_of_connections_leaves_route_server_answering() {
    let lab = Raised::new("flood");
    let plan = lab::Lab::find(Some("flood"))
        .expect("it runs")
        .plan()
        .clone();
    let server = &plan.route_servers[0];
    let address = server.interface.address.to_string();
    let peer = &server.peers[0].name;
    let script = format!("ulimit -n 4096; exec python3 -c \"$0\" {address} 2000");
    let flooded = longhaul(&[
        "exec", "--lab", "flood", peer, "--", "bash", "-c", &script, FLOOD,
    ]);
    assert_eq!(code(&flooded), 0, "{}", told(&flooded));
    let sessions = lab.run(&["show", "sessions", &server.name]);
    assert_eq!(code(&sessions), 0, "{}", told(&sessions));
    assert_eq!(
        told(&sessions).matches("established").count(),
        server.peers.len()
    );
    let status = lab.run(&["status"]);
    assert_eq!(code(&status), 0, "{}", told(&status));
}

#[test]
fn a_command_runs_inside_a_device_and_its_exit_code_is_ours() {
    let lab = Raised::new("inside");
    let run = |script: &str| {
        longhaul(&[
            "exec",
            "--lab",
            &lab.name,
            "host1.paris",
            "--",
            "sh",
            "-c",
            script,
        ])
    };
    let output = run("cat /proc/net/dev");
    assert_eq!(code(&output), 0, "{}", told(&output));
    assert!(told(&output).contains("eth0"), "{}", told(&output));
    assert_eq!(code(&run("exit 7")), 7);
    let trace = lab.run(&[
        "trace",
        "host1.paris",
        "vm1.spoke1-eastus",
        "--flow",
        "tcp:51000:443",
    ]);
    assert_eq!(code(&trace), 0, "{}", told(&trace));
    assert!(told(&trace).contains("round trip"));
}
