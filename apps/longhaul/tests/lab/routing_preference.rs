//! A site reached over ExpressRoute and over SD-WAN: each routing preference with real packets.

use crate::raised::Raised;

const DESIGN: &str = include_str!("../../../../examples/12-routing-preference.yaml");
const HOST: &str = "host1.paris";
const VM: &str = "vm1.spoke1-westeurope";

fn passes_an_nva(lab: &Raised) -> bool {
    let way = lab.way(VM, HOST, "icmp");
    way.iter().any(|device| device.starts_with("nva"))
}

#[test]
fn azure_1_10_the_preference_decides_and_the_other_takes_over() {
    let lab = Raised::of("preference-er", DESIGN);
    lab.expect(None);
    assert!(!passes_an_nva(&lab));
    lab.verify();
    lab.fail("circuit:ams");
    lab.expect(Some("circuit:ams"));
    assert!(passes_an_nva(&lab));
    assert!(lab.reaches(VM, HOST));
    lab.heal("circuit:ams");
    lab.expect(None);
    assert!(!passes_an_nva(&lab));
}

#[test]
fn azure_1_10_with_vpn_gateway_first_packets_pass_an_nva() {
    let preference = "routing_preference: express-route";
    let design = DESIGN.replace(preference, "routing_preference: vpn-gateway");
    assert_ne!(design, DESIGN);
    let lab = Raised::of("preference-vpn", &design);
    lab.expect(None);
    assert!(passes_an_nva(&lab));
    lab.verify();
}
