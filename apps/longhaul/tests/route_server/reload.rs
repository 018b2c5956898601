//! Another configuration while an instance runs.

use std::net::TcpListener;

use crate::nva::Nva;
use crate::server::{Server, Settings};

/// An instance and its two NVAs, all established. The listeners go on listening.
fn established(net: u8) -> (Server, Vec<Nva>, Vec<TcpListener>) {
    let settings = Settings::new(net);
    let listeners = Nva::listen(&settings);
    let mut server = Server::start(settings.clone());
    let peers = settings.peers.iter();
    let nvas: Vec<Nva> = listeners
        .iter()
        .zip(peers)
        .map(|(listener, (_, asn))| Nva::accept(listener, *asn))
        .collect();
    server.eventually("two sessions", |server| connected(server) == 2);
    (server, nvas, listeners)
}

fn connected(server: &Server) -> usize {
    let sessions = server.sessions();
    let connected = sessions
        .iter()
        .filter(|session| session["state"] == "Connected");
    connected.count()
}

fn announced(server: &Server, peer: &str) -> usize {
    let path = format!("/virtualHubs/rs.west/bgpConnections/{peer}/advertisedRoutes");
    let routes = server.call("POST", &path, "").json();
    routes["RouteServiceRole_IN_0"]
        .as_array()
        .map_or(0, Vec::len)
}

#[test]
fn a_reload_drops_no_session_that_did_not_change() {
    let (mut server, mut nvas, _listeners) = established(1);
    let mut next = server.settings.clone();
    next.announced.push("10.2.0.0/16");
    next.branch_to_branch = true;
    next.routes_per_peer = 1_000;
    next.peers[1].1 = 65_003;
    server.write(&next.text());
    server.signal("HUP");
    server.eventually("the new address space", |server| {
        announced(server, "nva100") == 2
    });
    // Cease: its AS is another one.
    assert_eq!(nvas[1].notified(), 6);
    assert!(nvas[0].stands(), "the first NVA noticed nothing");
    let sessions = server.sessions();
    let first = sessions.iter().find(|session| session["asn"] == 65_001);
    assert_eq!(first.expect("there")["state"], "Connected");
    let running = server.call("GET", "/virtualHubs/rs.west/configuration", "");
    assert!(
        running.body.contains("routes_per_peer: 1000"),
        "{}",
        running.body
    );
}

#[test]
fn a_bad_file_is_refused_with_its_lines_and_changes_nothing() {
    let (mut server, mut nvas, _listeners) = established(2);
    let good = server.settings.text();
    let before = server
        .call("GET", "/virtualHubs/rs.west/configuration", "")
        .body;
    let reload = |server: &Server| server.call("POST", "/virtualHubs/rs.west/reload", "");
    // Line 10 is the first peer: in one file a wrong value, in the other an AS that is reserved.
    server.write(&good.replace("asn: 65001", "asn: many"));
    let refused = reload(&server);
    assert_eq!(
        (refused.status, refused.error().as_str()),
        (400, "InvalidConfiguration")
    );
    assert!(refused.body.contains("line 10"), "{}", refused.body);
    let two = good
        .replace("asn: 65001", "asn: 65520")
        .replace("asn: 65515", "asn: 65000");
    server.write(&two);
    let refused = reload(&server);
    assert!(refused.body.contains("line 10"), "{}", refused.body);
    assert!(
        refused.body.contains("asn cannot change"),
        "{}",
        refused.body
    );
    server.write("nonsense");
    server.signal("HUP");
    server.eventually("a complaint", |server| {
        server.log().contains("what was in force stays")
    });
    let after = server
        .call("GET", "/virtualHubs/rs.west/configuration", "")
        .body;
    assert_eq!(before, after);
    assert!(nvas.iter_mut().all(Nva::stands));
}

#[test]
fn an_end_without_a_word_in_the_middle_of_reloads_leaves_nothing_half() {
    let (mut server, nvas, listeners) = established(3);
    drop(nvas);
    let mut other = server.settings.clone();
    other.branch_to_branch = true;
    other.announced.push("10.2.0.0/16");
    for round in 0..20 {
        let settings = if round % 2 == 0 {
            &other
        } else {
            &server.settings
        };
        server.write(&settings.text());
        server.signal("HUP");
    }
    server.kill();
    // The file is whole, and an instance that starts from it has what it says.
    let settings = server.settings.clone();
    let again = Server::start(settings);
    let hub = again.get("/virtualHubs/rs.west");
    assert_eq!(hub["properties"]["allowBranchToBranchTraffic"], false);
    let first = Nva::accept(&listeners[0], 65_001);
    drop((first, again));
}
