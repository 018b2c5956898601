//! Figure 8: tunnels over private peering. Without the filter at the router `up` reports a failure, which
//! the simulator's test explains.

use crate::raised::Raised;

const DESIGN: &str = include_str!("../../../../examples/08-private-peering-underlay.yaml");
const HOST: &str = "host1.paris";
const VM: &str = "vm1.spoke1-westeurope";

#[test]
fn azure_3_10_only_tunnels_take_the_circuit() {
    let lab = Raised::of("private-peering", DESIGN);
    lab.expect(None);
    let way = lab.way(HOST, VM, "icmp");
    assert!(
        way.iter().any(|device| device.starts_with("nva")),
        "{way:?}"
    );
    assert!(way.iter().any(|device| device.ends_with(".ams")), "{way:?}");
    // Packets of hosts go to the CPE, tunnels of the CPE to the circuit.
    let to_the_cpe = lab.sent_by(("core.paris", "cpe1"), HOST, VM, 20);
    assert!(to_the_cpe >= 20, "{to_the_cpe}");
    lab.verify();
    for target in ["link:core.paris/er0", "msee1.ams"] {
        lab.fail(target);
        lab.expect(Some(target));
        assert!(lab.reaches(HOST, VM), "{target}");
        lab.heal(target);
        lab.expect(None);
    }
}
