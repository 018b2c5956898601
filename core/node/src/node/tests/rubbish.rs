//! Whatever comes from outside, a node neither panics nor stops making progress.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};

use super::harness::Net;
use crate::vrrp::Advertisement;
use crate::{Input, LanId, LocatorId, stub};

/// A CPE that is up, with a virtual router.
fn cpe() -> (Net, usize) {
    let mut nva = stub::nva("nva1.westeurope", 1, 1);
    let mut cpe = stub::cpe("cpe1.paris", 10, "10.1.0.0/24");
    stub::add_vrrp(&mut cpe, 100);
    stub::link(&mut cpe, &mut nva, (HomeHub, HomeSite));
    let mut net = Net::default();
    net.add(nva);
    let cpe = net.add(cpe);
    net.run(Duration::from_secs(1));
    (net, cpe)
}

proptest! {
    #[test]
    fn any_bytes_from_any_side_are_survived(
        inputs in vec((0u8..3, any::<u16>(), vec(any::<u8>(), 0..200)), 1..50),
    ) {
        let (mut net, cpe) = cpe();
        for (side, port, mut bytes) in inputs {
            let from = Ipv4Addr::new(10, 1, 0, 7);
            let input = match side {
                0 => Input::Packet { bytes: &mut bytes },
                1 => Input::Datagram {
                    locator: LocatorId(port % 2),
                    from: SocketAddrV4::new(from, port),
                    bytes: &mut bytes,
                },
                _ => Input::Vrrp { lan: LanId(port % 2), from, bytes: &bytes },
            };
            net.input(cpe, input);
        }
        net.run(Duration::from_secs(1));
        assert!(net.node(cpe).links(net.now)[0].up);
    }

    #[test]
    fn any_advertisement_that_is_read_is_written_the_same(
        id in 1u8..,
        priority in any::<u8>(),
        interval_cs in 1u16..4096,
        octets in vec(any::<[u8; 4]>(), 1..20),
    ) {
        let addresses = octets.into_iter().map(Ipv4Addr::from).collect();
        let sent = Advertisement { id, priority, interval_cs, addresses };
        let read = Advertisement::decode(Ipv4Addr::LOCALHOST, &sent.encode());
        assert_eq!(read, Ok(sent));
    }
}
