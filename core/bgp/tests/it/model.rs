//! Random announcements, withdrawals, flaps, refreshes and slow readers, held against a model that is
//! too simple to be wrong: at the end every neighbour has, by the bytes that it got, exactly what
//! the model says.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bgp::wire::attributes::Session as Checks;
use bgp::wire::capability::{Family, PathDirection};
use bgp::wire::header::{self, Kind};
use bgp::wire::open::Open;
use bgp::wire::update::Update;
use bgp::{
    AddPath, AddPaths, AsPath, Attributes, Capability, Command, ConnId, ConnectMode, Families,
    Input, NeighborId, Output, Settings, Speaker,
};
use inet::{Asn, Instant, Net};
use proptest::prelude::*;

use crate::net::{ip, neighbor};

const OURS: Asn = Asn(65_000);
const PEERS: usize = 6;
/// The last two are internal, the third tells and is told several paths.
const ASNS: [u32; PEERS] = [65_001, 65_002, 65_003, 65_001, 65_000, 65_000];
const SEVERAL: usize = 2;

#[derive(Clone, Debug)]
enum Step {
    Announce {
        from: usize,
        net: u8,
        path_id: u32,
        what: What,
    },
    Withdraw {
        from: usize,
        net: u8,
        path_id: u32,
    },
    Flap(usize),
    Close(usize),
    Block(usize),
    Unblock(usize),
    Refresh(usize),
    Wake,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct What {
    extra_hops: u8,
    med: Option<u32>,
    origin: u8,
    local_pref: u32,
    community: bool,
}

fn arb_what() -> impl Strategy<Value = What> {
    (
        0..3_u8,
        prop::option::of(0..3_u32),
        0..2_u8,
        99..102_u32,
        any::<bool>(),
    )
        .prop_map(|(extra_hops, med, origin, local_pref, community)| What {
            extra_hops,
            med,
            origin,
            local_pref,
            community,
        })
}

fn arb_step() -> impl Strategy<Value = Step> {
    let who = 0..PEERS;
    prop_oneof![
        12 => (who.clone(), 0..12_u8, 1..4_u32, arb_what())
            .prop_map(|(from, net, path_id, what)| Step::Announce { from, net, path_id, what }),
        6 => (who.clone(), 0..12_u8, 1..4_u32)
            .prop_map(|(from, net, path_id)| Step::Withdraw { from, net, path_id }),
        1 => who.clone().prop_map(Step::Flap),
        1 => who.clone().prop_map(Step::Close),
        2 => who.clone().prop_map(Step::Block),
        2 => who.clone().prop_map(Step::Unblock),
        1 => who.prop_map(Step::Refresh),
        1 => Just(Step::Wake),
    ]
}

/// Even numbers are IPv4, odd ones IPv6.
fn net(number: u8) -> Net {
    let text = if number.is_multiple_of(2) {
        format!("10.{number}.0.0/16")
    } else {
        format!("2001:db8:{number}::/48")
    };
    text.parse().expect("a network")
}

fn v6(peer: usize) -> Ipv6Addr {
    format!("2001:db8:ffff::{}", peer + 1)
        .parse()
        .expect("an address")
}

/// Path attributes as bytes, without those for the prefix.
fn block(from: usize, what: What) -> Vec<u8> {
    let mut path = vec![Asn(ASNS[from])];
    if ASNS[from] == OURS.0 {
        path = vec![Asn(64_900)];
    }
    path.extend((0..what.extra_hops).map(|n| Asn(64_800 + u32::from(n))));
    let mut attributes = Attributes::new(ip(from + 1));
    attributes.as_path = AsPath::sequence(path);
    attributes.med = what.med;
    attributes.origin = bgp::Origin::from_number(what.origin).expect("an origin");
    attributes.local_pref = (ASNS[from] == OURS.0).then_some(what.local_pref);
    if what.community {
        attributes.communities = vec![7];
    }
    attributes.encode(true)
}

fn nlri(from: usize, net: Net, path_id: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    if from == SEVERAL {
        bytes.extend(path_id.to_be_bytes());
    }
    bytes.push(net.len());
    let octets: Vec<u8> = match net.address() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    bytes.extend(&octets[..usize::from(net.len()).div_ceil(8)]);
    bytes
}

fn update(withdrawn: &[u8], attributes: &[u8], announced: &[u8]) -> Vec<u8> {
    let mut body = (withdrawn.len() as u16).to_be_bytes().to_vec();
    body.extend(withdrawn);
    body.extend((attributes.len() as u16).to_be_bytes());
    body.extend(attributes);
    body.extend(announced);
    header::message(Kind::Update, &body)
}

fn announcement(from: usize, net: Net, path_id: u32, what: What) -> Vec<u8> {
    let nlri = nlri(from, net, path_id);
    let block = block(from, what);
    if !net.is_v6() {
        return update(&[], &block, &nlri);
    }
    let mut reach = vec![0, 2, 1, 16];
    reach.extend(v6(from).octets());
    reach.push(0);
    reach.extend(nlri);
    let mut attributes = vec![0x80, 14, reach.len() as u8];
    attributes.extend(reach);
    // NEXT_HOP beside MP_REACH_NLRI alone is ignored (RFC 4760 §3).
    attributes.extend(block);
    update(&[], &attributes, &[])
}

fn withdrawal(from: usize, net: Net, path_id: u32) -> Vec<u8> {
    let nlri = nlri(from, net, path_id);
    if !net.is_v6() {
        return update(&nlri, &[], &[]);
    }
    let mut value = vec![0, 2, 1];
    value.extend(nlri);
    let mut attributes = vec![0x80, 15, value.len() as u8];
    attributes.extend(value);
    update(&[], &attributes, &[])
}

/// What a neighbour holds by the bytes that it got: by prefix and path identifier.
type Table = BTreeMap<(Net, u32), Attributes>;

struct World {
    speaker: Speaker,
    conns: [Option<ConnId>; PEERS],
    next: u64,
    got: [Table; PEERS],
    /// The model: what each neighbour told last, by prefix and path identifier.
    told: [BTreeMap<(Net, u32), What>; PEERS],
}

impl World {
    fn new() -> Self {
        let mut settings = Settings::new(OURS, ip(0));
        for (peer, asn) in ASNS.iter().enumerate() {
            let mut neighbor = neighbor(0, peer + 1, *asn);
            neighbor.connect = ConnectMode::Passive;
            neighbor.families = Families::BOTH;
            neighbor.local_address_v6 = Some("2001:db8:ffff::ffff".parse().expect("an address"));
            if peer == SEVERAL {
                let both = AddPath {
                    receive: true,
                    send: Some(64),
                };
                neighbor.add_path = AddPaths {
                    ipv4: both,
                    ipv6: both,
                };
            }
            settings.neighbors.push(neighbor);
        }
        let mut world = Self {
            speaker: Speaker::new(settings, 1, Instant::ZERO),
            conns: [None; PEERS],
            next: 0,
            got: Default::default(),
            told: Default::default(),
        };
        for peer in 0..PEERS {
            world.establish(peer);
        }
        world
    }

    fn give(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.speaker.handle(Instant::ZERO, input, &mut out);
        for output in out {
            let Output::Send { conn, bytes } = output else {
                continue;
            };
            if let Some(peer) = self.conns.iter().position(|known| *known == Some(conn)) {
                self.receive(peer, &bytes);
            }
        }
    }

    fn receive(&mut self, peer: usize, mut bytes: &[u8]) {
        let checks = Checks {
            external: ASNS[peer] != OURS.0,
            add_path: [peer == SEVERAL; 2],
            local_address: Ipv4Addr::UNSPECIFIED,
            inside: false,
            ..Checks::INSIDE
        };
        while let Some(frame) = header::frame(bytes, header::MESSAGE_MAX).expect("whole messages") {
            bytes = &bytes[frame.len..];
            if frame.kind != Kind::Update {
                continue;
            }
            let update = Update::parse(frame.body, &checks).expect("a good UPDATE");
            assert_eq!(update.fault(), None);
            for gone in update.withdrawn() {
                // A route that came and went while the neighbour was behind may be unknown to it.
                self.got[peer].remove(&gone);
            }
            let scan = update.attributes();
            for net in update.announced() {
                self.got[peer].insert(net, scan.attributes(scan.next_hop()));
            }
            if let Some(reach) = scan.reach {
                for net in reach.prefixes {
                    self.got[peer].insert(net, scan.attributes(reach.next_hop));
                }
            }
        }
    }

    fn establish(&mut self, peer: usize) {
        self.next += 1;
        let conn = ConnId::accepted(self.next);
        self.conns[peer] = Some(conn);
        self.got[peer].clear();
        let remote = SocketAddr::new(ip(peer + 1).into(), 40_000);
        let local = SocketAddr::new(ip(0).into(), 179);
        self.give(Input::Command(Command::Up(NeighborId(peer as u32))));
        self.give(Input::Accepted {
            conn,
            local,
            remote,
        });
        let mut capabilities = vec![
            Capability::Multiprotocol(Family::IPV4_UNICAST),
            Capability::Multiprotocol(Family::IPV6_UNICAST),
            Capability::FourOctetAs(Asn(ASNS[peer])),
            Capability::RouteRefresh,
        ];
        if peer == SEVERAL {
            let families = [Family::IPV4_UNICAST, Family::IPV6_UNICAST];
            let both = families.map(|family| (family, PathDirection::Both));
            capabilities.push(Capability::AddPath(both.to_vec()));
        }
        let open = Open {
            my_as: ASNS[peer] as u16,
            hold_time_s: 0,
            router_id: ip(peer + 1),
            capabilities,
        };
        let mut bytes = open.encode();
        bytes.extend(header::keepalive());
        self.give(Input::Bytes {
            conn,
            bytes: &bytes,
        });
        assert!(self.speaker.is_established(NeighborId(peer as u32)));
    }

    fn close(&mut self, peer: usize) {
        if let Some(conn) = self.conns[peer].take() {
            self.give(Input::Closed { conn });
            self.told[peer].clear();
            self.got[peer].clear();
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Announce {
                from,
                net: number,
                path_id,
                what,
            } => {
                let Some(conn) = self.conns[*from] else {
                    return;
                };
                let id = if *from == SEVERAL { *path_id } else { 0 };
                self.told[*from].insert((net(*number), id), *what);
                let bytes = announcement(*from, net(*number), id, *what);
                self.give(Input::Bytes {
                    conn,
                    bytes: &bytes,
                });
            }
            Step::Withdraw {
                from,
                net: number,
                path_id,
            } => {
                let Some(conn) = self.conns[*from] else {
                    return;
                };
                let id = if *from == SEVERAL { *path_id } else { 0 };
                self.told[*from].remove(&(net(*number), id));
                let bytes = withdrawal(*from, net(*number), id);
                self.give(Input::Bytes {
                    conn,
                    bytes: &bytes,
                });
            }
            Step::Flap(peer) => {
                self.close(*peer);
                self.establish(*peer);
            }
            Step::Close(peer) => self.close(*peer),
            Step::Block(peer) => {
                if let Some(conn) = self.conns[*peer] {
                    self.give(Input::Blocked { conn });
                }
            }
            Step::Unblock(peer) => {
                if let Some(conn) = self.conns[*peer] {
                    self.give(Input::Writable { conn });
                }
            }
            Step::Refresh(peer) => {
                if let Some(conn) = self.conns[*peer] {
                    let bytes = header::message(Kind::RouteRefresh, &[0, 1, 0, 1]);
                    self.give(Input::Bytes {
                        conn,
                        bytes: &bytes,
                    });
                }
            }
            Step::Wake => self.give(Input::Wake),
        }
    }

    fn finish(&mut self) {
        for conn in self.conns.into_iter().flatten() {
            self.give(Input::Writable { conn });
        }
        while self.speaker.wake() == Some(Instant::ZERO) {
            self.give(Input::Wake);
        }
    }
}

/// A candidate of the model: the neighbour, the path identifier, what it said.
type Candidate = (usize, u32, What);

type Worse<'a> = &'a dyn Fn(&Candidate, &Candidate) -> bool;

/// RFC 4271 §9.1.2.2 word by word: each step removes what is worse than something that is left.
fn ref_best(mut left: Vec<Candidate>) -> Option<Candidate> {
    let preference = |c: &Candidate| {
        if ASNS[c.0] == OURS.0 {
            c.2.local_pref
        } else {
            100
        }
    };
    let neighbor = |c: &Candidate| {
        if ASNS[c.0] == OURS.0 {
            64_900
        } else {
            ASNS[c.0]
        }
    };
    let med = |c: &Candidate| c.2.med.unwrap_or(0);
    let internal = |c: &Candidate| ASNS[c.0] == OURS.0;
    let worse: [Worse<'_>; 7] = [
        &|a, b| preference(a) < preference(b),
        &|a, b| a.2.extra_hops > b.2.extra_hops,
        &|a, b| a.2.origin > b.2.origin,
        &|a, b| neighbor(a) == neighbor(b) && med(a) > med(b),
        &|a, b| internal(a) && !internal(b),
        // BGP identifiers and addresses are in the order of the neighbours.
        &|a, b| a.0 > b.0,
        &|a, b| a.1 > b.1,
    ];
    for step in worse {
        let all = left.clone();
        left.retain(|a| !all.iter().any(|b| step(a, b)));
    }
    left.first().copied()
}

fn ref_told(to: usize, net: Net, candidate: Candidate) -> Attributes {
    let (from, _, what) = candidate;
    let external = ASNS[to] != OURS.0;
    let mut path = vec![Asn(if ASNS[from] == OURS.0 {
        64_900
    } else {
        ASNS[from]
    })];
    path.extend((0..what.extra_hops).map(|n| Asn(64_800 + u32::from(n))));
    let received: IpAddr = if net.is_v6() {
        v6(from).into()
    } else {
        ip(from + 1).into()
    };
    let ours: IpAddr = if net.is_v6() {
        "2001:db8:ffff::ffff".parse().expect("an address")
    } else {
        ip(0).into()
    };
    let mut told = Attributes::new(if external { ours } else { received });
    told.origin = bgp::Origin::from_number(what.origin).expect("an origin");
    if what.community {
        told.communities = vec![7];
    }
    if external {
        path.insert(0, OURS);
    } else {
        told.med = what.med;
        told.local_pref = Some(100);
    }
    told.as_path = AsPath::sequence(path);
    told
}

/// What a neighbour must have been told, in any order and without path identifiers.
fn ref_table(world: &World, to: usize) -> Vec<(Net, Attributes)> {
    let mut by_net: BTreeMap<Net, Vec<Candidate>> = BTreeMap::new();
    for (from, told) in world.told.iter().enumerate() {
        for ((net, path_id), what) in told {
            by_net
                .entry(*net)
                .or_default()
                .push((from, *path_id, *what));
        }
    }
    let mut table = Vec::new();
    for (net, candidates) in by_net {
        let told: Vec<Candidate> = if to == SEVERAL {
            candidates
        } else {
            ref_best(candidates).into_iter().collect()
        };
        for candidate in told {
            let from = candidate.0;
            let reflected = ASNS[from] == OURS.0 && ASNS[to] == OURS.0;
            if from != to && !reflected {
                table.push((net, ref_told(to, net, candidate)));
            }
        }
    }
    sorted(table)
}

fn sorted(mut table: Vec<(Net, Attributes)>) -> Vec<(Net, Attributes)> {
    table.sort_by_key(|(net, attributes)| (*net, attributes.encode(true)));
    table
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_neighbour_has_what_the_model_says(steps in prop::collection::vec(arb_step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.finish();
        for peer in 0..PEERS {
            if world.conns[peer].is_none() {
                continue;
            }
            let got = world.got[peer].iter();
            let got = got.map(|((net, _), attributes)| (*net, attributes.clone())).collect();
            prop_assert_eq!(sorted(got), ref_table(&world, peer), "neighbour {}", peer);
            let view = world.speaker.neighbor(NeighborId(peer as u32)).expect("a neighbour");
            prop_assert_eq!(view.sent as usize, world.got[peer].len());
            prop_assert_eq!(view.received as usize, world.told[peer].len());
        }
        let used = world.speaker.counts().prefixes;
        prop_assert_eq!(used, world.speaker.loc_rib().len());
        for peer in 0..PEERS {
            world.close(peer);
        }
        world.finish();
        prop_assert_eq!(world.speaker.counts(), bgp::Counts::default());
    }
}
