//! Nodes whose halves are driven apart, with several forwarders each: what belongs to another shard is handed over,
//! flows stay in order, and keys change under way without loss.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use design::plan::LinkRole::{HomeHub, HomeSite};
use design::plan::{Liveness, NodeConfig};
use inet::packet::{self, Ipv4};
use inet::{Instant, Rng};
use offload::Offload;
use tunnel::Aead;

use super::batches::Kept;
use super::harness::{Device, Net};
use crate::plane::change::{Change, Kind, LinkPaths};
use crate::view::Counters;
use crate::{Control, Forwarder, Input, LinkId, LocatorId, Order, Output, stub};

const SECOND: Duration = Duration::from_secs(1);

/// A node in its halves, and where it is reached.
struct Machine {
    control: Control,
    shards: Vec<(Forwarder, Kept)>,
    /// By locator.
    addresses: Vec<SocketAddrV4>,
}

/// Machines whose datagrams arrive at once.
pub(super) struct Wire {
    pub(super) now: Instant,
    machines: Vec<Machine>,
    /// Whether the kernel gives datagrams to the shard that they are for.
    steers: bool,
    /// How often something was handed over.
    handed: usize,
    handshakes: usize,
    /// Data datagrams that are lost by chance, in parts per million.
    lost: Option<(u32, Rng)>,
    /// Where no datagram arrives.
    pub(super) cut: Option<Ipv4Addr>,
}

impl Wire {
    /// Two sites and a hub that know each other by now.
    pub(super) fn new(configs: Vec<NodeConfig>, steers: bool) -> Self {
        Self::after(configs, steers, |net, _| net.run(SECOND * 3))
    }

    /// The same, after something else.
    fn after(
        configs: Vec<NodeConfig>,
        steers: bool,
        happens: impl FnOnce(&mut Net, &[Device]),
    ) -> Self {
        let mut net = Net::default();
        let address = |config: &NodeConfig| -> Vec<SocketAddrV4> {
            let sockets = config.locators.iter().map(|locator| {
                let mut interfaces = config.interfaces.iter();
                let own = interfaces.find(|one| one.name == locator.interface);
                SocketAddrV4::new(own.expect("its interface").address, locator.port)
            });
            sockets.collect()
        };
        let addresses: Vec<_> = configs.iter().map(address).collect();
        let devices: Vec<_> = configs.into_iter().map(|config| net.add(config)).collect();
        happens(&mut net, &devices);
        let machines = devices.into_iter().zip(addresses);
        let machines = machines.map(|(device, addresses)| {
            let (control, forwarders) = net.take(device).split();
            let shards = forwarders.into_iter();
            Machine {
                control,
                shards: shards.map(|one| (one, Kept::default())).collect(),
                addresses,
            }
        });
        Self {
            machines: machines.collect(),
            now: net.now,
            steers,
            handed: 0,
            handshakes: 0,
            lost: None,
            cut: None,
        }
    }

    /// From now on so much of the data is lost by chance.
    pub(super) fn lose(&mut self, ppm: u32) {
        self.lost = Some((ppm, Rng::new(3)));
    }

    /// What a machine has counted.
    pub(super) fn counters(&self, machine: usize) -> &Counters {
        self.machines[machine].control.node().counters()
    }

    /// The kernel of a machine gives a packet to one of the device's queues.
    pub(super) fn send(&mut self, machine: usize, shard: usize, packet: &[u8]) {
        let (forwarder, kept) = &mut self.machines[machine].shards[shard];
        let mut buffer = forwarder.buffer().expect("a buffer");
        buffer.room()[..packet.len()].copy_from_slice(packet);
        buffer.set_len(packet.len());
        forwarder.from_kernel(self.now, buffer, Offload::NONE, kept);
        self.settle();
    }

    /// Time passes for all control halves.
    pub(super) fn tick(&mut self, by: Duration) {
        self.now = self.now + by;
        for machine in 0..self.machines.len() {
            self.control(machine, |control, now, out, orders| {
                control.handle(now, Input::Wake, out, orders);
            });
        }
        self.settle();
    }

    /// Carries everything to where it belongs until nothing is left.
    fn settle(&mut self) {
        while (0..self.machines.len()).any(|machine| self.carry(machine)) {}
    }

    /// Carries what one machine has to give; whether there was anything.
    fn carry(&mut self, machine: usize) -> bool {
        let mut any = false;
        for shard in 0..self.machines[machine].shards.len() {
            let now = self.now;
            let (forwarder, kept) = &mut self.machines[machine].shards[shard];
            while forwarder.run(now, kept) {}
            let batches = core::mem::take(&mut kept.batches);
            let sockets = core::mem::take(&mut kept.sockets);
            let (punts, notices) = (
                core::mem::take(&mut kept.punts),
                core::mem::take(&mut kept.notices),
            );
            let handed = core::mem::take(&mut kept.handed);
            any |= !(batches.is_empty() && punts.is_empty() && handed.is_empty());
            for ((to, tos, segment, bytes), by) in batches.into_iter().zip(sockets) {
                self.arrive((machine, by), to, (tos, segment), &bytes);
            }
            for (to, handed) in handed {
                self.handed += 1;
                let (forwarder, kept) = &mut self.machines[machine].shards[to];
                forwarder.take(now, handed, kept);
            }
            self.control(machine, |control, now, out, orders| {
                for punt in punts {
                    control.on_punt(now, punt, out, orders);
                }
                for notice in notices {
                    control.on_notice(now, shard, notice, out, orders);
                }
            });
        }
        any
    }

    fn control(
        &mut self,
        machine: usize,
        act: impl FnOnce(&mut Control, Instant, &mut Vec<Output>, &mut Vec<Order>),
    ) {
        let (now, mut out, mut orders) = (self.now, Vec::new(), Vec::new());
        act(
            &mut self.machines[machine].control,
            now,
            &mut out,
            &mut orders,
        );
        for Order { shard, change } in orders {
            let shards = self.machines[machine].shards.iter_mut().enumerate();
            let shards = shards.filter(|(number, _)| shard.is_none_or(|shard| shard == *number));
            for (_, (forwarder, kept)) in shards {
                forwarder.apply(now, change.clone(), kept);
            }
        }
        for output in out {
            if let Output::Datagram { locator, to, bytes } = output {
                self.handshakes += 1;
                self.arrive((machine, locator), to, (0, bytes.len()), &bytes);
            }
        }
    }

    fn arrive(
        &mut self,
        (from, by): (usize, LocatorId),
        to: SocketAddrV4,
        (tos, segment): (u8, usize),
        bytes: &[u8],
    ) {
        let (now, from) = (self.now, self.machines[from].addresses[by.index()]);
        let chance = self.lost.as_mut().filter(|_| bytes[0] == 4);
        let is_lost = chance.is_some_and(|(ppm, rng)| rng.chance_ppm(*ppm));
        if is_lost || [from, to].iter().any(|end| self.cut == Some(*end.ip())) {
            return;
        }
        let place = |one: &Machine| one.addresses.iter().position(|address| *address == to);
        let mut machines = self.machines.iter_mut();
        let found = machines.find_map(|one| Some((place(one)?, one)));
        let (locator, machine) = found.expect("a known address");
        let shards = &mut machine.shards;
        let index = bytes[4..8].try_into().map(u32::from_le_bytes);
        let shard = match self.steers && bytes[0] == 4 {
            true => tunnel::shard_of(index.expect("four octets"), shards.len()),
            false => 0,
        };
        let (forwarder, kept) = &mut shards[shard];
        let mut buffer = forwarder.buffer().expect("a buffer");
        buffer.room()[..bytes.len()].copy_from_slice(bytes);
        buffer.set_len(bytes.len());
        let locator = LocatorId(locator as u16);
        forwarder.from_underlay(now, locator, (from, tos), buffer, segment, kept);
    }

    /// Takes what a machine's kernel was given, in order by shard.
    pub(super) fn packets(&mut self, machine: usize) -> Vec<Vec<u8>> {
        let shards = self.machines[machine].shards.iter_mut();
        let packets = shards.flat_map(|(_, kept)| kept.delivered.drain(..));
        packets.map(|(_, packet)| packet).collect()
    }

    /// Takes the last octets of what a machine's kernel was given, in order by shard.
    pub(super) fn delivered(&mut self, machine: usize) -> Vec<u8> {
        let shards = self.machines[machine].shards.iter_mut();
        let packets = shards.flat_map(|(_, kept)| kept.delivered.drain(..));
        packets
            .map(|(_, packet)| *packet.last().expect("no packet is empty"))
            .collect()
    }
}

/// Two sites of a hub, with so many threads each.
fn sites(threads: [u8; 3]) -> Vec<NodeConfig> {
    let mut nva = stub::nva("nva1.westeurope", 1, 1);
    let mut configs = [10, 20].map(|number| {
        let (name, lan) = (format!("cpe{number}"), format!("10.{number}.0.0/24"));
        stub::cpe(&name, number, &lan)
    });
    for cpe in &mut configs {
        stub::link(cpe, &mut nva, (HomeHub, HomeSite));
    }
    let [a, b] = configs;
    let mut configs = vec![a, nva, b];
    for (config, threads) in configs.iter_mut().zip(threads) {
        config.forwarding.threads = threads;
    }
    configs
}

fn datagram(port: u16, number: u8) -> Vec<u8> {
    let from = SocketAddrV4::new(stub::address("10.10.0.5"), port);
    let to = SocketAddrV4::new(stub::address("10.20.0.5"), 5_000);
    packet::udp(from, to, 62, &[0, 0, 0, number])
}

/// Sends flows from every shard of the first site to the second one, and looks at what arrives.
fn cross(threads: [u8; 3], steers: bool) -> usize {
    let mut wire = Wire::new(sites(threads), steers);
    for number in 0..50 {
        for shard in 0..threads[0] {
            let port = 4_000 + u16::from(shard);
            wire.send(0, usize::from(shard), &datagram(port, number));
        }
    }
    let shards = wire.machines[2].shards.iter_mut();
    let packets: Vec<Vec<u8>> = shards
        .flat_map(|(_, kept)| kept.delivered.drain(..).map(|(_, packet)| packet))
        .collect();
    assert_eq!(packets.len(), 50 * usize::from(threads[0]));
    for shard in 0..threads[0] {
        let numbers = packets.iter().filter_map(|packet| {
            let view = Ipv4::parse(packet).expect("a packet");
            let is_of = view.flow().source_port == 4_000 + u16::from(shard);
            is_of.then(|| packet[packet.len() - 1])
        });
        assert!(numbers.eq(0..50), "flow {shard} is whole and in order");
    }
    wire.handed
}

#[test]
fn every_shard_has_lanes_of_its_own_and_a_kernel_that_steers_spares_handing_over() {
    assert_eq!(cross([1, 1, 1], true), 0);
    assert_eq!(cross([2, 2, 2], true), 0);
    assert_eq!(cross([4, 4, 4], true), 0);
}

#[test]
fn what_comes_to_another_shard_is_handed_over_and_stays_in_order() {
    assert!(cross([2, 2, 2], false) > 0);
    assert!(cross([1, 4, 2], false) > 0);
    assert!(
        cross([4, 1, 2], true) < 50 * 4,
        "at most where shards differ"
    );
}

/// Two nodes that take each other for plain WireGuard devices.
fn plain(threads: u8) -> Vec<NodeConfig> {
    let mut nva = stub::nva("nva1.westeurope", 1, 1);
    let mut cpe = stub::cpe("cpe10", 10, "10.10.0.0/24");
    let mut far = stub::cpe("cpe20", 20, "10.20.0.0/24");
    for (site, lan) in [(&mut cpe, "10.10.0.0/24"), (&mut far, "10.20.0.0/24")] {
        stub::link(site, &mut nva, (HomeHub, HomeSite));
        let to_hub = site.links.last_mut().expect("a link");
        to_hub.static_routes = vec![stub::prefix("10.0.0.0/8")];
        let to_site = nva.links.last_mut().expect("a link");
        to_site.static_routes = vec![stub::prefix(lan)];
        for link in [to_hub, to_site] {
            link.loopback = None;
            link.paths[0].liveness = Liveness::Handshake;
        }
    }
    let mut configs = vec![cpe, nva, far];
    for config in &mut configs {
        config.forwarding.threads = threads;
    }
    configs
}

#[test]
fn keys_change_under_way_and_no_packet_is_lost() {
    for threads in [1, 2] {
        let mut wire = Wire::new(plain(threads), false);
        let before = wire.handshakes;
        for number in 0..2_000_u16 {
            wire.tick(Duration::from_millis(250));
            let shard = usize::from(number) % usize::from(threads);
            wire.send(0, shard, &datagram(4_000, number as u8));
            assert_eq!(wire.delivered(2), [number as u8], "after {number} quarters");
        }
        // 500 seconds: a handshake of two messages every two minutes on each of two tunnels, at least.
        assert!(wire.handshakes - before >= 2 * 2 * 4, "{}", wire.handshakes);
    }
}

#[test]
fn a_plain_peer_has_one_lane_and_other_shards_hand_over_to_its_owner() {
    let mut wire = Wire::new(plain(2), true);
    for number in 0..20 {
        wire.send(0, usize::from(number) % 2, &datagram(4_000, number));
    }
    assert!(wire.handed >= 10, "{}", wire.handed);
    assert!(wire.delivered(2).into_iter().eq(0..20));
}

#[test]
fn a_path_shows_what_its_keys_seal_with_and_how_many_lanes_they_have() {
    let keys = |configs| {
        let wire = Wire::new(configs, true);
        let links = wire.machines[0].control.node().links(wire.now);
        let path = &links[0].paths[0];
        (path.aead, path.lanes)
    };
    assert_eq!(keys(sites([4, 4, 1])), (Some(Aead::Aes256Gcm), Some(4)));
    let mut without = sites([2, 2, 1]);
    without[1].forwarding.aes = false;
    assert_eq!(keys(without), (Some(Aead::ChaCha20Poly1305), Some(2)));
    assert_eq!(keys(plain(2)), (Some(Aead::ChaCha20Poly1305), Some(1)));
}

#[test]
fn a_change_holds_for_flows_that_were_just_decided_about() {
    let mut wire = Wire::new(plain(1), true);
    wire.send(0, 0, &datagram(4_000, 1));
    let up = wire.machines[0]
        .control
        .node()
        .tables()
        .link(LinkId(0))
        .clone();
    for (paths, arrives) in [(LinkPaths::default(), false), (up, true)] {
        let (now, link) = (wire.now, LinkId(0));
        let (forwarder, kept) = &mut wire.machines[0].shards[0];
        forwarder.apply(now, Change(Kind::Link { link, paths }), kept);
        wire.delivered(2);
        wire.send(0, 0, &datagram(4_000, 2));
        assert_eq!(!wire.delivered(2).is_empty(), arrives);
    }
}

/// Two sites that make shortcuts, and their hub.
fn with_shortcuts(threads: [u8; 3]) -> Vec<NodeConfig> {
    let mut configs = sites(threads);
    for config in &mut configs {
        config.shortcuts.slots = 2;
        config.shortcuts.idle_s = 10;
        config
            .links
            .iter_mut()
            .for_each(|link| link.shortcuts = true);
    }
    configs
}

#[test]
fn forwarders_tell_a_hub_between_which_sites_it_relays() {
    let mut wire = Wire::new(with_shortcuts([1, 2, 1]), true);
    let introduces = |wire: &Wire| {
        let speaker = wire.machines[1].control.node().speaker();
        !speaker.multipath(stub::prefix("172.16.0.20/32")).is_empty()
    };
    assert!(!introduces(&wire));
    for number in 0..20 {
        wire.send(0, 0, &datagram(4_000, number));
        wire.tick(SECOND / 4);
    }
    assert!(introduces(&wire));
}

#[test]
fn forwarders_send_by_shortcuts_and_keep_those_in_use() {
    let mut wire = Wire::after(with_shortcuts([2, 1, 2]), true, |net, devices| {
        for number in 0..60 {
            net.run(SECOND / 4);
            net.send_from_kernel(devices[0], datagram(4_000, number));
        }
    });
    let relayed = |wire: &Wire| wire.machines[1].control.node().counters().relayed;
    let before = relayed(&wire);
    wire.delivered(2);
    // Longer than idle ones have, and shorter than the hold time of BGP, which nobody carries here.
    for number in 0..60 {
        wire.send(0, 0, &datagram(4_000, number));
        wire.tick(SECOND / 4);
        assert_eq!(wire.delivered(2), [number]);
    }
    assert_eq!(relayed(&wire), before);
    let links = wire.machines[0].control.node().links(wire.now);
    let shortcut = links.iter().find_map(|link| link.shortcut.as_ref());
    assert!(shortcut.expect("a shortcut").carries);
}
