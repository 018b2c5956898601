//! The global example: up, failures, crashes, floods, commands inside devices.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::raised::{
    PATIENCE, Raised, code, design, kill, longhaul, process_of, processes_of, told, turn,
};

#[test]
fn the_example_comes_up_is_verified_and_leaves_nothing() {
    let _turn = turn();
    let file = design("once", "global.yaml");
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
    let lab = Raised::example("killed", "02-route-server.yaml");
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
    let lab = Raised::example("flood", "02-route-server.yaml");
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
    let lab = Raised::example("inside", "02-route-server.yaml");
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
        "vm1.spoke1-westeurope",
        "--flow",
        "tcp:51000:443",
    ]);
    assert_eq!(code(&trace), 0, "{}", told(&trace));
    assert!(told(&trace).contains("round trip"));
}
