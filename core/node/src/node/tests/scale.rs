//! A hub of thousands of links: a wake-up touches what is due and nothing else.

use core::net::Ipv4Addr;

use design::plan::LinkRole::{HomeHub, HomeSite};
use inet::Instant;

use crate::{Input, Node, stub};

const LINKS: u16 = 2_000;

fn hub() -> Node {
    let mut hub = stub::nva("nva1.westeurope", 1, 1);
    for number in 0..LINKS {
        let mut cpe = stub::cpe("cpe", 10, "10.1.0.0/24");
        cpe.name = format!("cpe{number}");
        cpe.loopback = Ipv4Addr::from_bits(0xac11_0000 + u32::from(number));
        cpe.locators[0].name = format!("cpe{number}/wan0");
        let key = stub::key(&cpe.locators[0].name);
        cpe.locators[0].public_key = key.public_key().to_string();
        stub::link(&mut cpe, &mut hub, (HomeHub, HomeSite));
    }
    let secrets = stub::secrets(&hub);
    Node::new(&hub, &secrets, &stub::options(1), Instant::ZERO).expect("a good configuration")
}

#[test]
fn probers_of_a_large_hub_are_spread_and_woken_one_by_one() {
    let mut hub = hub();
    let (mut out, mut wakes) = (Vec::new(), 0u32);
    while let Some(at) = hub.wake().filter(|at| *at < Instant::from_secs(1)) {
        hub.handle(at, Input::Wake, &mut out);
        wakes += 1;
    }
    // Five rounds of probes; spread so that few share an instant.
    assert!((9_000..=12_000).contains(&wakes), "{wakes}");
    assert_eq!(hub.links(Instant::from_secs(1)).len(), usize::from(LINKS));
}
