//! The platform's rules in the terms of the BGP speaker.

use core::time::Duration;

use bgp::{
    AsPathRule, Counting, Families, Match, MedRule, Neighbor, NextHopRule, Policy, PrefixLimit,
    PrefixSet, Settings, Term, Verdict,
};
use design::plan::{BgpPeerConfig, RouteServerConfig, RoutesCounted};

/// NO_ADVERTISE (RFC 1997).
const NO_ADVERTISE: u32 = 0xffff_ff02;

/// The instance as a speaker.
pub(crate) fn settings(config: &RouteServerConfig) -> Settings {
    let peers = config.peers.iter();
    Settings {
        multipath_max: config.limits.next_hops,
        multipath_as_path: AsPathRule::SameLength,
        med: if config.choices.compares_med {
            MedRule::SameNeighborAs
        } else {
            MedRule::Never
        },
        compare_origin: config.choices.compares_origin,
        neighbors: peers.map(|peer| neighbor(config, peer)).collect(),
        ..Settings::new(config.asn, config.interface.address)
    }
}

/// A peer as a neighbour.
pub(crate) fn neighbor(config: &RouteServerConfig, peer: &BgpPeerConfig) -> Neighbor {
    let local = config.interface.address;
    Neighbor {
        hold_time: Duration::from_secs(u64::from(config.hold_time_s)),
        prefix_limit: Some(PrefixLimit::new(
            config.routes_per_peer,
            match config.choices.routes_counted {
                RoutesCounted::Held => Counting::Held,
                RoutesCounted::HeldPlusIncoming => Counting::HeldPlusIncoming,
            },
        )),
        import: Some(import(config)),
        export: Some(export(config)),
        next_hop: NextHopRule::Ourselves,
        families: Families::BOTH,
        accept_ipv6: false,
        ..Neighbor::new(peer.name.clone(), local, peer.address, peer.asn)
    }
}

/// Everything but the own subnet.
fn import(config: &RouteServerConfig) -> Policy {
    let own_subnet = Match::PrefixIn(PrefixSet::exact([config.subnet]));
    policy(vec![term(own_subnet, Verdict::Reject)], Verdict::Accept)
}

/// Address space always; the best paths of others with branch-to-branch, unless tagged.
fn export(config: &RouteServerConfig) -> Policy {
    let others = if config.branch_to_branch {
        Verdict::Accept
    } else {
        Verdict::Reject
    };
    let terms = vec![
        term(Match::Local, Verdict::Accept),
        term(Match::Community(NO_ADVERTISE), Verdict::Reject),
    ];
    policy(terms, others)
}

fn term(when: Match, verdict: Verdict) -> Term {
    Term {
        when: vec![when],
        then: Vec::new(),
        verdict,
    }
}

fn policy(terms: Vec<Term>, otherwise: Verdict) -> Policy {
    Policy::new(terms, otherwise).expect("a handful of terms")
}
