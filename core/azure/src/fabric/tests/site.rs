//! Sites: clouds, access links, NAT.

use core::time::Duration;

use inet::Coordinates;
use inet::packet;
use underlay::geography;

use super::world::{Got, PARIS, WEST, World, attachment, config, ip, packet_of, udp};
use crate::fabric::{DropReason, Fabric, FabricError, Input, Output, Referent, Translator};

fn paris_to_west() -> Duration {
    geography::latency(Coordinates::from(PARIS), Coordinates::from(WEST), 170)
}

const ACCESS: Duration = Duration::from_millis(2);

#[test]
fn a_site_reaches_a_public_endpoint_and_the_reply_takes_the_same_cloud_back() {
    let mut world = World::new(&config());
    let out = world.send("cpe1.paris/wan0", udp("84.0.0.1", "20.0.0.1"));
    assert_eq!(out.at(), "nva1.west");
    assert_eq!(out.flow(), udp("84.0.0.1", "10.1.1.4"));
    assert_eq!(out.after(), ACCESS + paris_to_west());
    let back = world.send("nva1.west", udp("10.1.1.4", "84.0.0.1"));
    assert_eq!(back.at(), "cpe1.paris/wan0");
    assert_eq!(back.flow(), udp("20.0.0.1", "84.0.0.1"));
    assert_eq!(back.after(), ACCESS + paris_to_west());
}

#[test]
fn the_reply_takes_the_cloud_that_owns_the_destination() {
    let mut world = World::new(&config());
    assert_eq!(
        world
            .send("cpe1.paris/wan1", udp("84.1.0.1", "20.0.0.1"))
            .at(),
        "nva1.west"
    );
    let back = world.send("nva1.west", udp("10.1.1.4", "84.1.0.1"));
    assert_eq!(back.at(), "cpe1.paris/wan1");
}

#[test]
fn a_cloud_is_a_router_hop_and_a_nat_another() {
    let mut world = World::new(&config());
    assert_eq!(
        world
            .send("cpe1.paris/wan0", udp("84.0.0.1", "20.0.0.1"))
            .ttl(),
        63
    );
    assert_eq!(
        world
            .send("cpe1.lyon/wan0", udp("192.168.1.2", "20.0.0.1"))
            .ttl(),
        62
    );
    let mut dying = packet_of(udp("84.0.0.1", "20.0.0.1"));
    while packet::decrement_ttl(&mut dying) {}
    let got = world.send_packet("cpe1.paris/wan0", dying);
    assert_eq!(got, Got::Dropped(DropReason::TtlExpired));
}

#[test]
fn an_mpls_cloud_reaches_only_its_regions_and_its_own_sites() {
    let mut world = World::new(&config());
    let unreachable = Got::Dropped(DropReason::CloudUnreachable);
    assert_eq!(
        world.send("cpe1.paris/wan1", udp("84.1.0.1", "20.0.0.3")),
        unreachable
    );
    assert_eq!(
        world.send("nva1.east", udp("10.11.1.4", "84.1.0.1")),
        unreachable
    );
    assert_eq!(
        world.send("cpe1.paris/wan1", udp("84.1.0.1", "84.0.0.2")),
        unreachable
    );
    assert_eq!(
        world
            .send("cpe1.paris/wan0", udp("84.0.0.1", "84.0.0.2"))
            .at(),
        "cpe2.paris/wan0"
    );
}

#[test]
fn a_cloud_takes_only_the_sites_own_address() {
    let mut world = World::new(&config());
    let got = world.send("cpe1.paris/wan0", udp("172.20.1.10", "20.0.0.1"));
    assert_eq!(got, Got::Dropped(DropReason::SourceSpoofed));
}

#[test]
fn a_site_behind_nat_is_reached_only_where_it_has_sent_to() {
    let mut world = World::new(&config());
    let early = world.send("nva1.west", udp("10.1.1.4", "84.0.0.9"));
    assert_eq!(early, Got::Dropped(DropReason::NatNoMapping));
    let out = world.send("cpe1.lyon/wan0", udp("192.168.1.2", "20.0.0.1"));
    assert_eq!(out.flow(), udp("84.0.0.9", "10.1.1.4"));
    let mut reply = udp("10.1.1.4", "84.0.0.9");
    (reply.source_port, reply.destination_port) = (6_000, 5_000);
    let back = world.send("nva1.west", reply);
    assert_eq!(
        (back.at(), back.flow().destination),
        ("cpe1.lyon/wan0", ip("192.168.1.2"))
    );
    reply.source_port = 6_001;
    let filtered = world.send("nva1.west", reply);
    assert_eq!(filtered, Got::Dropped(DropReason::NatRefused));
}

#[test]
fn a_nat_forgets_a_silent_site() {
    let mut world = World::new(&config());
    let flow = udp("192.168.1.2", "20.0.0.1");
    world.send("cpe1.lyon/wan0", flow);
    world.pass(Duration::from_secs(121));
    let mut reply = udp("10.1.1.4", "84.0.0.9");
    (reply.source_port, reply.destination_port) = (6_000, 5_000);
    let got = world.send("nva1.west", reply);
    assert_eq!(got, Got::Dropped(DropReason::NatNoMapping));
}

#[test]
fn an_explanation_names_every_translation_in_order() {
    let world = World::new(&config());
    let port = world.port("cpe1.lyon/wan0");
    let said = world
        .fabric
        .explain(world.now, port, udp("192.168.1.2", "20.0.0.1"));
    let by: Vec<_> = said.rewrites.iter().map(|rewrite| rewrite.by).collect();
    assert_eq!(by, [Translator::SiteNat, Translator::PublicAddress]);
    assert_eq!(said.rewrites[1].flow, udp("84.0.0.9", "10.1.1.4"));
}

#[test]
fn a_later_fragment_does_not_pass_a_nat() {
    let mut world = World::new(&config());
    let mut bytes = packet_of(udp("192.168.1.2", "20.0.0.1"));
    bytes[6..8].copy_from_slice(&[0, 10]);
    let got = world.send_packet("cpe1.lyon/wan0", bytes);
    assert_eq!(got, Got::Dropped(DropReason::Fragment));
}

#[test]
fn the_down_link_queues_in_order_of_arrival_from_near_and_far() {
    // 1 Mbit/s down: a packet from afar that was sent first must not hold up a near one
    let mut config = config();
    config.attachments[0].down.rate_bps = 1_000_000;
    let mut world = World::new(&config);
    let mut out = Vec::new();
    let mut send = |world: &mut World, from: &str, source: &str| {
        let port = world.port(from);
        let bytes = packet_of(udp(source, "84.0.0.1"));
        world
            .fabric
            .handle(world.now, Input::Packet { port, bytes }, &mut out);
    };
    send(&mut world, "nva1.east", "10.11.1.4");
    send(&mut world, "nva1.west", "10.1.1.4");
    let mut sources = Vec::new();
    let mut times = Vec::new();
    while let Some(at) = world.fabric.wake() {
        world.fabric.handle(at, Input::Wake, &mut out);
        for output in out.drain(..) {
            if let Output::Deliver { bytes, .. } = output {
                sources.push(packet::Ipv4::parse(&bytes).expect("a packet").source());
                times.push(at.since(world.now));
            }
        }
    }
    assert_eq!(sources, [ip("20.0.0.1"), ip("20.0.0.3")]);
    let serialization = Duration::from_nanos(35 * 8 * 1_000);
    assert_eq!(times[0], paris_to_west() + ACCESS + serialization);
}

#[test]
fn names_that_do_not_exist_are_refused_with_who_refers_to_them() {
    let mut broken = config();
    broken.attachments[0].cloud = "carrier-pigeon".to_owned();
    let error = Fabric::new(&broken, inet::Instant::ZERO).err();
    assert_eq!(
        error,
        Some(FabricError::Unknown {
            what: Referent::Cloud,
            name: "carrier-pigeon".to_owned(),
            by: "cpe1.paris/wan0".to_owned(),
        })
    );
    let mut broken = config();
    broken
        .attachments
        .push(attachment("cpe9.rome", "wan0", "internet", "20.0.0.1"));
    let error = Fabric::new(&broken, inet::Instant::ZERO).err();
    assert!(
        matches!(error, Some(FabricError::DuplicateAddress { .. })),
        "{error:?}"
    );
    let mut broken = config();
    broken.nics.push(broken.nics[0].clone());
    let error = Fabric::new(&broken, inet::Instant::ZERO).err();
    assert!(
        matches!(error, Some(FabricError::DuplicatePort { .. })),
        "{error:?}"
    );
}
