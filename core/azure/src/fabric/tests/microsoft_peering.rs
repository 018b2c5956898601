//! Microsoft peering: public addresses over ExpressRoute.

use std::collections::BTreeSet;

use super::express_route::{circuits, converged};
use super::world::{Got, ip, tcp, udp};
use crate::fabric::DropReason;

/// Public: of the customer, and of an NVA.
const EDGE: &str = "198.51.100.5";
const NVA: &str = "20.0.0.1";

#[test]
fn azure_3_8_public_addresses_of_nvas_are_reached_through_the_msee_and_answer_through_one() {
    let mut world = converged(&circuits());
    let (hops, at) = world.path("core.paris/ms0", udp(EDGE, NVA));
    assert_eq!((hops, at), (vec!["msee0.par".to_owned()], "nva1.west"));
    let got = world.send("core.paris/ms0", udp(EDGE, NVA));
    assert_eq!(got.flow().destination, ip("10.1.1.4"));
    let back = world.send("nva1.west", udp("10.1.1.4", EDGE));
    assert_eq!(back.flow().source, ip(NVA));
    assert!(back.at().starts_with("core.paris/ms"));
}

#[test]
fn azure_3_8_both_msees_share_the_flows_towards_the_customer_and_one_takes_all_when_the_other_dies()
{
    let mut world = converged(&circuits());
    let ends = |world: &mut super::world::World| -> BTreeSet<&str> {
        (0..50)
            .map(|port| {
                world
                    .send("nva1.west", tcp("10.1.1.4", EDGE, 20_000 + port, 443))
                    .at()
            })
            .collect()
    };
    assert_eq!(
        ends(&mut world),
        BTreeSet::from(["core.paris/ms0", "core.paris/ms1"])
    );
    world.device("msee0.par", false);
    assert_eq!(ends(&mut world), BTreeSet::from(["core.paris/ms1"]));
    world.device("msee1.par", false);
    let got = world.send("nva1.west", udp("10.1.1.4", EDGE));
    assert_eq!(got, Got::Dropped(DropReason::UnknownPublicAddress));
}

#[test]
fn azure_3_8_private_and_microsoft_peering_are_two_networks() {
    let mut world = converged(&circuits());
    for (from, flow) in [
        ("core.paris/er0", udp("172.21.0.10", NVA)),
        ("core.paris/er0", udp("172.21.0.10", EDGE)),
        ("core.paris/ms0", udp(EDGE, "10.2.0.4")),
        ("core.paris/ms0", udp(EDGE, "172.21.0.10")),
    ] {
        assert_eq!(
            world.send(from, flow),
            Got::Dropped(DropReason::NoRoute),
            "{flow}"
        );
    }
}

#[test]
fn azure_3_8_only_a_circuit_with_microsoft_peering_reaches_public_addresses() {
    let mut config = circuits();
    for forwarder in &mut config.forwarders {
        if let design::plan::ForwarderKind::Msee { microsoft, .. } = &mut forwarder.kind {
            *microsoft = false;
        }
    }
    let mut world = converged(&config);
    let got = world.send("core.paris/ms0", udp(EDGE, NVA));
    assert_eq!(got, Got::Dropped(DropReason::NoRoute));
    let got = world.send("nva1.west", udp("10.1.1.4", EDGE));
    assert_eq!(got, Got::Dropped(DropReason::UnknownPublicAddress));
}

#[test]
fn a_vm_without_public_address_does_not_reach_the_customer_by_it() {
    let mut world = converged(&circuits());
    let got = world.send("vm1.spoke", udp("10.2.0.4", EDGE));
    assert_eq!(got, Got::Dropped(DropReason::NoPublicAddress));
}
