//! docs/rules.md: the facts of the field with the rule that looks for each, or with the test of the
//! model that behaves so. The tables are written from here; `UPDATE=1` rewrites the page.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read and rewrite committed files"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What holds a fact.
enum Held {
    /// Rules, tested by their own passing and failing designs.
    By(&'static [&'static str]),
    /// The model of the platform, or a tool: a file and a test in it.
    In(&'static str, &'static str),
    /// Both.
    Both(&'static [&'static str], &'static str, &'static str),
}

use Held::{Both, By, In};

const SERVER: &str = "core/azure/src/route_server/tests.rs";
const SERVER_GATEWAYS: &str = "core/azure/src/route_server/tests/gateways.rs";
const MAPS: &str = "core/azure/src/route_server/tests/maps.rs";
const EFFECTIVE: &str = "core/azure/src/fabric/tests/effective.rs";
const PROGRAM: &str = "core/azure/src/fabric/tests/program.rs";
const FORWARDERS: &str = "core/azure/src/fabric/tests/forwarders.rs";
const BRANCHES: &str = "core/azure/src/express_route/tests/branch_to_branch.rs";
const GATEWAYS: &str = "core/azure/src/express_route/tests/gateways.rs";
const MSEES: &str = "core/azure/src/express_route/tests/msees.rs";
const LIMITS: &str = "core/azure/src/express_route/tests/limits.rs";
const PREFERENCE: &str = "core/azure/src/express_route/tests/preference.rs";
const MIGRATE: &str = "core/migrate/src/between/tests.rs";
const METRICS: &str = "shell/driver/src/management/metrics/tests.rs";

/// The 43 facts of the field, in the order of the fact sheet.
#[rustfmt::skip]
const FIELD: [(&str, Held); 43] = [
    ("RouteServerSubnet by this name, /26 or larger; one Route Server in a VNet", By(&["subnet-name", "subnet-size"])),
    ("no security group, route table or service-endpoint policy on it", By(&["route-server-subnet", "service-endpoint-policy"])),
    ("a public address, SKU Standard, static", By(&["route-server-public-ip"])),
    ("8 BGP peers", Both(&["route-server-peers"], SERVER, "a_ninth_peer_and_a_second_one_with_the_same_address_are_refused")),
    ("each NVA peers with both instances and tells both the same", By(&["one-route-server-instance"])),
    ("4,000 routes of a peer, held and incoming", Both(&["routes-per-peer"], SERVER, "routes_announced_again_count_twice_and_end_the_session")),
    ("10,000 routes in all", Both(&["routes-total"], SERVER, "azure_9_at_the_limit_of_all_prefixes_new_ones_are_refused")),
    ("1,000 routes towards a circuit", Both(&["routes-to-express-route"], LIMITS, "azure_1_4_a_thousand_and_one_routes_towards_expressroute_drop_the_circuit_session")),
    ("4,000 or 10,000 routes from on-premises, 200 on Microsoft peering", Both(&["routes-from-on-premises"], LIMITS, "azure_3_1_a_customer_over_the_limit_of_private_peering_loses_the_session")),
    ("AS numbers of NVAs: 16 bits, none that is reserved", Both(&["reserved-asn"], SERVER, "reserved_numbers_the_own_one_and_those_over_16_bits_are_refused")),
    ("paths with 65515 are discarded", Both(&["as-path-65515"], SERVER, "a_path_that_crossed_another_route_server_is_discarded_unless_the_nva_replaces_65515")),
    ("among NVAs the AS path decides, equal ones share", In(SERVER, "the_shortest_as_path_wins_alone")),
    ("the three routing preferences", In(PREFERENCE, "azure_1_10_each_preference_with_equal_prefixes")),
    ("keepalive 60 s, hold time 180 s", In(SERVER, "the_smaller_hold_time_is_used")),
    ("what equals or lies inside VNet space is not programmed", Both(&["announcement-not-programmed", "overlapping-address-space"], SERVER, "vnet_space_is_learned_and_never_programmed_but_supernets_are")),
    ("system routes beat BGP even if less specific", Both(&["announcement-not-programmed"], EFFECTIVE, "route_server_never_wins_over_vnet_space_but_a_user_route_does")),
    ("a default route of NVAs comes back to them", Both(&["default-route-loop"], EFFECTIVE, "an_nvas_own_nic_is_programmed_with_itself_as_next_hop")),
    ("VPN gateways do not announce a default route", By(&["vpn-default-route"])),
    ("user routes of GatewaySubnet spare RouteServerSubnet", Both(&["gateway-subnet-route"], FORWARDERS, "azure_2_4_a_user_route_over_routeserversubnet_takes_the_gateways_own_packets_to_the_nva")),
    ("hub to hub without encapsulation loops", By(&["hub-to-hub-plain"])),
    ("NO_ADVERTISE goes to VNets only", Both(&["no-advertise"], SERVER, "no_advertise_is_programmed_and_given_to_nobody")),
    ("two Route Servers on one circuit do not exchange routes of NVAs", Both(&["reserved-community", "circuit-loop"], BRANCHES, "azure_1_9_two_route_servers_on_one_circuit_do_not_exchange_nva_routes")),
    ("prepends are not seen on-premises", Both(&["prepend-invisible"], MSEES, "azure_3_3_prepends_of_private_ases_count_at_the_msee_and_are_not_seen_on_premises")),
    ("several circuits beside a Route Server do not share", Both(&["express-route-ecmp"], GATEWAYS, "azure_1_9_a_route_server_removes_multipath_over_circuits")),
    ("Route Server beside a gateway comes and goes with an outage: a step of a migration of its own", In(MIGRATE, "azure_comes_first_then_site_after_site_then_what_nobody_needs")),
    ("spokes use the hub's gateways and the hub allows it; no spoke of Virtual WAN", By(&["spoke-peering"])),
    ("keeping BGP routes out keeps out all of them", Both(&["propagation-off"], EFFECTIVE, "disabled_propagation_removes_route_server_routes_too")),
    ("no IPv6 beside a Route Server", By(&["ipv6-with-route-server"])),
    ("1,400 octets over ExpressRoute", Both(&["tunnel-mtu"], FORWARDERS, "azure_3_1_packets_above_1400_bytes_end_at_the_gateway_and_pass_around_it")),
    ("capacity of gateways", By(&["gateway-capacity", "routes-from-on-premises", "gateway-circuits"])),
    ("VMs of a Route Server by its units", Both(&["vms-per-route-server"], PROGRAM, "azure_1_4_vms_beyond_the_limit_are_not_programmed")),
    ("VPN gateway: active-active, AS 65515", By(&["vpn-gateway"])),
    ("a new peering asks all NVAs for their routes", Both(&["route-refresh"], SERVER, "azure_1_12_an_nva_without_route_refresh_is_reset_when_a_spoke_is_peered")),
    ("maintenance takes one instance unannounced", Both(&["one-route-server-instance"], SERVER, "azure_1_1_maintenance_drops_the_sessions_of_one_instance_without_notice")),
    ("the next hop may be a load balancer", In(SERVER, "a_third_party_next_hop_is_kept")),
    ("route maps", Both(&["route-map"], MAPS, "azure_1_11_a_replaced_prefix_has_neither_as_path_nor_communities")),
    ("1,000 routes in a route table", By(&["routes-per-table"])),
    ("ECMP gives no symmetry", Both(&["stateful-nva"], EFFECTIVE, "about_half_of_the_replies_return_through_the_other_nva")),
    ("hot and cold potato", In("core/azure/src/fabric/tests/network.rs", "public_addresses_are_translated_one_to_one_and_ride_the_backbone")),
    ("metrics, of five minutes or coarser", In(METRICS, "azure_3_9_a_gateways_metrics_have_the_platforms_names")),
    ("NVAs have routes of their own to Route Server, eBGP multihop", By(&["nva-bgp-reach"])),
    ("forwarding on both sides, one traffic interface, the tunnel port open", By(&["ip-forwarding", "nva-subnet-nsg"])),
    ("tunnels in UDP or TCP, no load balancer before them", By(&["tunnel-transport"])),
];

/// The gotchas and limits of the platform that the first table does not have.
#[rustfmt::skip]
const PLATFORM: [(&str, Held); 21] = [
    ("a default route leaks to on-premises networks", Both(&["default-to-on-premises"], BRANCHES, "azure_1_9_a_default_route_of_an_nva_leaks_to_the_customer")),
    ("traffic stays on the backup after ExpressRoute is back", In(SERVER_GATEWAYS, "azure_1_10_failback_sticks_to_the_backup_unless_it_was_prepended")),
    ("a PUT without routing configuration takes a route map away", In(MAPS, "azure_1_11_a_put_without_routing_configuration_wipes_the_map")),
    ("a next hop beyond the peered VNets is a black hole", Both(&["user-route-next-hop"], EFFECTIVE, "a_next_hop_outside_directly_peered_vnets_is_a_black_hole_shown_as_none")),
    ("site prefixes leak over ExpressRoute where it is the underlay", By(&["branch-to-branch-underlay"])),
    ("traffic bypasses the tunnels where the edge does not filter", By(&["underlay-bypass"])),
    ("addresses that VNets cannot have", By(&["forbidden-range"])),
    ("rules of a security group", By(&["nsg-rules"])),
    ("peerings, VNets, subnets, tables and groups", By(&["vnet-limits"])),
    ("links of a circuit", By(&["circuit-links"])),
    ("circuits of a gateway, and of one peering location", Both(&["gateway-circuits"], LIMITS, "azure_3_2_a_gateway_takes_as_many_circuits_as_its_sku_allows")),
    ("FastPath by SKU", By(&["fast-path"])),
    ("the shortest timers of MSEEs", Both(&["msee-timers"], MSEES, "azure_3_1_a_hold_time_below_the_floor_is_unacceptable")),
    ("AS numbers at circuits", Both(&["circuit-asn"], MSEES, "azure_3_1_customers_cannot_have_the_platforms_ases")),
    ("Microsoft peering: route filter, public prefixes", By(&["microsoft-peering"])),
    ("what a circuit's SKU reaches", By(&["circuit-reach"])),
    ("budgets of routes below the platform's limits", By(&["route-budget"])),
    ("jumbo frames end where the narrowest part does", By(&["underlay-mtu"])),
    ("a cut between two regions is not relayed around", By(&["hub-relay"])),
    ("one address for one device", By(&["duplicate-address"])),
    ("a home region for each site, within reach", By(&["site-without-region", "unreachable-region"])),
];

fn path(name: &str) -> String {
    format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"))
}

fn cell(held: &Held) -> (String, String) {
    let ids = |ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
        ids.join(", ")
    };
    let designs = "its passing and failing design";
    match held {
        By(rules) => (ids(rules), designs.to_owned()),
        In(file, test) => ("the model".to_owned(), format!("`{file}`: `{test}`")),
        Both(rules, file, test) => (ids(rules), format!("{designs}; `{file}`: `{test}`")),
    }
}

fn tables() -> String {
    let mut text = String::from("\n| | fact | rule | test |\n|---|---|---|---|\n");
    for (number, (fact, held)) in (1..).zip(&FIELD) {
        let (rule, test) = cell(held);
        writeln!(text, "| {number} | {fact} | {rule} | {test} |").expect("a string");
    }
    text.push_str("\nWhat else the platform has of limits and traps:\n\n| fact | rule | test |\n|---|---|---|\n");
    for (fact, held) in &PLATFORM {
        let (rule, test) = cell(held);
        writeln!(text, "| {fact} | {rule} | {test} |").expect("a string");
    }
    text.push_str("\n## All rules\n\n| rule | severity | finds | source |\n|---|---|---|---|\n");
    for rule in design::rules() {
        let severity = format!("{:?}", rule.severity).to_lowercase();
        let (id, says, source) = (rule.id, rule.says, rule.source);
        writeln!(
            text,
            "| `{id}` | {severity} | {says} | [{}]({}) |",
            source.dated, source.document
        )
        .expect("a string");
    }
    text
}

/// What stands before the tables of the page.
const MARK: &str = "<!-- written by core/design/tests/it/rules_page.rs -->\n";

#[test]
fn the_page_of_rules_has_every_fact_with_its_rule_and_test() {
    let file = path("docs/rules.md");
    let page = std::fs::read_to_string(&file).expect("the page");
    let (before, _) = page.split_once(MARK).expect("the page has a mark");
    let now = format!("{before}{MARK}{}", tables());
    if std::env::var("UPDATE").is_ok() {
        std::fs::write(&file, &now).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&file).expect("the page");
    assert!(committed == now, "{file} has drifted: run with UPDATE=1");
}

#[test]
fn what_the_page_names_is_there() {
    let known: BTreeSet<&str> = design::rules().iter().map(|rule| rule.id).collect();
    let mut named = BTreeSet::new();
    for (fact, held) in FIELD.iter().chain(&PLATFORM) {
        let (rules, test) = match held {
            By(rules) => (*rules, None),
            In(file, test) => (&[][..], Some((file, test))),
            Both(rules, file, test) => (*rules, Some((file, test))),
        };
        for rule in rules {
            assert!(known.contains(rule), "{fact}: there is no rule {rule}");
            named.insert(*rule);
        }
        if let Some((file, test)) = test {
            let text = std::fs::read_to_string(path(file));
            let text = text.unwrap_or_else(|error| panic!("{fact}: {file}: {error}"));
            assert!(
                text.contains(&format!("fn {test}(")),
                "{fact}: {file} has no {test}"
            );
        }
    }
    let unnamed: Vec<_> = known.difference(&named).collect();
    assert!(
        unnamed.is_empty(),
        "facts of these rules are missing: {unnamed:?}"
    );
}

#[test]
fn every_example_checks_without_findings() {
    let folder = std::fs::read_dir(path("examples")).expect("the folder of examples");
    let mut wrong = String::new();
    for entry in folder {
        let file = entry.expect("an entry").path();
        if file.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("an example");
        let name = file.display().to_string();
        let (design, reports) = design::read(&name, &text, &design::NoFiles);
        let reports = design.map_or(reports, |design| design::check(&design));
        if reports.has_faults() {
            wrong.push_str(&reports.render(false));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
