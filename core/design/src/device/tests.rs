//! Device files: what is written reads back, and what is corrupted is refused at its line.

use super::*;
use crate::{EXAMPLE_GLOBAL, NoFiles};

fn plan() -> Plan {
    plan_of(EXAMPLE_GLOBAL)
}

fn plan_of(text: &str) -> Plan {
    let (design, _) = crate::read("design.yaml", text, &NoFiles);
    let key = |name: &str| {
        let mut digits: String = name
            .bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(char::from)
            .collect();
        digits.truncate(42);
        format!("{digits:A<42}A=")
    };
    crate::resolve(&design.expect("a design"), &key).expect("a plan")
}

fn damaged(text: &str, from: &str, to: &str) -> ConfigError {
    assert!(text.contains(from), "{from:?} is not in\n{text}");
    NodeConfig::from_yaml(&text.replacen(from, to, 1)).expect_err("a damaged file")
}

#[test]
fn every_part_of_the_plan_survives_its_file() {
    let plan = plan();
    assert_eq!(Plan::from_yaml(&plan.to_yaml()), Ok(plan.clone()));
    for node in &plan.nodes {
        assert_eq!(NodeConfig::from_yaml(&node.to_yaml()).as_ref(), Ok(node));
    }
    for server in &plan.route_servers {
        assert_eq!(
            RouteServerConfig::from_yaml(&server.to_yaml()).as_ref(),
            Ok(server)
        );
    }
    for host in &plan.hosts {
        assert_eq!(HostConfig::from_yaml(&host.to_yaml()).as_ref(), Ok(host));
    }
    assert_eq!(
        FabricConfig::from_yaml(&plan.fabric.to_yaml()),
        Ok(plan.fabric)
    );
}

#[test]
fn a_link_without_tunnels_needs_no_path() {
    let plan = plan_of(
        "longhaul: 1\nname: plain\noverlay: {hub_to_hub: plain}\nregions:\n  westeurope: {}\n  northeurope: {}\n",
    );
    let mut links = plan.nodes.iter().flat_map(|node| &node.links);
    assert!(links.any(|link| link.plain.is_some()));
    for node in &plan.nodes {
        assert_eq!(NodeConfig::from_yaml(&node.to_yaml()).as_ref(), Ok(node));
    }
}

#[test]
fn a_damaged_node_file_is_refused_with_line_and_reason() {
    let plan = plan();
    let text = plan
        .nodes
        .iter()
        .find(|node| node.name == "cpe1.newyork")
        .expect("a node")
        .to_yaml();
    let cases = [
        (
            "local: cpe1.newyork/internet",
            "local: cpe1.newyork/intrenet",
            "there is no locator",
        ),
        (
            "public_key: cpe1newyork",
            "public_key: cpe1newy*rk",
            "base64 has only",
        ),
        (
            "neighbor: nva2.eastus",
            "neighbor: nva1.eastus",
            "is here twice",
        ),
        (
            "interface: wan0",
            "interface: wan9",
            "there is no interface",
        ),
        ("asn: 65010", "asn: many", "u32"),
        ("role: home-hub", "role: home-site", "other kind of node"),
        ("mtu: 1340", "mtv: 1\nmtu: 1340", "mtv"),
        ("loopback: ", "loopback: 300.", "address"),
    ];
    for (from, to, reason) in cases {
        let error = damaged(&text, from, to);
        assert!(error.reason.contains(reason), "{error}");
        let damaged = text.replacen(from, to, 1);
        let line = damaged
            .lines()
            .zip(text.lines())
            .position(|(damaged, whole)| damaged != whole);
        assert_eq!(Some(error.line), line.map(|line| line + 1), "{error}");
    }
}

#[test]
fn a_cut_file_is_refused_wherever_it_ends() {
    let text = plan().nodes[0].to_yaml();
    for end in (0..text.len()).step_by(97) {
        assert!(NodeConfig::from_yaml(&text[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn keys_are_32_bytes_in_base64() {
    assert_eq!(key("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="), Ok(()));
    for bad in [
        "",
        "=",
        "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dh=",
        "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg",
    ] {
        assert!(key(bad).is_err(), "{bad}");
    }
}
