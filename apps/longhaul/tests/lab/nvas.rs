//! Scenarios 3 to 6 with real packets: which NVA carries them, there and back, before a failure, during
//! it and afterwards.

use std::collections::BTreeSet;

use crate::raised::Raised;

const VM: &str = "vm1.spoke1-westeurope";
const PARIS: &str = "host1.paris";
/// Echo requests that are counted on the NVAs' overlay devices.
const ECHOES: u32 = 50;

/// The NVAs that connections from a host to another go by.
fn nvas(lab: &Raised, source: &str, destination: &str) -> BTreeSet<String> {
    let ways = (0..12).map(|number| {
        let flow = format!("tcp:{}:443", 40_000 + number);
        lab.way(source, destination, &flow)
    });
    let devices = ways.flatten();
    devices.filter(|device| device.starts_with("nva")).collect()
}

fn all(numbers: &[u8]) -> BTreeSet<String> {
    let names = numbers.iter();
    names
        .map(|number| format!("nva{number}.westeurope"))
        .collect()
}

/// Whether an NVA puts the packets of a ping into its tunnels; BGP's own packets are few beside them.
fn carries(lab: &Raised, nva: &str, source: &str, destination: &str) -> bool {
    let sent = lab.sent_by((nva, "lh0"), source, destination, ECHOES);
    assert!(sent < 10 || sent >= u64::from(ECHOES), "{nva}: {sent}");
    sent >= u64::from(ECHOES)
}

#[test]
fn figure_3_four_active_nvas_share_the_connections_of_a_vm() {
    let lab = Raised::example("n-active", "03-n-active.yaml");
    assert_eq!(nvas(&lab, VM, PARIS), all(&[1, 2, 3, 4]));
    assert_eq!(nvas(&lab, PARIS, VM), all(&[1, 2, 3, 4]));
    lab.verify();
}

#[test]
fn figure_4_only_the_site_whose_tunnel_failed_moves_to_the_other_nva_and_comes_back() {
    let lab = Raised::example("failover", "04-failover.yaml");
    let tunnel = "path:nva1.westeurope>cpe1.paris";
    lab.fail(tunnel);
    lab.expect(Some(tunnel));
    assert_eq!(nvas(&lab, VM, PARIS), all(&[2]));
    assert_eq!(nvas(&lab, VM, "host1.berlin"), all(&[1, 2]));
    assert!(!carries(&lab, "nva1.westeurope", VM, PARIS));
    assert!(carries(&lab, "nva2.westeurope", VM, PARIS));
    lab.heal(tunnel);
    lab.expect(None);
    assert_eq!(nvas(&lab, VM, PARIS), all(&[1, 2]));
}

#[test]
fn figure_5_one_connection_goes_by_one_nva_and_comes_back_by_the_other() {
    let lab = Raised::example("asymmetry", "05-asymmetry.yaml");
    let asymmetric = (40_000..40_032).any(|port| {
        let there = lab.way(VM, PARIS, &format!("tcp:{port}:443"));
        let back = lab.way(PARIS, VM, &format!("tcp:443:{port}"));
        let nva = |way: &[String]| way.iter().find(|device| device.starts_with("nva")).cloned();
        nva(&there) != nva(&back)
    });
    assert!(asymmetric);
    // Ping and TCP both ways, each round trip as the trace of both directions says.
    lab.verify();
}

#[test]
fn active_passive_the_passive_nva_carries_nothing_until_the_active_one_loses_the_site() {
    let lab = Raised::example("active-passive", "06-active-passive.yaml");
    assert_eq!(nvas(&lab, VM, PARIS), all(&[1]));
    assert!(carries(&lab, "nva1.westeurope", VM, PARIS));
    assert!(!carries(&lab, "nva2.westeurope", VM, PARIS));
    let tunnel = "path:nva1.westeurope>cpe1.paris";
    lab.fail(tunnel);
    lab.expect(Some(tunnel));
    assert_eq!(nvas(&lab, VM, PARIS), all(&[2]));
    assert!(carries(&lab, "nva2.westeurope", VM, PARIS));
    lab.heal(tunnel);
    lab.expect(None);
    assert_eq!(nvas(&lab, VM, PARIS), all(&[1]));
    assert!(carries(&lab, "nva1.westeurope", VM, PARIS));
}
