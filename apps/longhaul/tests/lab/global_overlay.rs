//! Scenario 1, Figure 1: a global overlay over internet, MPLS, a dedicated circuit and the backbone.

use crate::raised::Raised;

const PARIS: &str = "host1.paris";
const VM: &str = "vm1.spoke1-westeurope";
const FLOW: &str = "tcp:51000:443";

#[test]
fn figure_1_a_site_leaves_its_circuit_for_the_internet_and_returns() {
    let lab = Raised::example("global-overlay", "01-global-overlay.yaml");
    lab.verify();
    by_the_hubs_closest_to_the_sites(&lab);
    by_the_circuit(&lab);
    lab.fail("circuit:ams");
    lab.until("the internet has taken over", || {
        let way = lab.way(PARIS, VM, FLOW);
        match way == [PARIS, "cpe1.paris", "nva1.westeurope", VM] && lab.reaches(PARIS, VM) {
            true => Ok(()),
            false => Err(way.join(" > ")),
        }
    });
    // What is left is BGP and BFD calling for the MSEEs.
    assert!(on_the_circuit(&lab) < 20);
    lab.heal("circuit:ams");
    lab.until("the circuit is back", || {
        let way = lab.way(PARIS, VM, FLOW);
        match way.get(2).is_some_and(|device| device == "edge.paris") && lab.reaches(PARIS, VM) {
            true => Ok(()),
            false => Err(way.join(" > ")),
        }
    });
    by_the_circuit(&lab);
    lab.expect(None);
}

fn by_the_hubs_closest_to_the_sites(lab: &Raised) {
    let way = lab.way("host1.newyork", "host1.singapore", FLOW);
    assert_eq!(
        way,
        [
            "host1.newyork",
            "cpe1.newyork",
            "nva1.eastus",
            "nva1.southeastasia",
            "cpe1.singapore",
            "host1.singapore"
        ]
    );
}

/// Azure 3.7: by the gateway there, around it back.
fn by_the_circuit(lab: &Raised) {
    let there = lab.way(PARIS, VM, FLOW);
    let [_, cpe, edge, msee, gateway, nva, _] = &there[..] else {
        panic!("{there:?}")
    };
    assert_eq!(
        [cpe, edge, nva],
        ["cpe1.paris", "edge.paris", "nva1.westeurope"]
    );
    assert!(
        msee.starts_with("msee") && gateway.starts_with("ergw"),
        "{there:?}"
    );
    let back = lab.way(VM, PARIS, FLOW);
    assert!(
        back.iter().any(|device| device.starts_with("msee")),
        "{back:?}"
    );
    assert!(
        back.iter().all(|device| !device.starts_with("ergw")),
        "{back:?}"
    );
    assert!(on_the_circuit(lab) >= 20);
}

/// Packets that left for the circuit while twenty were sent; probes go there as well.
fn on_the_circuit(lab: &Raised) -> u64 {
    let by = |interface| lab.sent_by(("edge.paris", interface), PARIS, VM, 20);
    by("er0").max(by("er1"))
}
