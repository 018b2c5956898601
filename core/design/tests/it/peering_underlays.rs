//! ExpressRoute peerings as underlays: a CPE's port to a router, what the router lets through, and
//! where tunnels end.

use design::plan::{NodeConfig, Plan};

use crate::plan_of;

const PRIVATE: &str = "longhaul: 1
name: underlay
regions:
  westeurope: {nvas: {count: 1}, express_route: true, spokes: {spoke1: {vms: 1}}}
  eastus: {nvas: {count: 1}}
underlays: {er: {kind: private-peering}}
circuits: {ams: {location: Amsterdam, customer: core.paris, connections: [westeurope]}}
sites:
  - name: paris
    city: Paris
    routers: {core: {asn: 65050}}
    underlays: [{name: er, via: core}, internet]
";

const MICROSOFT: &str = "longhaul: 1
name: underlay
regions: {westeurope: {nvas: {count: 1}}, eastus: {nvas: {count: 1}}}
underlays: {er: {kind: microsoft-peering}}
circuits:
  ams:
    customer: core.paris
    microsoft_peering: {customer_prefixes: [198.51.100.0/28], route_filter: ['12076:51002']}
sites:
  - {name: paris, city: Paris, cpes: 2, routers: {core: {}}, underlays: [er, internet]}
";

fn node<'a>(plan: &'a Plan, name: &str) -> &'a NodeConfig {
    let node = plan.nodes.iter().find(|node| node.name == name);
    node.expect("a node")
}

fn file<'a>(plan: &'a Plan, name: &str) -> &'a str {
    let router = plan.routers.iter().find(|router| router.name == name);
    let text = &router.expect("a router").config;
    let (config, reports) = design::read_router(name, text);
    assert!(config.is_some(), "{}\n{text}", reports.render(false));
    text
}

#[test]
fn azure_3_10_tunnels_over_private_peering_end_at_private_addresses_of_regions_on_the_circuit() {
    let plan = plan_of(PRIVATE);
    let cpe = node(&plan, "cpe1.paris");
    let ends: Vec<_> = cpe
        .links
        .iter()
        .map(|link| {
            let ends = link.paths.iter();
            let ends = ends.map(|path| path.endpoint.expect("an endpoint").ip().to_string());
            (link.neighbor.as_str(), ends.collect::<Vec<_>>())
        })
        .collect();
    let both = vec!["10.1.0.4".to_owned(), "203.0.113.1".to_owned()];
    let one = vec!["203.0.113.2".to_owned()];
    assert_eq!(ends, [("nva1.westeurope", both), ("nva1.eastus", one)]);
    let wan = &cpe.interfaces[0];
    assert_eq!((wan.name.as_str(), wan.prefix_len), ("wan0", 31));
    assert!(
        plan.fabric
            .attachments
            .iter()
            .all(|at| at.interface != "wan0")
    );
    let back = node(&plan, "nva1.westeurope").links.last().expect("a link");
    let endpoint = back.paths[0].endpoint.expect("no NAT on the way");
    assert_eq!(*endpoint.ip(), wan.address);
}

#[test]
fn azure_3_10_the_edge_takes_only_the_hubs_and_tells_only_the_way_to_its_cpe() {
    let plan = plan_of(PRIVATE);
    let text = file(&plan, "core.paris");
    let wan = node(&plan, "cpe1.paris").interfaces[0].address;
    let transit = format!("{}/31", core::net::Ipv4Addr::from_bits(wan.to_bits() & !1));
    for part in [
        "policy import-er0 {\n      if prefix in [10.1.0.0/20] { accept }\n      reject\n  }",
        &format!(
            "policy transit {{\n      if prefix in [{transit}] {{ accept }}\n      reject\n  }}"
        ),
        "import: import-er1\n    export: transit",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
}

#[test]
fn an_operator_can_leave_the_filter_out_and_see_what_follows() {
    let text = PRIVATE.replace(
        "{asn: 65050}",
        "{asn: 65050, circuits: {ams: {import: accept}}}",
    );
    let plan = plan_of(&text);
    let text = file(&plan, "core.paris");
    assert!(
        text.contains("import: accept\n    export: transit"),
        "{text}"
    );
}

#[test]
fn azure_3_10_microsoft_peering_needs_no_gateway_and_gives_cpes_public_addresses() {
    let plan = plan_of(MICROSOFT);
    assert!(plan.gateways.is_empty());
    let wans: Vec<String> = ["cpe1.paris", "cpe2.paris"]
        .map(|name| node(&plan, name).interfaces[0].address.to_string())
        .into();
    assert_eq!(wans, ["198.51.100.1", "198.51.100.3"]);
    let cpe = node(&plan, "cpe1.paris");
    let counts: Vec<_> = cpe.links.iter().map(|link| link.paths.len()).collect();
    assert_eq!(counts, [2, 1], "the filter names one of the two regions");
    let endpoint = cpe.links[0].paths[0].endpoint.expect("public");
    assert_eq!(endpoint.ip().to_string(), "203.0.113.1");
    let msee = plan.msees[0].microsoft_peering.as_ref().expect("a peering");
    let tagged: Vec<_> = msee
        .prefixes
        .iter()
        .map(|one| (one.prefix.to_string(), one.communities[0].to_string()))
        .collect();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        tagged,
        [
            pair("203.0.113.1/32", "12076:51002"),
            pair("203.0.113.2/32", "12076:51004")
        ]
    );
    let text = file(&plan, "core.paris");
    assert!(
        text.contains("if prefix in [198.51.100.0/28] { accept }"),
        "{text}"
    );
    assert!(
        text.contains("static_routes:\n  - {prefix: 198.51.100.0/28}"),
        "{text}"
    );
}

#[test]
fn a_site_is_at_home_where_its_circuit_leads_when_that_is_all_it_has() {
    let text = PRIVATE.replace("[{name: er, via: core}, internet]", "[er]");
    let plan = plan_of(
        &text
            .replace("connections: [westeurope]", "connections: [eastus]")
            .replace(
                "eastus: {nvas: {count: 1}}",
                "eastus: {nvas: {count: 1}, express_route: true}",
            ),
    );
    assert_eq!(
        (&plan.sites[0].home[..], &plan.sites[0].backup),
        ("eastus", &None)
    );
}

#[test]
fn policies_of_the_design_stand_in_the_files_of_routers_that_use_them() {
    let text = PRIVATE
        .replace(
            "{asn: 65050}",
            "{asn: 65050, cpe: {import: short, export: 'if prefix length > 24 { reject } accept'}}",
        )
        .replace(
            "underlays: {er",
            "policies: 'policy short { if prefix length > 28 { reject } accept }'\nunderlays: {er",
        );
    let plan = plan_of(&text);
    let text = file(&plan, "core.paris");
    assert!(text.contains("policy short {"), "{text}");
    assert!(
        text.contains("import: short\n    export: export-cpe1"),
        "{text}"
    );
}

#[test]
fn hubs_without_encapsulation_are_peered_and_speak_over_their_own_ports() {
    let text = PRIVATE.replace(
        "underlays: {er",
        "overlay: {hub_to_hub: plain}\nunderlays: {er",
    );
    let plan = plan_of(&text);
    let hub = &node(&plan, "nva1.westeurope").links[0];
    let plain = hub.plain.as_ref().expect("a plain link");
    assert!(hub.paths.is_empty());
    assert_eq!(plain.local.to_string(), "10.1.0.4");
    assert_eq!(plain.remote.to_string(), "10.2.0.4");
    let west = &plan.fabric.vnets[0];
    assert!(west.peerings.iter().any(|one| one.remote == "hub-eastus"));
}

#[test]
fn two_networks_can_stand_in_one_azure_region() {
    let plan = plan_of(
        "longhaul: 1\nname: d\nregions: {westeurope: {}, westeurope-2: {region: westeurope}}\n\
         sites: [{name: paris, city: Paris, home: westeurope-2}]\n",
    );
    let [one, two] = &plan.fabric.regions[..] else {
        panic!("two regions")
    };
    assert_eq!(one.place, two.place);
    assert_eq!(plan.fabric.backbone[0].one_way_us, 400);
    assert_eq!(plan.sites[0].backup.as_deref(), Some("westeurope"));
}

#[test]
fn knobs_of_a_regions_nvas_reach_them_and_their_route_servers() {
    let plan = plan_of(
        "longhaul: 1\nname: d\nregions:\n  westeurope:\n    express_route: {summarized: [10.1.0.0/16]}\n    \
         route_server: {branch_to_branch: true}\n    spokes: {spoke1: {}}\n    \
         nvas: {originate: [0.0.0.0/0], route_server_instances: [0], guards_origin: false}\n    \
         route_budget: {discard: [10.200.0.0/16], warn: 70%}\n\
         classes: {voice: {dscp: [46], sla: {rtt: 150ms, loss: 1%}, underlays: [internet]}}\n\
         sites: [{name: paris, city: Paris}]\n",
    );
    let nva = node(&plan, "nva1.westeurope");
    assert_eq!(nva.originate.len(), 1);
    assert_eq!(nva.route_servers.len(), 1);
    assert!(!nva.guards_origin);
    let peers: Vec<usize> = plan
        .route_servers
        .iter()
        .map(|one| one.peers.len())
        .collect();
    assert_eq!(peers, [2, 0]);
    let budget = &nva.budget;
    assert_eq!((budget.route_server, budget.express_route), (3_200, 900));
    assert_eq!((budget.express_route_used, budget.warn_percent), (1, 70));
    for name in ["nva1.westeurope", "cpe1.paris"] {
        let class = &node(&plan, name).classes[0];
        assert_eq!(
            (&class.name[..], &class.matches[0].dscp[..]),
            ("voice", &[46][..])
        );
        assert_eq!(class.sla.expect("one").jitter_us, 0);
    }
}
