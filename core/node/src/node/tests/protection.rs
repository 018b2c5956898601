//! Protected classes over paths that lose packets: whole nodes, and nodes in halves with several forwarders.

use core::net::SocketAddrV4;
use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite};
use design::plan::{ClassConfig, ClassMatch, NodeConfig, ProtectConfig};
use inet::packet;

use super::harness::{Device, Net};
use super::threads::Wire;
use crate::{Event, stub};

const EF: u8 = 46;
const MILLI: Duration = Duration::from_millis(1);
/// The sending site's underlays.
const UNDERLAYS: [&str; 2] = ["203.0.113.10", "203.0.114.10"];

/// A site with two underlays, a hub and a site with one. Voice is protected.
fn sites(protect: ProtectConfig) -> [NodeConfig; 3] {
    let mut site = stub::cpe("cpe1.paris", 10, "10.10.0.0/24");
    let mut hub = stub::nva("nva1.westeurope", 1, 1);
    let mut other = stub::cpe("cpe1.london", 20, "10.20.0.0/24");
    stub::add_locator(&mut site, "second", stub::address(UNDERLAYS[1]));
    let paths = [(0, 0, 10), (1, 0, 20)];
    stub::link_by(&mut site, &mut hub, (HomeHub, HomeSite), &paths);
    stub::link(&mut other, &mut hub, (HomeHub, HomeSite));
    let mut configs = [site, hub, other];
    for config in &mut configs {
        config.classes = vec![ClassConfig {
            name: "voice".to_owned(),
            matches: vec![ClassMatch {
                dscp: vec![EF],
                ..ClassMatch::default()
            }],
            protect,
            ..ClassConfig::default()
        }];
    }
    configs
}

fn voice(number: u16) -> Vec<u8> {
    let from = SocketAddrV4::new(stub::address("10.10.0.5"), 4_000 + number % 3);
    let to = SocketAddrV4::new(stub::address("10.20.0.5"), 5_000);
    let mut payload = vec![number as u8; 20 + usize::from(number) % 200];
    payload[..2].copy_from_slice(&number.to_be_bytes());
    let mut bytes = packet::udp(from, to, 62, &payload);
    offload::tos::set(&mut bytes, EF << 2);
    bytes
}

/// How often each number came.
fn numbers(packets: &[Vec<u8>], sent: u16) -> Vec<u32> {
    let mut came = vec![0; usize::from(sent)];
    for packet in packets {
        assert_eq!(packet::checksum(&packet[..20]), 0, "the header is whole");
        let number = u16::from_be_bytes([packet[28], packet[29]]);
        let sent = voice(number);
        assert_eq!(packet[28..], sent[28..], "the payload is as it was sent");
        came[usize::from(number)] += 1;
    }
    came
}

struct Sites {
    net: Net,
    devices: [Device; 3],
}

impl Sites {
    fn new(protect: ProtectConfig) -> Self {
        let mut net = Net::default();
        let devices = sites(protect).map(|config| net.add(config));
        net.run(Duration::from_secs(5));
        Self { net, devices }
    }

    /// Sends so many packets, one every five milliseconds, and gives how often each came.
    fn pass(&mut self, packets: u16) -> Vec<u32> {
        for number in 0..packets {
            self.net.send_from_kernel(self.devices[0], voice(number));
            self.net.run(MILLI * 5);
        }
        self.net.run(MILLI * 200);
        numbers(&self.net.take_packets(self.devices[2]), packets)
    }

    fn counters(&self, place: usize) -> &crate::Counters {
        self.net.node(self.devices[place]).counters()
    }
}

#[test]
fn five_percent_of_loss_on_each_hop_become_less_than_one_with_parity() {
    let mut sites = Sites::new(ProtectConfig::Fec);
    sites.net.lose(50_000);
    let came = sites.pass(4_000);
    let lost = came.iter().filter(|times| **times == 0).count();
    assert!(lost <= 40, "{lost} of 4,000");
    assert!(came.iter().all(|times| *times <= 1));
    for place in [1, 2] {
        assert!(sites.counters(place).recovered > 100);
    }
    let events = sites.net.events(sites.devices[0]);
    let began = events.iter().find_map(|(_, event)| match event {
        Event::Parity { lost_ppm, .. } => Some(*lost_ppm),
        _ => None,
    });
    assert!(began.is_some_and(|lost| (10_000..150_000).contains(&lost)));
}

#[test]
fn without_loss_there_is_no_parity_and_without_protection_no_mark() {
    for protect in [ProtectConfig::Fec, ProtectConfig::None] {
        let mut sites = Sites::new(protect);
        assert_eq!(sites.pass(1_000), [1; 1_000]);
        for place in 0..3 {
            let counters = sites.counters(place);
            let seen = (counters.parity, counters.recovered, counters.duplicates);
            assert_eq!((seen, counters.copies), ((0, 0, 0), 0));
            assert_eq!(counters.drops.len(), 0);
        }
    }
}

#[test]
fn copies_over_two_paths_lose_nothing_when_one_of_them_goes_dark() {
    let mut sites = Sites::new(ProtectConfig::Duplicate);
    let came = sites.pass(500);
    assert_eq!(came, [1; 500]);
    assert_eq!(sites.counters(0).copies, 500);
    assert_eq!(sites.counters(1).duplicates, 500);
    sites.net.cut(
        stub::address(UNDERLAYS[0]),
        stub::address("198.51.100.1"),
        true,
    );
    assert_eq!(sites.pass(1_000), [1; 1_000]);
    assert_eq!(sites.counters(2).copies, 0, "one path has no second");
}

#[test]
fn forwarders_bring_back_what_is_lost_whatever_threads_the_nodes_have() {
    for threads in [[1, 1, 1], [2, 4, 2], [4, 1, 3]] {
        let mut configs = sites(ProtectConfig::Fec);
        for (config, threads) in configs.iter_mut().zip(threads) {
            config.forwarding.threads = threads;
        }
        let mut wire = Wire::new(configs.into(), true);
        wire.lose(50_000);
        for number in 0..4_000 {
            let shard = usize::from(number % 3) % usize::from(threads[0]);
            wire.send(0, shard, &voice(number));
            wire.tick(MILLI * 5);
        }
        let came = numbers(&wire.packets(2), 4_000);
        let lost = came.iter().filter(|times| **times == 0).count();
        assert!(lost <= 40, "{lost} of 4,000 with {threads:?} threads");
        assert!(came.iter().all(|times| *times <= 1));
        wire.tick(Duration::from_secs(1));
        assert!(wire.counters(1).recovered > 100);
    }
}

#[test]
fn forwarders_let_one_copy_pass_whichever_of_them_they_come_to() {
    for threads in [[1, 1, 1], [2, 4, 2]] {
        let mut configs = sites(ProtectConfig::Duplicate);
        for (config, threads) in configs.iter_mut().zip(threads) {
            config.forwarding.threads = threads;
        }
        let mut wire = Wire::new(configs.into(), true);
        for number in 0..1_000 {
            if number == 500 {
                wire.cut = Some(stub::address(UNDERLAYS[0]));
            }
            let shard = usize::from(number % 3) % usize::from(threads[0]);
            wire.send(0, shard, &voice(number));
            wire.tick(MILLI * 5);
        }
        assert_eq!(numbers(&wire.packets(2), 1_000), [1; 1_000], "{threads:?}");
        wire.tick(Duration::from_secs(1));
        assert_eq!(wire.counters(1).duplicates, 500);
    }
}
