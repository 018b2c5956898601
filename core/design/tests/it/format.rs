//! What the format can say beyond the example.

use std::collections::BTreeMap;

use design::NoFiles;
use design::plan::{HostPlace, Plan, RouteServerConfig};

use crate::{plan_of, plan_with};

fn plan(rest: &str) -> Plan {
    plan_of(&format!("longhaul: 1\nname: d\n{rest}"))
}

#[test]
fn sites_come_from_a_table() {
    let table = "# all sites\nname,class,latitude,longitude,city,lans,underlays,home\n\
                 paris,branch,48.8566,2.3522,,10.200.1.0/24;10.200.2.0/24,,\n\
                 \"lyon\",branch,,,Lyon,10.200.3.0/24,mpls internet,eastus\n";
    let files = BTreeMap::from([("sites.csv".to_owned(), table.to_owned())]);
    let text = "longhaul: 1\nname: d\nregions: {westeurope: {}, eastus: {}}\nunderlays: {mpls: {}}\n\
                site_classes: {branch: {hosts: 2}}\nsites: {from: sites.csv}\n";
    let plan = plan_with(text, &files);
    assert_eq!(plan.sites[0].lans.len(), 2);
    assert_eq!(plan.sites[1].home, "eastus");
    let hosts = plan
        .hosts
        .iter()
        .filter(|host| matches!(&host.place, HostPlace::Site { .. }));
    assert_eq!(hosts.count(), 6);
    let lyon = plan
        .nodes
        .iter()
        .find(|node| node.name == "cpe1.lyon")
        .expect("a node");
    assert_eq!(lyon.locators[0].underlay, "mpls");
}

#[test]
fn a_site_takes_values_from_its_class_then_its_parents_then_the_defaults() {
    let plan = plan(
        "defaults: {site: {hosts: 3, cpes: 2, backup: none}}\nregions: {westeurope: {}, eastus: {}}\n\
         site_classes: {branch: {hosts: 2}, big: {extends: branch, cpes: 3}}\n\
         sites: [{name: a, city: Paris, class: big}, {name: b, city: Paris, class: branch}, {name: c, city: Paris, hosts: 1}]\n",
    );
    let count = |site: &str| {
        let nodes = plan
            .nodes
            .iter()
            .filter(|node| node.name.ends_with(&format!(".{site}")))
            .count();
        let hosts = plan
            .hosts
            .iter()
            .filter(|host| host.name.ends_with(&format!(".{site}")))
            .count();
        (nodes, hosts)
    };
    assert_eq!(
        (count("a"), count("b"), count("c")),
        ((3, 2), (2, 2), (2, 1))
    );
    assert!(plan.sites.iter().all(|site| site.backup.is_none()));
}

#[test]
fn subnets_that_are_not_written_take_the_first_free_part() {
    let plan = plan(
        "regions: {westeurope: {hub: {address_space: 10.1.0.0/24, subnets: {RouteServerSubnet: 10.1.0.0/26}}}}\n",
    );
    let subnets: Vec<_> = plan.fabric.vnets[0]
        .subnets
        .iter()
        .map(|subnet| format!("{} {}", subnet.name, subnet.prefix))
        .collect();
    assert_eq!(
        subnets,
        [
            "RouteServerSubnet 10.1.0.0/26",
            "nva 10.1.0.64/26",
            "GatewaySubnet 10.1.0.128/27"
        ]
    );
}

#[test]
fn active_passive_prepends_on_all_but_the_first() {
    let plan = plan("regions: {westeurope: {nvas: {count: 3, mode: active-passive}}}\n");
    let prepends: Vec<u8> = plan.nodes.iter().map(|node| node.prepend).collect();
    assert_eq!(prepends, [0, 2, 2]);
}

#[test]
fn without_route_server_nothing_peers_and_spokes_use_no_remote_gateway() {
    let plan = plan("regions: {westeurope: {route_server: false, spokes: {spoke1: {vms: 1}}}}\n");
    assert!(plan.route_servers.is_empty());
    assert!(plan.nodes.iter().all(|node| node.route_servers.is_empty()));
    let peerings = plan.fabric.vnets.iter().flat_map(|vnet| &vnet.peerings);
    assert!(
        peerings
            .into_iter()
            .all(|peering| !peering.use_remote_gateways && !peering.allow_gateway_transit)
    );
}

#[test]
fn several_cpes_share_the_gateway_address_by_vrrp() {
    let plan = plan(
        "regions: {westeurope: {}}\nsites: [{name: a, city: Paris, cpes: 2, lans: [10.200.1.0/24]}]\n",
    );
    let lan = &plan.fabric.lans[0];
    let ports: Vec<_> = lan
        .ports
        .iter()
        .map(|port| format!("{} {}", port.device, port.address))
        .collect();
    assert_eq!(lan.gateway.to_string(), "10.200.1.1");
    assert_eq!(
        ports,
        [
            "cpe1.a 10.200.1.2",
            "cpe2.a 10.200.1.3",
            "host1.a 10.200.1.10"
        ]
    );
    let vrrp: Vec<_> = plan
        .nodes
        .iter()
        .filter_map(|node| node.lans.first()?.vrrp.as_ref())
        .collect();
    assert_eq!(
        vrrp.iter().map(|vrrp| vrrp.priority).collect::<Vec<_>>(),
        [200, 150]
    );
    assert!(vrrp.iter().all(|vrrp| vrrp.virtual_address == lan.gateway));
}

#[test]
fn an_underlay_that_does_not_reach_a_region_has_no_path_there() {
    let plan = plan(
        "regions: {westeurope: {nvas: {count: 1}}, eastus: {nvas: {count: 1}}}\nunderlays: {mpls: {regions: [westeurope]}}\n\
         sites: [{name: a, city: Paris, underlays: [mpls, internet]}]\n",
    );
    let cpe = plan
        .nodes
        .iter()
        .find(|node| node.name == "cpe1.a")
        .expect("a node");
    let paths: Vec<usize> = cpe.links.iter().map(|link| link.paths.len()).collect();
    assert_eq!(paths, [2, 1]);
}

#[test]
fn security_groups_route_tables_and_round_trips_reach_the_fabric() {
    let plan = plan(
        "regions:\n  westeurope:\n    rtt: {eastus: 90ms}\n    spokes:\n      spoke1:\n        subnets: {web: {nsg: web, route_table: out}}\n    \
         nsgs: {web: {rules: [{name: https, priority: 100, protocol: tcp, source: Internet, ports: 443}]}}\n    \
         route_tables: {out: {routes: [{prefix: 0.0.0.0/0, next_hop: 10.1.0.4}]}}\n  eastus: {}\n",
    );
    assert_eq!(plan.fabric.backbone[0].one_way_us, 45_000);
    let nsg = plan
        .fabric
        .nsgs
        .iter()
        .find(|nsg| nsg.name == "web-westeurope")
        .expect("a security group");
    assert_eq!(nsg.rules[0].ports, Some((443, 443)));
    assert_eq!(plan.fabric.route_tables[0].name, "out-westeurope");
    let nic_nsg = plan
        .fabric
        .nics
        .iter()
        .find(|nic| nic.device == "nva1.westeurope")
        .and_then(|nic| nic.nsg.clone());
    let tunnels = plan
        .fabric
        .nsgs
        .iter()
        .find(|nsg| Some(&nsg.name) == nic_nsg.as_ref())
        .expect("a security group");
    assert_eq!(
        (tunnels.rules[0].protocol, tunnels.rules[0].ports),
        (Some(17), Some((51_820, 51_820)))
    );
}

#[test]
fn route_maps_of_the_design_stand_in_the_files_of_both_instances() {
    let plan = plan(
        "regions:
  westeurope:
    route_server:
      route_maps:
        tidy:
          rules:
            - {prefix_equals: [0.0.0.0/0], drop: true}
            - {community_contains: ['65010:1'], add_as_path: [65010, 65010], next: true}
      attach: {nvas: {inbound: tidy}, vpn: {outbound: tidy}}
",
    );
    for server in &plan.route_servers {
        let maps = &server.route_maps;
        let nva = maps.of(server.peers[0].address);
        assert_eq!((nva.inbound.as_deref(), nva.outbound), (Some("tidy"), None));
        assert_eq!(maps.vpn.outbound.as_deref(), Some("tidy"));
        let rules = &maps.map("tidy").expect("there").rules;
        assert_eq!(rules.len(), 2);
        assert!(rules[1].next && !rules[0].next);
        let read = RouteServerConfig::from_yaml(&server.to_yaml());
        assert_eq!(read.as_ref(), Ok(server));
    }
}

#[test]
fn a_route_map_that_is_not_there_is_reported_with_the_nearest_name() {
    let text = "longhaul: 1\nname: d\nregions: {westeurope: {route_server: {route_maps: {tidy: {}}, \
                attach: {nvas: {inbound: tiddy}}}}}\n";
    let (design, _) = design::read("design.yaml", text, &NoFiles);
    let design = design.expect("the form is right");
    let reports = design::resolve(&design, &|name| name.to_owned()).expect_err("a fault");
    let said = reports.render(false);
    assert!(
        said.contains("there is no route map `tiddy`") && said.contains("did you mean `tidy`?"),
        "{said}"
    );
}

#[test]
fn platform_limits_are_those_of_a_month_unless_written() {
    let plan = plan(
        "platform: {as_of: 2022-08, vms: 3000, choices: {smaller_hold_time: false, burst_gap: 2s}}
regions: {westeurope: {route_server: {units: 4}}, eastus: {route_server: {routes_per_peer: 77}}}
",
    );
    let [west, _, east, _] = plan.route_servers.as_slice() else {
        panic!("two instances in each region");
    };
    assert_eq!((west.routes_per_peer, east.routes_per_peer), (1_000, 77));
    assert_eq!((west.limits.vms, east.limits.vms), (5_000, 3_000));
    assert_eq!(west.limits.vnets, 250);
    assert_eq!(west.choices.burst_gap_ms, 2_000);
    assert!(!west.choices.smaller_hold_time);
}
