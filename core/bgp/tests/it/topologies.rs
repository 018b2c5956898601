//! Small random networks, held against `bgpsim`: an independent model of BGP in which whole
//! networks converge over an interior routing protocol of its own. After each route that is
//! announced, changed or taken back, every router must use the same path in both.
//!
//! Which networks: two to four routers of our AS, in a full mesh or around one route reflector,
//! and one to four external ones, each with one session. Routers have the same order by identifier
//! in both, so ties need no care. Where the two may rightly differ:
//!
//! - With MULTI_EXIT_DISC a network can have two stable states, or none (RFC 3345). So where it is
//!   used, the external neighbours of one router are of one AS.
//! - `bgpsim` looks for no loops in AS_PATH. A route that came back to its own AS counts as none;
//!   the router that has it tells nobody, having one session.
//! - `bgpsim` gives routes of our own no precedence over learned ones. A route map does.

use std::net::IpAddr;
use std::time::Duration;

use bgp::{Action, Command, NeighborId, Origination, Policy, Term, Verdict};
use bgpsim::event::BasicEventQueue;
use bgpsim::network::Network;
use bgpsim::ospf::global::GlobalOspf;
use bgpsim::route_map::{RouteMap, RouteMapBuilder, RouteMapDirection};
use bgpsim::types::{ASN, NetworkError, RouterId, SimplePrefix};
use inet::{Asn, Prefix};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::net::{Net, ip};

const OURS: u32 = 65_000;
const INTERNAL_MAX: usize = 4;
const EXTERNAL_MAX: usize = 4;
const PREFIXES: u32 = 2;
/// Between one change and the next look.
const SOON: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
struct Topology {
    internal: usize,
    /// Of the links between internal routers `[a][b]`, a < b; those in a row always stand.
    weights: [[Option<u8>; INTERNAL_MAX]; INTERNAL_MAX],
    /// The first router reflects; otherwise all have sessions with all.
    reflector: bool,
    /// MULTI_EXIT_DISC is used.
    meds: bool,
    externals: Vec<External>,
}

#[derive(Clone, Debug)]
struct External {
    /// The internal router that it is a neighbour of.
    of: usize,
    asn: u32,
    /// What that router gives its routes.
    local_pref: u32,
}

/// An external router announces a prefix, or takes it back.
#[derive(Clone, Debug)]
struct Change {
    external: usize,
    prefix: u32,
    route: Option<Route>,
}

#[derive(Clone, Debug)]
struct Route {
    /// ASes behind its own.
    behind: u32,
    med: Option<u32>,
}

/// What a router uses for a prefix. Routers are numbered, the internal ones first.
#[derive(Debug, PartialEq, Eq)]
struct Choice {
    /// Who told it; itself for a route of its own.
    from: usize,
    /// The router of the next AS that packets get to first.
    exit: usize,
    as_path: Vec<u32>,
    local_pref: u32,
    med: u32,
}

fn arb_topology() -> impl Strategy<Value = Topology> {
    let external = (
        0..INTERNAL_MAX,
        65_101..65_104_u32,
        prop_oneof![8 => Just(100_u32), 1 => Just(200)],
    );
    (
        2..=INTERNAL_MAX,
        any::<bool>(),
        any::<bool>(),
        prop::array::uniform(prop::array::uniform(prop::option::of(1..6_u8))),
        prop::collection::vec(external, 1..=EXTERNAL_MAX),
    )
        .prop_map(|(internal, reflector, meds, weights, externals)| {
            let external = |(of, asn, local_pref): (usize, u32, u32)| {
                let of = of % internal;
                let asn = if meds { [65_101, 65_102][of % 2] } else { asn };
                External {
                    of,
                    asn,
                    local_pref,
                }
            };
            Topology {
                internal,
                weights,
                reflector,
                meds,
                externals: externals.into_iter().map(external).collect(),
            }
        })
}

fn arb_change() -> impl Strategy<Value = Change> {
    // Mostly alike, so that the later steps decide.
    let behind = prop_oneof![6 => Just(0_u32), 1 => Just(1), 1 => Just(3)];
    let route = (behind, prop::option::of(0..3_u32));
    let route = route.prop_map(|(behind, med)| Route { behind, med });
    (
        0..EXTERNAL_MAX,
        0..PREFIXES,
        prop::option::weighted(0.8, route),
    )
        .prop_map(|(external, prefix, route)| Change {
            external,
            prefix,
            route,
        })
}

impl Topology {
    fn routers(&self) -> usize {
        self.internal + self.externals.len()
    }

    fn asn(&self, router: usize) -> u32 {
        match router.checked_sub(self.internal) {
            None => OURS,
            Some(external) => self.externals[external].asn,
        }
    }

    /// The links between internal routers.
    fn links(&self) -> Vec<(usize, usize, u8)> {
        let pairs = (0..self.internal).flat_map(|b| (0..b).map(move |a| (a, b)));
        pairs
            .filter_map(|(a, b)| match self.weights[a][b] {
                None if a + 1 == b => Some((a, b, 1)),
                weight => Some((a, b, weight?)),
            })
            .collect()
    }

    /// The sessions between internal routers; the first of each pair may reflect.
    fn internal_sessions(&self) -> Vec<(usize, usize)> {
        let pairs = (0..self.internal).flat_map(|b| (0..b).map(move |a| (a, b)));
        pairs.filter(|(a, _)| !self.reflector || *a == 0).collect()
    }

    /// The sessions with external routers, which come second.
    fn external_sessions(&self) -> impl Iterator<Item = (usize, usize, &External)> {
        let externals = self.externals.iter().zip(self.internal..);
        externals.map(|(external, router)| (external.of, router, external))
    }

    /// Shortest ways between internal routers.
    fn costs(&self) -> [[u32; INTERNAL_MAX]; INTERNAL_MAX] {
        let mut costs = [[u32::from(u16::MAX); INTERNAL_MAX]; INTERNAL_MAX];
        for (a, b, weight) in self.links() {
            costs[a][b] = weight.into();
            costs[b][a] = weight.into();
        }
        for over in 0..self.internal {
            for a in 0..self.internal {
                for b in 0..self.internal {
                    costs[a][b] = costs[a][b].min(costs[a][over] + costs[over][b]);
                }
            }
        }
        costs
    }
}

/// Number of the router with this address.
fn router(address: IpAddr) -> usize {
    (0..INTERNAL_MAX + EXTERNAL_MAX)
        .find(|n| address == ip(*n))
        .expect("the address of a router")
}

fn prefix(number: u32) -> Prefix {
    format!("198.51.{number}.0/24").parse().expect("a prefix")
}

fn path_behind(route: &Route) -> impl Iterator<Item = u32> {
    (0..route.behind).map(|n| 64_900 + n)
}

/// The network from our speakers.
struct Speakers(Net);

impl Speakers {
    fn new(topology: &Topology) -> Self {
        let routers = 0..topology.routers();
        let asns: Vec<u32> = routers.map(|router| topology.asn(router)).collect();
        let outside = topology.external_sessions().map(|(a, b, _)| (a, b));
        let mut sessions = topology.internal_sessions();
        sessions.extend(outside);
        let costs = topology.costs();
        let mut net = Net::of(&asns, &sessions, |at, settings| {
            for neighbor in &mut settings.neighbors {
                let to = router(neighbor.address);
                if at < topology.internal && to < topology.internal {
                    neighbor.interior_cost = costs[at][to];
                    neighbor.route_reflector_client = topology.reflector && at == 0;
                } else if at < topology.internal {
                    let local_pref = topology.externals[to - topology.internal].local_pref;
                    let term = Term {
                        when: Vec::new(),
                        then: vec![Action::LocalPref(local_pref)],
                        verdict: Verdict::Accept,
                    };
                    neighbor.import = Policy::new(vec![term], Verdict::Reject);
                }
            }
        });
        net.run(SOON);
        for (at, speaker) in net.speakers.iter().enumerate() {
            let count = sessions.iter().filter(|(a, b)| *a == at || *b == at);
            let neighbors = (0..).map(NeighborId).take(count.count());
            assert!(neighbors.into_iter().all(|n| speaker.is_established(n)));
        }
        Self(net)
    }

    fn change(&mut self, at: usize, to: u32, route: Option<&Route>) {
        let to = prefix(to).into();
        let command = match route {
            None => Command::Withdraw(to),
            Some(route) => Command::Originate(
                to,
                Origination {
                    med: route.med,
                    as_path: path_behind(route).map(Asn).collect(),
                    ..Origination::default()
                },
            ),
        };
        self.0.command(at, command);
        self.0.run(SOON);
    }

    fn choice(&self, at: usize, to: u32) -> Option<Choice> {
        let path = self.0.speakers[at].multipath(prefix(to)).pop()?;
        let from = path.neighbor.map_or(at, |neighbor| {
            let neighbor = self.0.speakers[at].neighbor(neighbor);
            router(neighbor.expect("a neighbour").settings.address)
        });
        let attributes = path.attributes;
        Some(Choice {
            from,
            exit: if from == at {
                at
            } else {
                router(attributes.next_hop)
            },
            as_path: attributes.as_path.asns().map(|asn| asn.0).collect(),
            local_pref: attributes.local_pref.unwrap_or(100),
            med: attributes.med.unwrap_or(0),
        })
    }
}

/// The network in `bgpsim`.
struct Model<'a> {
    topology: &'a Topology,
    net: Network<SimplePrefix, BasicEventQueue<SimplePrefix>, GlobalOspf>,
    ids: Vec<RouterId>,
}

fn route_map(set: impl FnOnce(&mut RouteMapBuilder<SimplePrefix>)) -> RouteMap<SimplePrefix> {
    let mut map = RouteMapBuilder::new();
    map.order(10).allow();
    set(&mut map);
    map.build()
}

impl<'a> Model<'a> {
    fn new(topology: &'a Topology) -> Result<Self, NetworkError> {
        let mut net = Network::default();
        let ids: Vec<RouterId> = (0..topology.routers())
            .map(|router| net.add_router(format!("r{router}"), ASN(topology.asn(router))))
            .collect();
        for (a, b, weight) in topology.links() {
            net.add_link(ids[a], ids[b])?;
            net.set_link_weight(ids[a], ids[b], weight.into())?;
            net.set_link_weight(ids[b], ids[a], weight.into())?;
        }
        for (a, b) in topology.internal_sessions() {
            net.set_bgp_session(ids[a], ids[b], Some(topology.reflector))?;
        }
        for (a, b, external) in topology.external_sessions() {
            let (a, b) = (ids[a], ids[b]);
            net.add_link(a, b)?;
            net.set_bgp_session(a, b, Some(false))?;
            let preferred = route_map(|map| {
                map.set_local_pref(external.local_pref);
            });
            net.set_bgp_route_map(a, b, RouteMapDirection::Incoming, preferred)?;
            let own = route_map(|map| {
                map.set_weight(32_768);
            });
            net.set_bgp_route_map(b, b, RouteMapDirection::Incoming, own)?;
        }
        Ok(Self { topology, net, ids })
    }

    fn change(&mut self, at: usize, to: u32, route: Option<&Route>) -> Result<(), NetworkError> {
        let Some(route) = route else {
            return self.net.withdraw_route(self.ids[at], to);
        };
        let path = path_behind(route).map(ASN);
        self.net
            .advertise_route(self.ids[at], to, path, route.med, None)
    }

    fn choice(&self, at: usize, to: u32) -> Option<Choice> {
        let router = self.net.get_router(self.ids[at]).expect("a router");
        let entry = router.bgp.get_exact(to.into())?;
        let route = &entry.route;
        let from = entry.from_id.index();
        if route.as_path.contains(&router.asn()) {
            return None;
        }
        let leaves = from == at || from.max(at) >= self.topology.internal;
        Some(Choice {
            from,
            exit: if leaves {
                from
            } else {
                self.choice(from, to)?.exit
            },
            as_path: route.as_path.iter().map(|asn| asn.0).collect(),
            local_pref: route.local_pref.unwrap_or(100),
            med: route.med.unwrap_or(0),
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_500,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn small_networks_settle_as_they_do_in_bgpsim(
        topology in arb_topology(),
        changes in prop::collection::vec(arb_change(), 1..24),
    ) {
        let mut speakers = Speakers::new(&topology);
        let mut model = Model::new(&topology).expect("a network that bgpsim takes");
        for mut change in changes {
            let at = topology.internal + change.external % topology.externals.len();
            if let Some(route) = &mut change.route {
                route.med = route.med.filter(|_| topology.meds);
            }
            speakers.change(at, change.prefix, change.route.as_ref());
            model.change(at, change.prefix, change.route.as_ref()).expect("it converges");
            for router in 0..topology.routers() {
                for to in 0..PREFIXES {
                    let (ours, theirs) = (speakers.choice(router, to), model.choice(router, to));
                    prop_assert_eq!(ours, theirs, "router {}, prefix {}, after {:?}", router, to, change);
                }
            }
        }
    }
}
