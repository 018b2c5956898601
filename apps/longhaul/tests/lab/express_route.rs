//! A circuit with a provider's network behind it: gateways, MSEEs and routers come up, are asked,
//! break and are killed.

use std::thread;
use std::time::Duration;

use crate::raised::{Raised, code, kill, process_of, told};

/// A provider on a circuit, a site on the provider's network only, one on SD-WAN only: no prefix has
/// two ways, so that where it is after a failure does not depend on what came first.
const DESIGN: &str = "longhaul: 1
name: circuit
regions:
  westeurope:
    hub: {address_space: 10.1.0.0/20}
    spokes:
      spoke1: {address_space: 10.1.16.0/20, vms: 1}
    route_server: {branch_to_branch: true}
    express_route: true
networks:
  mpls:
    asn: 64900
    pes: {ams: {city: Amsterdam}, lon: {city: London}}
circuits:
  ams:
    location: Amsterdam
    customer: pe-ams.mpls
    connections: [westeurope]
sites:
  - {name: paris, city: Paris, lans: [10.200.1.0/24]}
  - name: lyon
    city: Lyon
    cpes: 0
    lans: [10.200.2.0/24]
    routers:
      core: {asn: 65101, networks: [{name: mpls, pe: lon}]}
";

#[test]
fn a_circuit_comes_up_is_asked_breaks_and_comes_back() {
    let lab = Raised::of("circuit", DESIGN);
    lab.expect(None);
    let status = lab.json(&["status"]);
    assert_eq!(status["totals"]["running"], status["totals"]["devices"]);
    assert_eq!(
        status["totals"]["sessions_up"],
        status["totals"]["sessions"]
    );
    asked(&lab);
    packets_take_the_circuit(&lab);
    // BFD finds it; without it the platform's hold time of 180 s would have to pass.
    lab.fail("link:pe-ams.mpls/er0");
    lab.expect(Some("link:pe-ams.mpls/er0"));
    lab.heal("link:pe-ams.mpls/er0");
    lab.expect(None);
    lab.fail("circuit:ams");
    lab.until("a site without SD-WAN is cut off with the circuit", || {
        if lab.reaches("host1.lyon", "vm1.spoke1-westeurope") {
            return Err("it still answers".to_owned());
        }
        Ok(())
    });
    lab.heal("circuit:ams");
    lab.until("the circuit is back", || {
        if lab.reaches("host1.lyon", "vm1.spoke1-westeurope") {
            return Ok(());
        }
        Err("no answer".to_owned())
    });
    lab.expect(None);
    crashes(&lab);
    lab.verify();
}

/// `show` of the platform's devices.
fn asked(lab: &Raised) {
    let table = lab.json(&["show", "route-table", "msee0.ams"]);
    let routes = table["value"].as_array().cloned().unwrap_or_default();
    let hub = routes
        .iter()
        .find(|route| route["network"] == "10.1.0.0/20");
    let hub = hub.unwrap_or_else(|| panic!("{table:#}"));
    assert_eq!(hub["path"], "65515 I");
    assert!(
        routes.iter().any(|route| {
            let next_hop = route["nextHop"].as_str().unwrap_or_default();
            route["network"] == "10.1.0.0/20" && next_hop.ends_with('*')
        }),
        "the best path is marked: {table:#}"
    );
    let summary = lab.json(&["show", "route-table-summary", "msee1.ams"]);
    assert!(
        summary["value"]
            .as_array()
            .is_some_and(|peers| peers.iter().any(|peer| peer["as"] == 65515)),
        "{summary:#}"
    );
    let peers = lab.json(&["show", "peerings", "ergw.westeurope"]);
    let peers = peers["value"].as_array().cloned().unwrap_or_default();
    assert!(
        !peers.is_empty() && peers.iter().all(|peer| peer["state"] == "Connected"),
        "{peers:#?}"
    );
    let learned = lab.json(&["show", "learned-routes", "ergw0.westeurope"]);
    let learned = &learned["GatewayTenantWorker_IN_0"];
    let from_msee = learned.as_array().is_some_and(|routes| {
        let mut found = routes.iter();
        found.any(|route| route["network"] == "10.200.2.0/24" && route["weight"] == 32769)
    });
    assert!(from_msee, "{learned:#}");
    let told_to = lab.done(&["show", "advertised-routes", "ergw1.westeurope", "msee0.ams"]);
    assert!(told_to.contains("10.1.0.0/20"), "{told_to}");
}

/// Between a VM and a site without SD-WAN.
fn packets_take_the_circuit(lab: &Raised) {
    let way = lab.way("host1.lyon", "vm1.spoke1-westeurope", "icmp");
    assert!(
        way.iter().any(|device| device.ends_with(".ams")),
        "through an MSEE: {way:?}"
    );
    let er = ["er0", "er1"].map(|interface| {
        lab.sent_by(
            ("pe-ams.mpls", interface),
            "host1.lyon",
            "vm1.spoke1-westeurope",
            20,
        )
    });
    assert!(er.iter().sum::<u64>() >= 20, "packets on the links: {er:?}");
}

/// Every new kind of daemon is killed without a word, and comes back.
fn crashes(lab: &Raised) {
    for device in ["ergw1.westeurope", "msee1.ams", "pe-lon.mpls"] {
        kill(process_of("circuit", device));
        lab.until("the end is seen", || {
            let status = lab.run(&["status"]);
            if code(&status) == 1 {
                Ok(())
            } else {
                Err(told(&status))
            }
        });
        thread::sleep(Duration::from_millis(300));
        lab.heal(device);
        lab.until("whole again", || {
            let status = lab.run(&["status"]);
            if code(&status) == 0 {
                Ok(())
            } else {
                Err(told(&status))
            }
        });
        lab.expect(None);
    }
}
