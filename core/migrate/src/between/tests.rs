//! What lies between two designs: the edits, their order, and the designs they make.

use super::*;

const FROM: &str = "
longhaul: 1
name: company
overlay: {asn: 65010}
regions:
  westeurope:
    hub: {address_space: 10.1.0.0/20}
    express_route: true
    route_server: {branch_to_branch: false}
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
  - name: lyon
    city: Lyon
    lans: [10.200.2.0/24]
    cpes: 0
    routers: {core: {asn: 65102, networks: [{name: mpls, pe: ams}]}}
";

const TO: &str = "
longhaul: 1
name: company
overlay: {asn: 65010}
regions:
  westeurope:
    hub: {address_space: 10.1.0.0/20}
    route_server: {branch_to_branch: false}
sites:
  - name: paris
    city: Paris
    lans: [10.200.1.0/24]
    routers: {core: {asn: 65101}}
  - name: lyon
    city: Lyon
    lans: [10.200.2.0/24]
    routers: {core: {asn: 65102}}
";

fn value(text: &str) -> Value {
    Value::parse("test", text).unwrap_or_else(|reports| panic!("{}", reports.render(false)))
}

fn migration(from: &str, to: &str) -> Migration {
    Migration::between(&value(from), &value(to)).unwrap_or_else(|refused| panic!("{refused}"))
}

fn titles(migration: &Migration) -> Vec<String> {
    migration.edits().iter().map(ToString::to_string).collect()
}

fn all(migration: &Migration) -> Vec<usize> {
    (0..migration.edits().len()).collect()
}

#[test]
fn azure_comes_first_then_site_after_site_then_what_nobody_needs() {
    assert_eq!(
        titles(&migration(FROM, TO)),
        [
            "westeurope: branch-to-branch on",
            "paris: install the CPE beside the router",
            "paris: move the traffic to the CPE",
            "paris: as in the second design",
            "lyon: install the CPE beside the router",
            "lyon: move the traffic to the CPE",
            "lyon: as in the second design",
            "remove circuit ams",
            "westeurope: remove the ExpressRoute gateway",
            "westeurope: change route_server",
            "remove network mpls",
        ]
    );
}

#[test]
fn all_edits_together_are_the_second_design() {
    let migration = migration(FROM, TO);
    assert_eq!(migration.compose(&[]), value(FROM));
    assert_eq!(migration.compose(&all(&migration)), value(TO));
}

#[test]
fn a_cpe_beside_the_router_is_its_last_choice() {
    let migration = migration(FROM, TO);
    let design = migration.compose(&[0, 1]);
    let paris = shape::site(&design, "paris").expect("paris");
    assert_eq!(shape::cpes(paris), 1);
    let core = paris.at(&["routers", "core"]).expect("its router");
    assert_eq!(
        core.at(&["cpe", "import"]).and_then(Value::text),
        Some("set local-pref 50 accept")
    );
    assert_eq!(shape::attachments(paris).len(), 1);
}

#[test]
fn a_site_that_moved_keeps_a_silent_provider() {
    let migration = migration(FROM, TO);
    let design = migration.compose(&[0, 1, 2, 3, 4, 5]);
    let lyon = shape::site(&design, "lyon").expect("lyon");
    let networks = lyon.at(&["routers", "core", "networks"]).expect("networks");
    let mut written = Value::empty();
    written.map_mut().set("networks", networks.clone());
    assert_eq!(
        written.to_yaml(),
        "networks:\n  - {name: mpls, pe: ams, import: reject, export: reject}\n"
    );
    assert_eq!(lyon.at(&["routers", "core", "cpe"]), None);
}

#[test]
fn sites_with_cpes_come_first_so_that_nobody_is_renumbered() {
    let migration = migration(FROM, TO);
    let design = migration.compose(&[0, 4]);
    let names: Vec<_> = shape::sites(&design)
        .iter()
        .filter_map(shape::name)
        .collect();
    assert_eq!(names, ["lyon", "paris"]);
}

#[test]
fn a_circuit_of_a_site_goes_once_the_site_has_moved() {
    let from = "
name: x
circuits: {ams: {customer: core.hq, connections: [we]}}
sites: [{name: hq, lans: [10.9.0.0/24], cpes: 0, routers: {core: {asn: 65001}}}]
";
    let to = "
name: x
sites: [{name: hq, lans: [10.9.0.0/24], routers: {core: {asn: 65001}}}]
";
    let migration = migration(from, to);
    assert_eq!(
        titles(&migration),
        [
            "hq: install the CPE beside the router",
            "hq: move the traffic to the CPE",
            "remove circuit ams",
            "hq: as in the second design",
        ]
    );
    let moved = migration.compose(&[0, 1]);
    let hq = shape::site(&moved, "hq").expect("hq");
    assert_eq!(
        hq.at(&["routers", "core", "circuits", "ams", "export"])
            .and_then(Value::text),
        Some("reject")
    );
    assert!(!migration.compose(&[0, 1, 2]).to_yaml().contains("ams"));
}

#[test]
fn designs_that_are_equal_have_no_edits() {
    assert_eq!(titles(&migration(FROM, FROM)), [""; 0]);
}

#[test]
fn other_changes_are_single_edits() {
    let from = "
name: x
regions: {we: {hub: {address_space: 10.1.0.0/20}, nvas: {mode: active-passive}, route_server: {branch_to_branch: true}}}
sites: [{name: a, lans: [10.9.0.0/24], underlays: [internet]}, {name: b, lans: [10.9.1.0/24]}]
";
    let to = "
name: x
regions: {we: {hub: {address_space: 10.1.0.0/20}, nvas: {mode: active-active}, route_server: {branch_to_branch: false}}}
underlays: {er: {kind: private-peering}}
sites: [{name: a, lans: [10.9.0.0/24], underlays: [internet, er]}, {name: c, lans: [10.9.2.0/24]}]
";
    let migration = migration(from, to);
    assert_eq!(
        titles(&migration),
        [
            "define what comes",
            "we: change nvas",
            "a: as in the second design",
            "c: connect the new site",
            "b: disconnect the site",
            "we: change route_server",
        ]
    );
    let done = migration.compose(&all(&migration));
    assert_eq!(done.get("sites"), value(to).get("sites"));
    assert_eq!(done.get("regions"), value(to).get("regions"));
}

#[test]
fn designs_of_two_networks_are_refused() {
    let refused = Migration::between(&value("name: a"), &value("name: b"));
    assert!(matches!(refused, Err(Refused::Names(..))));
    let table = value("name: a\nsites: {from: sites.csv}\n");
    assert_eq!(
        Migration::between(&table, &table).expect_err("a table"),
        Refused::Table
    );
}

#[test]
fn the_order_in_the_file_is_left_to_the_last_step() {
    let from = "name: x\nsites: [{name: a, lans: [10.9.0.0/24]}, {name: b, lans: [10.9.1.0/24]}]\n";
    let to = "name: x\nsites: [{name: b, lans: [10.9.1.0/24]}, {name: a, lans: [10.9.0.0/24]}]\n";
    let migration = migration(from, to);
    assert_eq!(titles(&migration), ["tidy up"]);
    assert_eq!(migration.compose(&[0]), value(to));
}
