//! Circuits: where their MSEEs stand, what gateways announce besides, which circuits are joined.

use design::plan::{MseeConfig, Plan};

use crate::plan_of;

const SITES: &str = "sites: [{name: paris, city: Paris, routers: {core: {asn: 65050}}}]\n";

fn plan(text: &str) -> Plan {
    plan_of(&format!("{text}{SITES}"))
}

fn msee<'a>(plan: &'a Plan, name: &str) -> &'a MseeConfig {
    let msee = plan.msees.iter().find(|msee| msee.name == name);
    msee.unwrap_or_else(|| panic!("no MSEE {name}"))
}

/// The last octets of a circuit's MSEEs in the GatewaySubnet.
fn places(plan: &Plan, circuit: &str) -> Vec<u8> {
    let names = [0, 1].map(|link| format!("msee{link}.{circuit}"));
    let nics = plan.fabric.nics.iter();
    let own = nics.filter(|nic| names.contains(&nic.device) && nic.subnet == "GatewaySubnet");
    own.map(|nic| nic.address.octets()[3] % 32).collect()
}

#[test]
fn azure_3_3_msees_of_each_circuit_follow_those_of_the_one_before_and_spare_the_gateways() {
    let mut text = String::from(
        "longhaul: 1\nname: d\nregions: {westeurope: {express_route: {sku: ErGw3AZ}}}\ncircuits:\n",
    );
    for circuit in ["c1", "c2", "c3", "c4", "c5"] {
        text.push_str(&format!(
            "  {circuit}: {{customer: core.paris, connections: [westeurope]}}\n"
        ));
    }
    let plan = plan(&text);
    let all = ["c1", "c2", "c3", "c4", "c5"].map(|circuit| places(&plan, circuit));
    assert_eq!(all, [[4, 5], [6, 7], [8, 9], [10, 11], [14, 15]]);
    let gateways = plan.gateways.iter();
    let gateways: Vec<u8> = gateways
        .map(|gateway| gateway.interface.address.octets()[3] % 32)
        .collect();
    assert_eq!(gateways, [12, 13]);
}

#[test]
fn a_gateway_announces_besides_what_the_design_adds_and_its_summaries() {
    let plan = plan(
        "longhaul: 1
name: d
regions:
  westeurope:
    hub: {address_space: 10.1.0.0/20}
    spokes: {spoke1: {address_space: 10.1.16.0/20}}
    express_route: {also: [10.9.0.0/16], summarized: [10.1.16.0/20]}
circuits: {ams: {customer: core.paris, connections: [westeurope]}}
",
    );
    for gateway in &plan.gateways {
        let told: Vec<String> = gateway.announced.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["10.1.0.0/20", "10.1.16.0/20", "10.9.0.0/16"]);
        assert_eq!(gateway.summarized.len(), 1);
        assert!(
            gateway
                .vnet_space
                .iter()
                .all(|space| space.to_string() != "10.9.0.0/16")
        );
    }
}

#[test]
fn global_reach_joins_primaries_and_secondaries_once_whichever_end_says_so() {
    let circuits = |ams: &str, lon: &str| {
        format!(
            "longhaul: 1
name: d
regions: {{westeurope: {{express_route: true}}}}
circuits:
  ams: {{customer: core.paris, connections: [westeurope]{ams}}}
  lon: {{location: London, customer: core.paris, connections: [westeurope]{lon}}}
"
        )
    };
    let (to_lon, to_ams) = (", global_reach: [lon]", ", global_reach: [ams]");
    let one = plan(&circuits(to_lon, ""));
    for other in [circuits("", to_ams), circuits(to_lon, to_ams)] {
        let other = plan(&other);
        assert_eq!(
            (&one.msees, &one.fabric.wires),
            (&other.msees, &other.fabric.wires)
        );
    }
    for link in 0..2 {
        let (ams, lon) = (
            msee(&one, &format!("msee{link}.ams")),
            msee(&one, &format!("msee{link}.lon")),
        );
        let ([to_lon], [to_ams]) = (&ams.global_reach[..], &lon.global_reach[..]) else {
            panic!("one neighbour each");
        };
        assert_eq!((&to_lon.name, &to_ams.name), (&lon.name, &ams.name));
        let has = |msee: &MseeConfig, address| msee.interfaces.iter().any(|i| i.address == address);
        assert!(has(lon, to_lon.address) && has(ams, to_ams.address));
        let mut wires = one.fabric.wires.iter();
        let wire = wires.find(|wire| wire.a.device == ams.name && wire.b.device == lon.name);
        assert_eq!(wire.expect("a link").b.address, to_lon.address);
    }
    let none = plan(&circuits("", ""));
    assert!(none.msees.iter().all(|msee| msee.global_reach.is_empty()));
}
