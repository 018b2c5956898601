//! Scenario 13 with real packets: what each accident does to them. `check` finds every one before, and
//! the simulator's tests have the cures beside them.

use crate::raised::Raised;

/// Echo requests that are counted.
const ECHOES: u32 = 10;

fn reach(lab: &Raised, a: &str, b: &str) -> bool {
    lab.reaches(a, b) && lab.reaches(b, a)
}

/// A number of a device's kernel, of the IP section of /proc/net/snmp.
fn counted(lab: &Raised, device: &str, name: &str) -> u64 {
    let table = lab.inside(device, &["cat", "/proc/net/snmp"]);
    let mut lines = table.lines().filter(|line| line.starts_with("Ip: "));
    let (names, values) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    let mut both = names.split_whitespace().zip(values.split_whitespace());
    let found = both.find_map(|(own, value)| (own == name).then(|| value.parse().ok())?);
    found.unwrap_or_else(|| panic!("{device} counts no {name}:\n{table}"))
}

#[test]
fn a_default_route_into_the_own_subnet_brings_the_tunnels_packets_back_to_the_nvas() {
    let (vm, host) = ("vm1.spoke1-westeurope", "host1.berlin");
    let lab = Raised::broken("acc-default", "13-accidents/default-into-own-subnet.yaml");
    let status = lab.json(&["status"]);
    assert_eq!(status["totals"]["tunnels_up"], 0, "{status:#}");
    // The kernels of the NVAs send them on until their time to live is over.
    let nvas = ["nva1.westeurope", "nva2.westeurope"];
    lab.until("packets end in a circle", || {
        let ended = nvas.map(|nva| counted(&lab, nva, "InHdrErrors"));
        match ended.iter().sum::<u64>() {
            0 => Err(format!("{ended:?}")),
            _ => Ok(()),
        }
    });
    assert!(!lab.reaches(vm, host));
}

#[test]
fn azure_1_14_nvas_without_tunnels_between_regions_get_their_own_packets_back() {
    let (west, north) = ("vm1.spoke1-westeurope", "vm1.spoke1-northeurope");
    let lab = Raised::broken("acc-plain", "13-accidents/hub-to-hub-plain.yaml");
    assert!(!lab.reaches(west, north) && !lab.reaches(north, west));
    let way = lab.way(west, north, "icmp");
    assert_eq!(way, [west, "nva1.westeurope"], "the NVA's own interface");
    for (nva, from, to) in [
        ("nva1.westeurope", west, north),
        ("nva1.northeurope", north, west),
    ] {
        let round = lab.echoes((nva, "eth0"), from, to, ECHOES);
        assert!(
            round >= u64::from(ECHOES) * 10,
            "{nva} sent {round} packets"
        );
    }
}

#[test]
fn vms_of_the_silent_instances_share_reach_no_site() {
    let host = "host1.berlin";
    let lab = Raised::broken(
        "acc-instance",
        "13-accidents/one-route-server-instance.yaml",
    );
    for vm in ["vm1.spoke1-westeurope", "vm3.spoke1-westeurope"] {
        assert!(!lab.reaches(vm, host), "{vm}");
        assert_eq!(lab.way(vm, host, "icmp"), [vm], "no way out of {vm}");
    }
    // The others have the way, and lose the flows of one of the NVAs.
    for vm in ["vm2.spoke1-westeurope", "vm4.spoke1-westeurope"] {
        let ways = (0..12).map(|port| lab.way(vm, host, &format!("tcp:{}:443", 40_000 + port)));
        let arrived: Vec<bool> = ways
            .map(|way| way.last().is_some_and(|it| it == host))
            .collect();
        assert!(
            arrived.contains(&true) && arrived.contains(&false),
            "{vm}: {arrived:?}"
        );
    }
}

#[test]
fn a_user_route_over_route_server_subnet_takes_the_circuit_from_everybody() {
    let (vm, paris, berlin) = ("vm1.spoke1-westeurope", "host1.paris", "host1.berlin");
    let lab = Raised::broken(
        "acc-gateway",
        "13-accidents/route-over-route-server-subnet.yaml",
    );
    let sessions = lab.json(&["show", "sessions", "ergw0.westeurope"]);
    let sessions = sessions["sessions"].as_array().cloned().unwrap_or_default();
    assert_eq!(sessions.len(), 4, "{sessions:#?}");
    for session in sessions {
        let with_route_server = session["neighbor"]
            .as_str()
            .is_some_and(|name| name.starts_with("rs"));
        assert_eq!(
            session["state"] == "established",
            !with_route_server,
            "{session:#}"
        );
    }
    assert!(reach(&lab, vm, berlin), "SD-WAN is as it was");
    assert!(!lab.reaches(paris, berlin) && !lab.reaches(berlin, paris));
    // Interfaces of the VNet would hear of the circuit's routes from Route Server.
    assert!(!lab.reaches(paris, vm) && !lab.reaches(vm, paris));
}

#[test]
fn without_a_guard_by_origin_a_region_enters_its_own_circuit_by_the_other_region() {
    let (vm, paris) = ("vm1.spoke1-northeurope", "host1.paris");
    let lab = Raised::example("acc-circuit", "13-accidents/two-regions-on-a-circuit.yaml");
    let by_the_other = |way: &[String]| way.iter().any(|device| device == "nva1.westeurope");
    assert!(!by_the_other(&lab.way(vm, paris, "icmp")));
    lab.fail("ergw0.northeurope");
    lab.fail("ergw1.northeurope");
    lab.until("packets take the other region", || {
        let way = lab.way(vm, paris, "icmp");
        match by_the_other(&way) {
            true => Ok(()),
            false => Err(way.join(" > ")),
        }
    });
    lab.until("nothing goes round", || match reach(&lab, vm, paris) {
        true => Ok(()),
        false => Err("no answer".to_owned()),
    });
    let count = lab.sent_by(("nva1.westeurope", "eth0"), vm, paris, ECHOES);
    assert!(count >= u64::from(ECHOES), "{count} packets");
}
