//! What our router learns from BIRD goes into its kernel, so that the machine forwards by it.

use std::process::Command;

use crate::meeting::{Far, Meeting, OUR_AS};
use crate::raised::until;

/// Both neighbours have it.
const SHARED: &str = "203.0.113.0/24";

#[test]
fn the_kernel_has_the_best_routes_for_as_long_as_the_router_runs() {
    let mut meeting = Meeting::new();
    let mut birds = [meeting.wire(1), meeting.wire(2)];
    for far in &mut birds {
        start_bird(far);
    }
    meeting.start(&file(
        &birds,
        "static_routes: [{prefix: 10.0.0.0/8}, {prefix: 192.0.2.0/24, next_hop: 10.98.2.2}]\n",
    ));
    until("flows share both neighbours", || {
        let said = routes(&meeting);
        let both = ["via 10.98.1.2 dev wire1", "via 10.98.2.2 dev wire2"];
        let shared = said.contains(SHARED) && both.iter().all(|hop| said.contains(hop));
        let fixed = said.contains("blackhole 10.0.0.0/8")
            && said.contains("192.0.2.0/24 via 10.98.2.2 dev wire2");
        if shared && fixed { Ok(()) } else { Err(said) }
    });
    assert_eq!(
        meeting.ask("/usr/sbin/sysctl", &["-n", "net.ipv4.ip_forward"]),
        "1\n"
    );

    birds[0].kill();
    until("the other neighbour has all flows", || {
        let said = routes(&meeting);
        let alone = said
            .lines()
            .any(|line| line.starts_with("203.0.113.0/24 via 10.98.2.2 dev wire2"));
        if alone { Ok(()) } else { Err(said) }
    });

    meeting.kill();
    assert!(routes(&meeting).contains("10.0.0.0/8"), "nobody cleared up");
    meeting.start(&file(&birds, ""));
    until("what the killed router left is gone", || {
        let said = routes(&meeting);
        let gone = !said.contains("10.0.0.0/8") && !said.contains("192.0.2.0/24");
        if gone && said.contains(SHARED) {
            Ok(())
        } else {
            Err(said)
        }
    });

    meeting.stop();
    assert_eq!(routes(&meeting), "");
}

#[test]
fn forwarding_goes_on_while_the_router_restarts() {
    let mut meeting = Meeting::new();
    let mut birds = [meeting.wire(1)];
    start_bird(&mut birds[0]);
    let text = file(&birds, "").replace(
        "import: accept",
        "graceful_restart: {restart_time: 6s, forwarding: true}, import: accept",
    );
    let restarts = ["--graceful-restart"];
    meeting.start_with(&text, &restarts);
    until("the route is there", || has(&meeting, SHARED));

    meeting.stop();
    has(&meeting, SHARED).expect("nobody took it away");
    let resumed = |meeting: &Meeting| meeting.said().matches("Resumed").count();
    let before = resumed(&meeting);
    meeting.start_with(&text, &restarts);
    until("the router tells its routes again", || {
        has(&meeting, SHARED).expect("forwarding goes on");
        let ready = resumed(&meeting) > before;
        ready.then_some(()).ok_or_else(|| meeting.said())
    });

    // A neighbour that does not come back leaves nothing for ever.
    meeting.stop();
    birds[0].kill();
    meeting.start_with(&text, &restarts);
    has(&meeting, SHARED).expect("the neighbour has time to tell its routes");
    until("what was not learned again is gone", || {
        lacks(&meeting, SHARED)
    });
}

#[test]
fn routes_that_the_kernel_dropped_with_a_link_come_back() {
    const FIXED: &str = "192.0.2.0/24 via 10.98.2.2 dev wire2";
    let mut meeting = Meeting::new();
    let mut birds = [meeting.wire(1)];
    start_bird(&mut birds[0]);
    meeting.start(&file(
        &birds,
        "static_routes: [{prefix: 192.0.2.0/24, next_hop: 10.98.2.2}]\n",
    ));
    until("the route is there", || has(&meeting, SHARED));
    ip(&meeting, "link set wire1 down");
    ip(&meeting, "link set wire1 up");
    until("the route is there again", || has(&meeting, SHARED));
    let said = meeting.said();
    assert!(!said.contains("Ended"), "the session stood: {said}");

    lacks(&meeting, FIXED).expect("its link is not there yet");
    let late = meeting.wire(2);
    until("an interface that comes late is used", || {
        has(&meeting, FIXED)
    });
    late.ask("/usr/sbin/ip", &["link", "set", "wire", "down"]);
    until("one without a carrier is not", || lacks(&meeting, FIXED));
}

#[test]
fn a_route_that_the_kernel_refused_is_written_when_it_takes_it() {
    const FIXED: &str = "192.0.2.0/24 via 10.98.1.77 dev wire1";
    let mut meeting = Meeting::new();
    let birds = [meeting.wire(1)];
    // No route may lead through an address of the machine itself.
    ip(&meeting, "route add local 10.98.1.77 dev lo table local");
    meeting.start(&file(
        &birds,
        "static_routes: [{prefix: 192.0.2.0/24, next_hop: 10.98.1.77}]\n",
    ));
    until("the kernel refuses", || {
        let said = meeting.said();
        said.contains("changing routes").then_some(()).ok_or(said)
    });
    ip(&meeting, "route del local 10.98.1.77 dev lo table local");
    until("the route is there", || has(&meeting, FIXED));
}

fn ip(meeting: &Meeting, words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    assert_eq!(meeting.ask("/usr/sbin/ip", &words), "", "ip {words:?}");
}

fn has(meeting: &Meeting, route: &str) -> Result<(), String> {
    let said = routes(meeting);
    let found = said.contains(route);
    found.then_some(()).ok_or(said)
}

fn lacks(meeting: &Meeting, route: &str) -> Result<(), String> {
    let said = routes(meeting);
    let missing = !said.contains(route);
    missing.then_some(()).ok_or(said)
}

fn routes(meeting: &Meeting) -> String {
    meeting.ask("/usr/sbin/ip", &["-4", "route", "show", "proto", "77"])
}

fn file(birds: &[Far], statics: &str) -> String {
    let neighbors: String = birds
        .iter()
        .map(|far| {
            format!(
                "  far{}: {{address: {}, local_address: {}, asn: {}, connect_retry: 1s, \
                 idle_hold: 200ms, import: accept, export: reject}}\n",
                far.number,
                far.address(),
                far.ours(),
                far.asn()
            )
        })
        .collect();
    format!("kernel: true\nmultipath: {{paths: 2}}\n{statics}neighbors:\n{neighbors}")
}

fn start_bird(far: &mut Far) {
    let config = format!(
        "log stderr all;\nrouter id {address};\nprotocol device {{}}\n\
         protocol static {{ ipv4; route {SHARED} blackhole; }}\n\
         protocol bgp ours {{\n  local {address} as {};\n  neighbor {} as {OUR_AS};\n  direct;\n  \
         graceful restart on;\n  connect retry time 1; connect delay time 1; error wait time 1, 2;\n  \
         ipv4 {{ import all; export all; }};\n}}\n",
        far.asn(),
        far.ours(),
        address = far.address(),
    );
    let config = far.write("bird.conf", &config);
    let mut command = Command::new("/usr/sbin/bird");
    command.arg("-f").arg("-c").arg(config);
    command.arg("-s").arg(far.directory.join("bird.sock"));
    command.arg("-P").arg(far.directory.join("bird.pid"));
    far.start(command);
}
