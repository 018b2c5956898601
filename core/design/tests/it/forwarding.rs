//! What nodes are told about forwarding: threads, what sites may announce, how large packets may be.

use design::NoFiles;
use design::plan::{LinkConfig, LinkRole, NodeConfig, Plan, SourceCheck};

use crate::plan_of;

const COEXISTENCE: &str = include_str!("coexistence.yaml");

/// Paris and Lyon share a LAN (an anycast service); both have a backup region.
const SHARED: &str = "longhaul: 1
name: d
overlay: {forwarding: {threads: 2, source_check: loose}}
defaults: {region: {nvas: {forwarding: {threads: 4}}}}
regions:
  westeurope: {nvas: {forwarding: {threads: 8, aes: false}}}
  eastus: {}
underlays: {er: {kind: private-peering}}
sites:
  - {name: paris, city: Paris, lans: [10.200.1.0/24, 10.200.9.0/24]}
  - {name: lyon, city: Lyon, lans: [10.200.2.0/24, 10.200.9.0/24]}
";

fn node<'a>(plan: &'a Plan, name: &str) -> &'a NodeConfig {
    let node = plan.nodes.iter().find(|node| node.name == name);
    node.unwrap_or_else(|| panic!("no node {name}"))
}

fn link<'a>(plan: &'a Plan, from: &str, to: &str) -> &'a LinkConfig {
    let mut links = node(plan, from).links.iter();
    let link = links.find(|link| link.neighbor == to);
    link.unwrap_or_else(|| panic!("no link {from} > {to}"))
}

fn accepted(plan: &Plan, from: &str, to: &str) -> Option<Vec<String>> {
    let accept = link(plan, from, to).accept.as_ref()?;
    Some(accept.iter().map(ToString::to_string).collect())
}

#[test]
fn a_hub_takes_from_a_site_its_lans_alone_at_home_and_as_backup() {
    let plan = plan_of(SHARED);
    for hub in ["nva1.westeurope", "nva2.westeurope", "nva1.eastus"] {
        let paris = accepted(&plan, hub, "cpe1.paris").expect("a limit");
        assert_eq!(paris, ["10.200.1.0/24", "10.200.9.0/24"], "{hub}");
        let lyon = accepted(&plan, hub, "cpe1.lyon").expect("a limit");
        assert_eq!(lyon, ["10.200.2.0/24", "10.200.9.0/24"], "{hub}");
    }
    for (node, link) in plan
        .nodes
        .iter()
        .flat_map(|node| node.links.iter().map(move |l| (node, l)))
    {
        let of_site = matches!(link.role, LinkRole::HomeSite | LinkRole::BackupSite);
        assert_eq!(
            link.accept.is_some(),
            of_site,
            "{} > {}",
            node.name,
            link.neighbor
        );
    }
}

#[test]
fn what_a_cpe_takes_from_its_router_is_what_the_hub_takes_from_the_cpe() {
    let plan = plan_of(COEXISTENCE);
    let paris = node(&plan, "cpe1.paris");
    assert!(paris.lans.is_empty());
    let behind = paris.neighbors[0].accept.clone();
    assert!(behind.is_some());
    let hub = paris.links[0].neighbor.clone();
    assert_eq!(link(&plan, &hub, "cpe1.paris").accept, behind);
}

#[test]
fn the_nearest_setting_of_forwarding_holds() {
    let plan = plan_of(SHARED);
    let west = node(&plan, "nva1.westeurope").forwarding;
    assert_eq!(
        (west.threads, west.source_check, west.aes),
        (8, SourceCheck::Loose, false)
    );
    let east = node(&plan, "nva1.eastus").forwarding;
    assert_eq!((east.threads, east.aes), (4, true));
    let site = node(&plan, "cpe1.paris").forwarding;
    assert_eq!((site.threads, site.source_check), (2, SourceCheck::Loose));
}

#[test]
fn more_threads_than_a_session_has_lanes_are_refused_at_their_line() {
    let text = SHARED.replace("threads: 8", "threads: 17");
    let (_, reports) = design::read("design.yaml", &text, &NoFiles);
    let shown = reports.render(false);
    assert!(
        shown.contains("a whole number from 1 to 16") && shown.contains("design.yaml:6:"),
        "{shown}"
    );
}

#[test]
fn paths_over_express_route_are_capped_and_others_are_not() {
    let text = include_str!("../../../../examples/08-private-peering-underlay.yaml");
    let plan = plan_of(text);
    let mut capped = 0;
    for path in plan
        .nodes
        .iter()
        .flat_map(|node| &node.links)
        .flat_map(|link| &link.paths)
    {
        let peering = [&path.local, &path.remote]
            .iter()
            .any(|name| name.ends_with("/er"));
        assert_eq!(
            path.mtu,
            peering.then_some(1_400),
            "{} > {}",
            path.local,
            path.remote
        );
        capped += usize::from(peering);
    }
    assert!(capped > 0);
}

#[test]
fn jumbo_packets_go_where_both_the_underlay_and_the_interface_of_nvas_pass_them() {
    let mtu = |more: &str| {
        let text = SHARED.replace(
            "underlays: {",
            &format!("{more}\nunderlays: {{internet: {{mtu: 9000}}, "),
        );
        let plan = plan_of(&text);
        let path = |from, to| link(&plan, from, to).paths[0].mtu;
        assert_eq!(
            path("cpe1.paris", "nva1.westeurope"),
            path("nva1.westeurope", "cpe1.paris")
        );
        (
            path("cpe1.paris", "nva1.westeurope"),
            path("nva1.westeurope", "nva1.eastus"),
        )
    };
    assert_eq!(mtu(""), (None, None));
    assert_eq!(
        mtu("platform: {vm: {mtu: 4000}}"),
        (Some(4_000), Some(4_000))
    );
}
