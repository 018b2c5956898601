//! A site that Azure reaches over ExpressRoute and over SD-WAN: each routing preference, with equal
//! and with unequal prefixes.

use core::net::Ipv4Addr;

use sim::World;
use view::{Answer, FABRIC, FlowSpec, Query};

use super::super::{converge, fail, heal, nobody_is_silent};
use super::running;

const DESIGN: &str = include_str!("../../../../examples/12-routing-preference.yaml");

const PREFERENCES: [&str; 3] = ["express-route", "vpn-gateway", "as-path"];
const SITE: &str = "10.200.1.0/24";
const BLOCK: &str = "10.200.0.0/16";
const VM: &str = "vm1.spoke1-westeurope";
const NVAS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 1, 0, 4), Ipv4Addr::new(10, 1, 0, 5)];

fn with(preference: &str) -> String {
    replaced(
        DESIGN,
        "routing_preference: express-route",
        &format!("routing_preference: {preference}"),
    )
}

fn replaced(design: &str, from: &str, to: &str) -> String {
    assert!(design.contains(from), "{from}");
    design.replace(from, to)
}

/// The router announces its site's block to the circuit, the CPEs the site.
fn express_route_shorter(design: &str) -> String {
    let export = "if prefix in [10.200.1.0/24] { aggregate into 10.200.0.0/16 accept } reject";
    let core = format!(r#"core: {{asn: 65050, circuits: {{ams: {{export: "{export}"}}}}}}"#);
    replaced(design, "core: {asn: 65050}", &core)
}

/// The NVAs announce the block to Route Server, which drops the site of theirs.
fn sd_wan_shorter(design: &str) -> String {
    let hub = "    hub: {address_space: 10.1.0.0/20}\n";
    let nvas = format!("{hub}    nvas: {{originate: [{BLOCK}]}}\n");
    let maps = "routing_preference: RP, route_maps: {summary: {rules: [{prefix_equals: \
                [10.200.1.0/24], drop: true}]}}, attach: {nvas: {inbound: summary}}}";
    let (before, after) = design
        .split_once("routing_preference: ")
        .expect("a preference");
    let (preference, after) = after.split_once('}').expect("the end of the settings");
    let design = format!("{before}{}{after}", maps.replace("RP", preference));
    replaced(&design, hub, &nvas)
}

/// What the VM's interface has for a prefix: `er`, `nva`, `both`, `none`.
fn chosen(world: &World, prefix: &str) -> &'static str {
    let query = Query::EffectiveRoutes {
        device: VM.to_owned(),
        interface: "eth0".to_owned(),
    };
    let routes = match world.ask(FABRIC, &query) {
        Ok(Answer::EffectiveRoutes(routes)) => routes.value,
        other => panic!("{other:?}"),
    };
    let wanted = prefix.parse().expect("a prefix");
    let mut found = routes.into_iter();
    let Some(route) = found.find(|route| route.address_prefix.contains(&wanted)) else {
        return "none";
    };
    let next_hops = route.next_hop_ip_address;
    let of_nvas = next_hops.iter().filter(|at| NVAS.contains(at)).count();
    match (of_nvas, next_hops.len() - of_nvas) {
        (0, 1) => "er",
        (2, 0) => "nva",
        (2, 1) => "both",
        other => panic!("{other:?}"),
    }
}

/// Whether packets from the VM to the site pass an NVA.
fn passes_an_nva(world: &World) -> bool {
    let trace = world.trace(VM, "host1.paris", FlowSpec::default());
    let trace = trace.unwrap_or_else(|error| panic!("{error}"));
    assert!(trace.forward.delivered, "{:?}", trace.forward);
    let mut hops = trace.forward.hops.iter();
    hops.any(|hop| hop.device.starts_with("nva"))
}

#[test]
fn azure_1_10_equal_prefixes_follow_the_preference() {
    for (preference, winner) in PREFERENCES.into_iter().zip(["er", "nva", "both"]) {
        let mut world = running(&with(preference));
        assert_eq!(chosen(&world, SITE), winner, "{preference}");
        if winner != "both" {
            assert_eq!(passes_an_nva(&world), winner == "nva", "{preference}");
        }
        nobody_is_silent(&mut world);
    }
}

#[test]
fn azure_1_10_the_longer_prefix_of_sd_wan_wins_with_every_preference() {
    for preference in PREFERENCES {
        let world = running(&express_route_shorter(&with(preference)));
        assert_eq!(chosen(&world, SITE), "nva", "{preference}");
        assert_eq!(chosen(&world, BLOCK), "er", "{preference}");
        assert!(passes_an_nva(&world), "{preference}");
    }
}

#[test]
fn azure_1_10_the_longer_prefix_of_expressroute_wins_with_every_preference() {
    for preference in PREFERENCES {
        let world = running(&sd_wan_shorter(&with(preference)));
        assert_eq!(chosen(&world, SITE), "er", "{preference}");
        assert_eq!(chosen(&world, BLOCK), "nva", "{preference}");
        assert!(!passes_an_nva(&world), "{preference}");
    }
}

#[test]
fn azure_1_10_sd_wan_takes_over_from_a_lost_circuit_and_gives_back() {
    let mut world = running(DESIGN);
    fail(&mut world, "circuit:ams");
    converge(&mut world);
    assert_eq!(chosen(&world, SITE), "nva");
    nobody_is_silent(&mut world);
    heal(&mut world, "circuit:ams");
    converge(&mut world);
    assert_eq!(chosen(&world, SITE), "er");
}

/// The documented stickiness, as a setting: while the paths of the NVAs are the shorter ones.
#[test]
fn azure_1_10_traffic_stays_with_sd_wan_after_the_circuit_is_back_where_that_is_chosen() {
    let export = "if prefix in [10.200.1.0/24] { prepend 1 accept } reject";
    let core = format!(r#"core: {{asn: 65050, circuits: {{ams: {{export: "{export}"}}}}}}"#);
    let prepended = replaced(DESIGN, "core: {asn: 65050}", &core);
    let sticky = format!("{prepended}\nplatform: {{choices: {{sticky_failback: true}}}}\n");
    for (design, after) in [(prepended, "er"), (sticky, "nva")] {
        let mut world = running(&design);
        assert_eq!(chosen(&world, SITE), "er");
        fail(&mut world, "circuit:ams");
        converge(&mut world);
        heal(&mut world, "circuit:ams");
        converge(&mut world);
        assert_eq!(chosen(&world, SITE), after);
    }
}
