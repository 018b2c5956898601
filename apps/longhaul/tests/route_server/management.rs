//! Management over HTTP: resources, both instances, and clients that mean harm.

use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::{connect, raw, request, rest};
use crate::nva::Nva;
use crate::server::{Server, Settings, longhaul};

const HUB: &str = "/virtualHubs/rs.west";
/// The same resource as the platform addresses it.
const WHOLE: &str =
    "/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/virtualHubs/rs.west";

#[test]
fn peers_are_made_and_removed_while_the_instance_runs() {
    let server = Server::start(Settings::new(11));
    let peer = r#"{"properties":{"peerAsn":65009,"peerIp":"127.77.11.109"}}"#;
    let path = format!("{WHOLE}/bgpConnections/nva109?api-version=2024-10-01");
    let made = server.call("PUT", &path, peer);
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(
        made.json(),
        json!({
            "id": "/virtualHubs/rs.west/bgpConnections/nva109",
            "name": "nva109",
            "type": "Microsoft.Network/virtualHubs/bgpConnections",
            "properties": {
                "peerAsn": 65009,
                "peerIp": "127.77.11.109",
                "provisioningState": "Succeeded",
                "connectionState": made.json()["properties"]["connectionState"],
            },
        })
    );
    assert_eq!(
        server.call("PUT", &path, peer).status,
        200,
        "the same again"
    );
    assert_eq!(
        server.get(&format!("{HUB}/bgpConnections"))["value"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    assert_eq!(server.call("DELETE", &path, "").status, 200);
    assert_eq!(server.call("DELETE", &path, "").status, 204);
    for (body, code) in [
        (
            r#"{"properties":{"peerAsn":65515,"peerIp":"127.77.11.109"}}"#,
            "InvalidPeer",
        ),
        (
            r#"{"properties":{"peerAsn":65009,"peerIp":"127.77.11.100"}}"#,
            "InvalidPeer",
        ),
        (
            r#"{"properties":{"peerAsn":65009,"peerIp":"192.0.2.1"}}"#,
            "InvalidPeer",
        ),
        (r#"{"properties":{"peerAsn":-1}}"#, "InvalidRequestFormat"),
        ("{", "InvalidRequestFormat"),
    ] {
        let refused = server.call("PUT", &path, body);
        assert_eq!(
            (refused.status, refused.error().as_str()),
            (400, code),
            "{body}"
        );
    }
    let name = format!("{HUB}/bgpConnections/{}", "n".repeat(81));
    assert_eq!(
        server.call("PUT", &name, peer).error(),
        "InvalidResourceName"
    );
}

#[test]
fn a_peer_beyond_the_eighth_is_refused() {
    let server = Server::start(Settings::new(12));
    for last in 102..=108 {
        let body = format!(r#"{{"properties":{{"peerAsn":65001,"peerIp":"127.77.12.{last}"}}}}"#);
        let answer = server.call("PUT", &format!("{HUB}/bgpConnections/nva{last}"), &body);
        let expected = if last < 108 { 201 } else { 409 };
        assert_eq!(answer.status, expected, "{}", answer.body);
    }
}

#[test]
fn both_instances_answer_and_change_as_one() {
    let settings = Settings {
        twin: true,
        ..Settings::new(13)
    };
    let first = Server::start(settings.clone());
    let mut second = Server::start(Settings {
        instance: 1,
        ..settings
    });
    let routes = |server: &Server| {
        let path = format!("{HUB}/bgpConnections/nva100/learnedRoutes");
        server.call("POST", &path, "").json()
    };
    let both = json!({ "RouteServiceRole_IN_0": [], "RouteServiceRole_IN_1": [] });
    assert_eq!((routes(&first), routes(&second)), (both.clone(), both));
    let hub = first.get(HUB);
    assert_eq!(
        hub["properties"]["virtualRouterIps"],
        json!(["127.77.13.4", "127.77.13.5"])
    );
    let change =
        r#"{"properties":{"allowBranchToBranchTraffic":true,"hubRoutingPreference":"ASPath"}}"#;
    assert_eq!(first.call("PATCH", HUB, change).status, 200);
    for server in [&first, &second] {
        let running = server.call("GET", &format!("{HUB}/configuration"), "").body;
        assert!(running.contains("branch_to_branch: true"), "{running}");
        assert!(running.contains("routing_preference: as-path"), "{running}");
    }
    // One instance is maintained at a time.
    let out = |instance: u8| format!(r#"{{"instance":{instance},"active":true}}"#);
    let maintenance = format!("{HUB}/maintenance");
    assert_eq!(first.call("POST", &maintenance, &out(1)).status, 200);
    assert_eq!(
        first.call("POST", &maintenance, &out(0)).error(),
        "Conflict"
    );
    // Without the other instance a change is done here, and the answer says how to go on.
    second.kill();
    let change = r#"{"properties":{"allowBranchToBranchTraffic":false}}"#;
    let half = first.call("PATCH", HUB, change);
    assert_eq!(
        (half.status, half.error().as_str()),
        (502, "OtherInstanceUnreachable")
    );
    assert_eq!(routes(&first), json!({ "RouteServiceRole_IN_0": [] }));
    assert_eq!(
        first.call("POST", &maintenance, &out(1)).error(),
        "OtherInstanceUnreachable"
    );
}

#[test]
fn vnet_peerings_are_made_and_ended_while_the_instance_runs() {
    let server = Server::start(Settings::new(14));
    let path = "/virtualNetworks/hub-west/virtualNetworkPeerings";
    let spoke = r#"{"properties":{"remoteAddressSpace":{"addressPrefixes":["10.9.0.0/16"]},"allowGatewayTransit":true}}"#;
    let made = server.call("PUT", &format!("{path}/spoke9"), spoke);
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.json()["properties"]["peeringState"], "Connected");
    let names = server.get(path)["value"].as_array().map(|all| {
        let names = all
            .iter()
            .map(|one| one["name"].as_str().expect("a name").to_owned());
        names.collect::<Vec<_>>()
    });
    assert_eq!(
        names,
        Some(vec!["10.1.0.0-16".to_owned(), "spoke9".to_owned()])
    );
    let running = server.call("GET", &format!("{HUB}/configuration"), "").body;
    assert!(running.contains("10.9.0.0/16"), "{running}");
    let overlap = spoke.replace("10.9", "10.1");
    let refused = server.call("PUT", &format!("{path}/spoke8"), &overlap);
    assert_eq!(
        (refused.status, refused.error().as_str()),
        (400, "VnetAddressSpacesOverlap")
    );
    assert_eq!(
        server.call("DELETE", &format!("{path}/spoke9"), "").status,
        200
    );
    assert_eq!(
        server.call("DELETE", &format!("{path}/spoke9"), "").status,
        204
    );
}

#[test]
fn what_is_not_there_is_said_in_the_platforms_words() {
    let server = Server::start(Settings::new(15));
    for (method, path, status, code) in [
        ("GET", "/", 404, "ResourceNotFound"),
        ("GET", "/virtualHubs/other", 404, "ResourceNotFound"),
        (
            "GET",
            "/virtualHubs/rs.west/bgpConnections/nobody",
            404,
            "ResourceNotFound",
        ),
        (
            "POST",
            "/virtualHubs/rs.west/bgpConnections/nobody/learnedRoutes",
            404,
            "ResourceNotFound",
        ),
        (
            "GET",
            "/virtualHubs/rs.west/bgpConnections/nva100/learnedRoutes",
            405,
            "MethodNotAllowed",
        ),
        ("DELETE", "/virtualHubs/rs.west", 405, "MethodNotAllowed"),
        (
            "POST",
            "/networkInterfaces/vm1/effectiveRouteTable",
            502,
            "FabricUnreachable",
        ),
    ] {
        let answer = server.call(method, path, "");
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (status, code),
            "{method} {path}"
        );
    }
    let control = server.control();
    let control = control.to_str().expect("UTF-8");
    longhaul(
        &[
            "show",
            "learned-routes",
            "rs0.west",
            "nobody",
            "--control",
            control,
        ],
        2,
    );
    let table = longhaul(&["show", "peerings", "--control", control], 0);
    assert_eq!(
        table,
        "Name    PeerAsn    PeerIp         ProvisioningState\n\
         ------  ---------  -------------  -------------------\n\
         nva100  65001      127.77.15.100  Succeeded\n\
         nva101  65002      127.77.15.101  Succeeded\n"
    );
}

#[test]
fn clients_that_mean_harm_delay_neither_bgp_nor_other_clients() {
    let mut settings = Settings::new(16);
    settings.branch_to_branch = true;
    let listeners = Nva::listen(&settings);
    let server = Server::start(settings);
    let mut first = Nva::accept(&listeners[0], 65_001);
    let mut second = Nva::accept(&listeners[1], 65_002);
    let at = server.http();
    // Heads and bodies that never end, on half of the places that there are.
    let mut slow: Vec<_> = (0..16).map(|_| connect(&at)).collect();
    for (index, stream) in slow.iter_mut().enumerate() {
        let start: &[u8] = match index % 2 {
            0 => b"GET /metrics HTTP/1.1\r\nHost: a\r\nX",
            _ => b"PUT /virtualHubs/rs.west HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{",
        };
        stream.write_all(start).expect("sent");
    }
    let mut worst = Duration::ZERO;
    for round in 0..50 {
        let start = Instant::now();
        first.announce([172, 20, round]);
        second.told([172, 20, round]);
        worst = worst.max(start.elapsed());
        assert_eq!(request(&at, "GET", "/metrics", "").status, 200);
    }
    // A loaded machine is slow; ten seconds are what the slow clients would cost.
    assert!(worst < Duration::from_secs(3), "{worst:?}");
    let huge = format!(
        "PUT {HUB} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{}",
        "x".repeat(100_000)
    );
    assert_eq!(raw(&at, huge.as_bytes()).status, 413);
    let chunked = format!(
        "PUT {HUB} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        "fff\r\n".to_owned() + &"y".repeat(4095) + "\r\n"
    );
    assert_ne!(raw(&at, chunked.as_bytes()).status, 200);
    for nonsense in [
        &b"\x16\x03\x01\x02\0\x01\0"[..],
        b"GET\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        assert_ne!(raw(&at, nonsense).status, 200);
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(1 << 20));
    assert_ne!(raw(&at, long.as_bytes()).status, 200);
    let fields = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(10_000));
    assert_ne!(raw(&at, fields.as_bytes()).status, 200);
    // Requests that come before the answers are answered in their order.
    let mut many = connect(&at);
    let one = b"GET /virtualHubs HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    many.write_all(one).expect("sent");
    let said = rest(&mut many);
    let statuses: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("HTTP/1.1 "))
        .collect();
    assert_eq!(statuses.len(), 2, "{said}");
    assert!(first.stands() && second.stands());
}

#[test]
fn metrics_have_the_platforms_names_and_a_form_that_prometheus_reads() {
    let settings = Settings::new(17);
    let listeners = Nva::listen(&settings);
    let mut server = Server::start(settings);
    let mut nva = Nva::accept(&listeners[0], 65_001);
    nva.announce([172, 20, 1]);
    server.eventually("a learned route", |server| {
        let text = server.call("GET", "/metrics", "").body;
        text.contains("countofrouteslearnedfrompeer_maximum_count{bgppeerip=\"127.77.17.100\",bgppeertype=\"NVA\",routeserviceinstance=\"RouteServiceRole_IN_0\"} 1.0")
    });
    let text = server.call("GET", "/metrics", "").body;
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut declared = Vec::new();
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let name = rest.split(' ').next().expect("a name").to_owned();
            assert!(!declared.contains(&name), "{name} twice");
            declared.push(name);
        } else if !line.starts_with('#') {
            let name: String = line
                .chars()
                .take_while(|c| !matches!(c, '{' | ' '))
                .collect();
            let family = declared.last().expect("a type comes first");
            assert_eq!(
                name.strip_suffix("_total").unwrap_or(&name),
                family,
                "{line}"
            );
            let value = line.rsplit(' ').next().expect("a value");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    for metric in [
        "azure_microsoft_network_virtualhubs_bgppeerstatus_maximum_count",
        "azure_microsoft_network_virtualhubs_countofroutesadvertisedtopeer_maximum_count",
        "longhaul_bgp_session_prefixes_max",
        "longhaul_route_server_prefixes_max",
        "process_resident_memory_bytes",
    ] {
        assert!(declared.iter().any(|name| name == metric), "{metric}");
    }
}
