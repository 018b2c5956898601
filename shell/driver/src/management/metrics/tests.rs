//! The alert rules of the documents ask for metrics that the daemons have.

use std::collections::BTreeSet;
use std::net::IpAddr;

use view::{
    BudgetMeasures, BudgetUse, Counter, CustomerMeasures, DeviceKind, DeviceStatus,
    ExpressRouteMeasures, Measures, RouteServerMeasures, SessionMeasures,
};

use super::{ProcessNumbers, text};

const RULES: &str = include_str!("../../../../../docs/alerts/longhaul.rules.yaml");
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(172, 29, 0, 1));

fn measures(kind: DeviceKind) -> Measures {
    let session = SessionMeasures {
        neighbor: "core.paris".to_owned(),
        address: PEER,
        remote_as: 65_050,
        established: true,
        since_ms: 1000,
        received: 7,
        accepted: 7,
        advertised: 9,
        prefixes_max: Some(4000),
        established_count: 1,
        updates_in: 1,
        updates_out: 1,
        messages_in: 1,
        messages_out: 1,
        faults: 0,
    };
    Measures {
        status: DeviceStatus::silent("a", kind),
        prefixes: 3,
        sessions: vec![session],
        tunnels: Vec::new(),
        route_server: None,
        express_route: None,
        budget: None,
        counters: Vec::new(),
    }
}

fn route_server() -> String {
    let server = RouteServerMeasures {
        instance: 0,
        peers_max: 8,
        programmed: 1,
        prefixes: 1,
        prefixes_max: Some(10_000),
        serving: true,
        units: 2,
        programming: None,
    };
    let measures = Measures {
        route_server: Some(server),
        ..measures(DeviceKind::RouteServer)
    };
    text(&measures, Some(40.0), &ProcessNumbers::read())
}

fn gateway() -> String {
    let gateway = ExpressRouteMeasures::Gateway {
        instance: 1,
        routes_changed: 5,
        sessions_shed: 0,
        learned: 7,
        learned_max: 4000,
        announced_max: 1000,
        serving: true,
    };
    let measures = Measures {
        express_route: Some(gateway),
        ..measures(DeviceKind::Gateway)
    };
    text(&measures, None, &ProcessNumbers::read())
}

fn msee() -> String {
    let customer = CustomerMeasures {
        address: PEER,
        peering: "Private".to_owned(),
    };
    let msee = ExpressRouteMeasures::Msee {
        circuit: "ams".to_owned(),
        primary: true,
        customers: vec![customer],
        serving: true,
    };
    let measures = Measures {
        express_route: Some(msee),
        ..measures(DeviceKind::Msee)
    };
    text(&measures, None, &ProcessNumbers::read())
}

fn nva() -> String {
    let used = |attachment: &str, wanted, told, limit| BudgetUse {
        attachment: attachment.to_owned(),
        wanted,
        told,
        limit,
        level: "over".to_owned(),
    };
    let budget = BudgetMeasures {
        attachments: vec![
            used("route-server", 3300, 3200, 3200),
            used("express-route", 950, 900, 900),
        ],
        aggregates: 2,
        vnets_only: 46,
        left_out: 98,
    };
    let counter = |group: &str, name: &str, value| Counter {
        device: "nva1.westeurope".to_owned(),
        group: group.to_owned(),
        name: name.to_owned(),
        value,
    };
    let measures = Measures {
        budget: Some(budget),
        counters: vec![
            counter("packets", "relayed", 7),
            counter("drops", "source-not-allowed", 3),
            counter("tunnels", "replayed-packet", 2),
        ],
        ..measures(DeviceKind::Nva)
    };
    text(&measures, None, &ProcessNumbers::read())
}

#[test]
fn an_nva_tells_how_far_its_route_budget_is_used() {
    let page = nva();
    for line in [
        "longhaul_nva_routes_wanted{attachment=\"express-route\"} 950.0",
        "longhaul_nva_routes_advertised{attachment=\"express-route\"} 900.0",
        "longhaul_nva_routes_advertised_max{attachment=\"route-server\"} 3200.0",
        "longhaul_nva_routes_aggregates{} 2.0",
        "longhaul_nva_routes_vnets_only{} 46.0",
        "longhaul_nva_routes_left_out{} 98.0",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[test]
fn a_node_tells_what_passed_and_why_packets_were_dropped() {
    let page = nva();
    for line in [
        "longhaul_node_packets_total{reason=\"relayed\"} 7",
        "longhaul_node_drops_total{reason=\"source-not-allowed\"} 3",
        "longhaul_node_tunnel_messages_total{reason=\"replayed-packet\"} 2",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[test]
fn azure_3_9_a_gateways_metrics_have_the_platforms_names() {
    let page = gateway();
    for line in [
        "azure_microsoft_network_virtualnetworkgateways_expressroutegatewaycountofroutesadvertisedtopeer_maximum_count\
         {roleinstance=\"GatewayTenantWorker_IN_1\",bgppeeraddress=\"172.29.0.1\"} 9.0",
        "azure_microsoft_network_virtualnetworkgateways_expressroutegatewaycountofrouteslearnedfrompeer_maximum_count\
         {roleinstance=\"GatewayTenantWorker_IN_1\",bgppeeraddress=\"172.29.0.1\"} 7.0",
        "azure_microsoft_network_virtualnetworkgateways_expressroutegatewayfrequencyofrouteschanged_total 5",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[test]
fn azure_3_9_an_msee_tells_whether_the_customers_session_stands() {
    let page = msee();
    let line = "azure_microsoft_network_expressroutecircuits_bgpavailability_average_percent\
                {circuit=\"ams\",peeringtype=\"Private\",peer=\"Primary\"} 100.0";
    assert!(page.contains(line), "{page}");
}

#[test]
fn every_metric_of_the_alert_rules_is_one_that_a_daemon_has() {
    let pages = [route_server(), gateway(), msee(), nva()].concat();
    let known: BTreeSet<&str> = pages
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let words = RULES.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let asked: BTreeSet<&str> = words
        .filter(|word| word.starts_with("azure_") || word.starts_with("longhaul_"))
        .collect();
    assert!(asked.len() > 5, "{asked:?}");
    let unknown: Vec<_> = asked.difference(&known).collect();
    assert!(unknown.is_empty(), "no daemon has {unknown:?}");
}
