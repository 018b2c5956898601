//! Random announcements, withdrawals and flaps of NVAs and gateways against the reference decision
//! model (section 1.16 of the facts), written as plainly as there: in the end both know, program and
//! tell the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bgp::{Action, NeighborId, Policy, Term, Verdict};
use core::net::Ipv4Addr;
use design::plan::{BranchKind, GatewayConfig, RouteServerConfig, RoutingPreference};
use inet::{Asn, Prefix};
use proptest::prelude::*;

use super::net::{Net, SERVER, config, nvas, prefix};
use crate::route_server::{Command, NVA_ROUTE};

const NO_ADVERTISE: u32 = 0xffff_ff02;
const PREFIXES: [&str; 8] = [
    "172.20.0.0/16",
    "172.20.1.0/24",
    "0.0.0.0/0",
    "10.0.0.0/8",  // a supernet of the VNets
    "10.1.0.0/16", // a VNet's own
    "10.3.7.0/24", // inside a peered VNet
    "10.1.2.0/24", // RouteServerSubnet
    "192.168.4.0/22",
];
const PATHS: [&[u32]; 5] = [
    &[],
    &[65_020],
    &[12_076, 65_020],
    &[65_515, 65_021],
    &[1, 2, 3],
];
const PREFERENCES: [RoutingPreference; 3] = [
    RoutingPreference::ExpressRoute,
    RoutingPreference::VpnGateway,
    RoutingPreference::AsPath,
];
/// Three NVAs, two ExpressRoute instances, a VPN gateway.
const MEMBERS: usize = 6;

#[derive(Clone, Debug)]
enum Step {
    Announce(usize, usize, usize, bool),
    Withdraw(usize, usize),
    Flap(usize),
    Tag(usize, bool),
    BranchToBranch(bool),
    Preference(usize),
    Pass(u64),
}

fn arb_step() -> impl Strategy<Value = Step> {
    let member = 0..MEMBERS;
    prop_oneof![
        8 => (member.clone(), 0..PREFIXES.len(), 0..PATHS.len(), any::<bool>())
            .prop_map(|(who, what, path, own)| Step::Announce(who, what, path, own)),
        3 => (member.clone(), 0..PREFIXES.len()).prop_map(|(who, what)| Step::Withdraw(who, what)),
        1 => member.clone().prop_map(Step::Flap),
        1 => (member, any::<bool>()).prop_map(|(who, on)| Step::Tag(who, on)),
        1 => any::<bool>().prop_map(Step::BranchToBranch),
        1 => (0..PREFERENCES.len()).prop_map(Step::Preference),
        1 => (1_u64..90).prop_map(Step::Pass),
    ]
}

/// A path as the Route Server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RefPath {
    path: Vec<u32>,
    next_hop: Ipv4Addr,
}

/// What an announcement looks like to who hears it: AS_PATH, next hop, communities.
type Heard = (Vec<u32>, Ipv4Addr, Vec<u32>);

/// The reference: what members announce, and the rules of section 1.16.
struct RefServer {
    config: RouteServerConfig,
    announced: Vec<BTreeMap<Prefix, RefPath>>,
    tagged: Vec<bool>,
}

impl RefServer {
    fn is_expressroute(member: usize) -> bool {
        (3..5).contains(&member)
    }

    fn address(&self, member: usize) -> Ipv4Addr {
        let peers = self.config.peers.iter().map(|peer| peer.address);
        let gateways = self.config.gateways.iter().map(|gateway| gateway.address);
        peers.chain(gateways).nth(member).expect("a member")
    }

    /// The equal best paths with who has them, the one that is told to others first.
    fn best(&self, prefix: Prefix) -> Vec<(usize, RefPath)> {
        let learned = |paths: &BTreeMap<Prefix, RefPath>| {
            let path = paths.get(&prefix)?;
            let looped = path.path.contains(&65_515);
            (!looped && prefix != self.config.subnet).then(|| path.clone())
        };
        let all = self.announced.iter().enumerate();
        let mut left: Vec<(usize, RefPath)> = all
            .filter_map(|(member, paths)| Some((member, learned(paths)?)))
            .collect();
        let preferred = |member: usize| match self.config.routing_preference {
            RoutingPreference::ExpressRoute => Self::is_expressroute(member),
            RoutingPreference::VpnGateway => !Self::is_expressroute(member),
            RoutingPreference::AsPath => true,
        };
        if left.iter().any(|(member, _)| preferred(*member)) {
            left.retain(|(member, _)| preferred(*member));
        }
        let shortest = left.iter().map(|(_, path)| path.path.len()).min();
        left.retain(|(_, path)| Some(path.path.len()) == shortest);
        left.sort_by_key(|(member, _)| self.address(*member));
        left
    }

    fn programmed(&self, prefix: Prefix) -> BTreeSet<Ipv4Addr> {
        let mut space = self.config.vnet_space.iter();
        if space.any(|space| space.covers(prefix)) {
            return BTreeSet::new();
        }
        let mut expressroute = false;
        let mut next_hops = BTreeSet::new();
        for (member, path) in self.best(prefix) {
            if Self::is_expressroute(member) && core::mem::replace(&mut expressroute, true) {
                continue;
            }
            next_hops.insert(path.next_hop);
        }
        next_hops
    }

    fn told(&self, listener: usize, prefix: Prefix) -> Option<Heard> {
        let is_nva = listener < 3;
        if self.config.announced.contains(&prefix) {
            return is_nva.then(|| (vec![65_515], SERVER, Vec::new()));
        }
        let (from, path) = self.best(prefix).into_iter().next()?;
        if !self.config.branch_to_branch || from == listener || self.tagged[from] {
            return None;
        }
        let mut communities = Vec::new();
        if Self::is_expressroute(listener) && from < 3 {
            communities.push(NVA_ROUTE);
        }
        Some(if is_nva {
            let path = [&[65_515], &path.path[..]].concat();
            (path, SERVER, communities)
        } else {
            (path.path, path.next_hop, communities)
        })
    }
}

fn both() -> (Net, RefServer) {
    let gateway = |index: u8, kind| GatewayConfig {
        name: format!("gateway{index}"),
        address: Ipv4Addr::new(10, 1, 3, 10 + index),
        kind,
    };
    let mut config = config(&nvas(&[65_001, 65_002, 65_002]));
    config.gateways = vec![
        gateway(0, BranchKind::ExpressRoute),
        gateway(1, BranchKind::ExpressRoute),
        gateway(2, BranchKind::Vpn),
    ];
    let mut net = Net::new(config.clone());
    net.settle();
    let reference = RefServer {
        config,
        announced: vec![BTreeMap::new(); MEMBERS],
        tagged: vec![false; MEMBERS],
    };
    (net, reference)
}

fn take(step: Step, net: &mut Net, reference: &mut RefServer) {
    match step {
        Step::Announce(who, what, path, own) => {
            let path = PATHS[path];
            let own_hop = reference.address(who);
            let next_hop = if own {
                own_hop
            } else {
                Ipv4Addr::new(10, 1, 1, 200)
            };
            net.announce_with(who, PREFIXES[what], |route| {
                route.next_hop = Some(next_hop.into());
                route.as_path = path.iter().copied().map(Asn).collect();
            });
            let asn = reference.config.peers.get(who).map(|peer| peer.asn.0);
            let path = asn.into_iter().chain(path.iter().copied()).collect();
            let known = RefPath { path, next_hop };
            reference.announced[who].insert(prefix(PREFIXES[what]), known);
        }
        Step::Withdraw(who, what) => {
            net.withdraw(who, PREFIXES[what]);
            reference.announced[who].remove(&prefix(PREFIXES[what]));
        }
        Step::Flap(who) => net.nva_command(who, bgp::Command::Reset(NeighborId(0))),
        Step::Tag(who, on) => {
            net.export_of(who, if on { tagging() } else { Policy::accept_all() });
            reference.tagged[who] = on;
        }
        Step::BranchToBranch(on) => {
            net.command(Command::BranchToBranch(on));
            reference.config.branch_to_branch = on;
        }
        Step::Preference(which) => {
            net.command(Command::RoutingPreference(PREFERENCES[which]));
            reference.config.routing_preference = PREFERENCES[which];
        }
        Step::Pass(seconds) => net.pass(Duration::from_secs(seconds)),
    }
}

fn tagging() -> Policy {
    let tag = Term {
        when: Vec::new(),
        then: vec![Action::AddCommunity(NO_ADVERTISE)],
        verdict: Verdict::Accept,
    };
    Policy::new(vec![tag], Verdict::Reject).expect("one term")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn azure_1_16_the_instance_ends_where_the_reference_model_does(
        steps in prop::collection::vec(arb_step(), 1..50),
    ) {
        let (mut net, mut reference) = both();
        for step in steps {
            take(step, &mut net, &mut reference);
        }
        net.pass(Duration::from_secs(1_200));
        for text in PREFIXES {
            let prefix = prefix(text);
            let programmed: BTreeSet<Ipv4Addr> = net.programmed(text).into_iter().collect();
            prop_assert_eq!(&programmed, &reference.programmed(prefix), "{}", text);
            let fabric = net.fabric().get(&prefix).cloned().unwrap_or_default();
            let fabric: BTreeSet<Ipv4Addr> = fabric.into_iter().collect();
            prop_assert_eq!(fabric, programmed, "the fabric's {}", text);
            for listener in 0..MEMBERS {
                let told = net.told(listener).into_iter().find(|(known, _)| *known == prefix);
                let told = told.map(|(_, route)| {
                    let path = route.as_path.to_string();
                    let path = path.split_whitespace().map(|asn| asn.parse().expect("a number"));
                    let std::net::IpAddr::V4(next_hop) = route.next_hop else {
                        panic!("an IPv4 next hop");
                    };
                    (path.collect(), next_hop, route.communities)
                });
                prop_assert_eq!(told, reference.told(listener, prefix), "{} at {}", text, listener);
            }
        }
    }
}
