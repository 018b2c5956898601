//! The fabric at size: many sites, many programmed prefixes, no search through all of them.

use core::time::Duration;

use super::world::{World, attachment, config, ip, packet_of, udp};
use crate::fabric::{Input, Output};

const SITES: u32 = 5_000;

fn address(site: u32) -> String {
    format!("85.{}.{}.1", site / 250, site % 250)
}

/// A world with 5,000 sites and a programmed prefix for each.
fn large() -> World {
    let mut config = config();
    for site in 0..SITES {
        let device = format!("cpe1.site{site}");
        config
            .attachments
            .push(attachment(&device, "wan0", "internet", &address(site)));
    }
    let mut world = World::new(&config);
    for site in 0..SITES {
        for instance in ["rs0.west", "rs1.west"] {
            let input = Input::Program {
                instance: world.instance(instance),
                prefix: inet::Prefix::around(
                    ip(&format!("172.{}.{}.0", 16 + site / 256, site % 256)),
                    24,
                )
                .expect("a length"),
                next_hops: vec![ip("10.1.1.4"), ip("10.1.1.5")],
            };
            world.fabric.handle(world.now, input, &mut Vec::new());
        }
    }
    world.pass(Duration::from_secs(1));
    world
}

#[test]
fn five_thousand_sites_talk_to_their_hub_and_vms_to_them() {
    let mut world = large();
    let mut out = Vec::new();
    let vm = world.port("vm1.spoke");
    for site in 0..SITES {
        let port = world.port(&format!("cpe1.site{site}/wan0"));
        let bytes = packet_of(udp(&address(site), "20.0.0.1"));
        world
            .fabric
            .handle(world.now, Input::Packet { port, bytes }, &mut out);
        let host = format!("172.{}.{}.9", 16 + site / 256, site % 256);
        let bytes = packet_of(udp("10.2.0.4", &host));
        world
            .fabric
            .handle(world.now, Input::Packet { port: vm, bytes }, &mut out);
        world.now = world.now + Duration::from_micros(5);
    }
    world
        .fabric
        .handle(world.now + Duration::from_secs(1), Input::Wake, &mut out);
    let delivered = out
        .iter()
        .filter(|output| matches!(output, Output::Deliver { .. }))
        .count();
    assert_eq!(delivered, 2 * SITES as usize);
}
