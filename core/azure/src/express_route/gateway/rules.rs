//! A gateway's rules in the terms of the BGP speaker.
//!
//! The weights are LOCAL_PREF, set on everything that comes in: what Route Server sends as
//! LOCAL_PREF means nothing here.

use core::time::Duration;
use std::collections::BTreeMap;

use bgp::{
    Action, ConnectMode, Counting, Group, Match, MedRule, Neighbor, NextHopRule, Origination,
    Policy, PrefixLimit, Settings, Term, Verdict,
};
use design::plan::{BgpPeerConfig, ErGatewayConfig, GatewayConnection};
use inet::{Asn, Prefix};

use super::GatewayMember;
use crate::instance::Setup;
use crate::route_server::NVA_ROUTE;

/// Weight of what Route Server told and of the own address space.
pub(crate) const WEIGHT: u32 = 32_768;
/// Weight of what an MSEE told.
pub(crate) const WEIGHT_MSEE: u32 = 32_769;
/// LOCAL_PREF towards Route Server, which puts its own in its place.
const USUAL: u32 = 100;
/// Equal next hops at a NIC.
const NEXT_HOPS_MAX: u8 = 8;
/// The platform's BGP timers, towards Route Server.
const HOLD_TIME: Duration = Duration::from_secs(180);
/// Towards MSEEs: a gateway misses a silent one within the documented minute.
const HOLD_TIME_MSEE: Duration = Duration::from_secs(45);
/// MSEEs.
const MSEE_ASN: Asn = Asn(12_076);

const ROUTE_SERVER: Group = Group(0);
const MSEE: Group = Group(1);

pub(super) fn setup(config: &ErGatewayConfig) -> Setup<GatewayMember> {
    let servers = config.route_servers.iter().map(|server| {
        let member = GatewayMember::RouteServer(server.clone());
        (member, route_server(config, server))
    });
    let msees = config.connections.iter().flat_map(|connection| {
        connection.msees.iter().map(|peer| {
            let member = GatewayMember::Msee {
                circuit: connection.circuit.clone(),
                weight: connection.weight,
                peer: peer.clone(),
            };
            (member, msee(config, connection, peer))
        })
    });
    Setup {
        settings: Settings {
            multipath_max: NEXT_HOPS_MAX,
            med: MedRule::Never,
            compare_origin: false,
            prefer_external: false,
            prefixes_max: Some(config.limits.total).filter(|most| *most != 0),
            ..Settings::new(config.asn, config.interface.address)
        },
        members: servers.chain(msees).collect(),
        originated: originated(config),
    }
}

/// The address space: a summary in place of what is inside it.
fn originated(config: &ErGatewayConfig) -> BTreeMap<Prefix, Origination> {
    let summaries = &config.summarized;
    let covered = |prefix: &Prefix| summaries.iter().any(|summary| summary.covers(*prefix));
    let rest = config.announced.iter().filter(|prefix| !covered(prefix));
    let all = summaries.iter().chain(rest);
    all.map(|prefix| (*prefix, Origination::default()))
        .collect()
}

/// An internal neighbour one hop away: a user route that takes the session through an NVA ends it.
fn route_server(config: &ErGatewayConfig, server: &BgpPeerConfig) -> Neighbor {
    Neighbor {
        hold_time: HOLD_TIME,
        connect: ConnectMode::Active,
        ebgp_multihop_ttl: 1,
        group: ROUTE_SERVER,
        import: Some(policy([term(
            [],
            [Action::LocalPref(WEIGHT)],
            Verdict::Accept,
        )])),
        export: Some(policy([
            term([Match::Local], [], Verdict::Reject),
            term([], [Action::LocalPref(USUAL)], Verdict::Accept),
        ])),
        next_hop: NextHopRule::Unchanged,
        ..Neighbor::new(
            server.name.clone(),
            config.interface.address,
            server.address,
            server.asn,
        )
    }
}

fn msee(
    config: &ErGatewayConfig,
    connection: &GatewayConnection,
    peer: &BgpPeerConfig,
) -> Neighbor {
    let limit = Some(config.limits.learned).filter(|most| *most != 0);
    Neighbor {
        hold_time: HOLD_TIME_MSEE,
        group: MSEE,
        prefix_limit: limit.map(|most| PrefixLimit::new(most, Counting::Held)),
        import: Some(from_msee(config, connection.weight)),
        export: Some(to_msee(config)),
        next_hop: NextHopRule::Ourselves,
        honour_no_export: false,
        ..Neighbor::new(
            peer.name.clone(),
            config.interface.address,
            peer.address,
            peer.asn,
        )
    }
}

/// Everything, with the connection's weight; but not the NVAs of another VNet's Route Server where
/// there is one here as well.
fn from_msee(config: &ErGatewayConfig, weight: u32) -> Policy {
    let preference = Action::LocalPref(WEIGHT_MSEE.saturating_add(weight));
    let mut terms = Vec::new();
    if config.branch_to_branch && !config.route_servers.is_empty() {
        let tagged = [Match::Community(NVA_ROUTE)];
        terms.push(term(tagged, [], Verdict::Reject));
    }
    terms.push(term([], [preference], Verdict::Accept));
    policy(terms)
}

/// The address space, and with branch-to-branch what Route Server told; never what a circuit told,
/// whether it came from there or through Route Server from the other instance.
fn to_msee(config: &ErGatewayConfig) -> Policy {
    let circuits = Match::NeighborAs(vec![bgp::policy::Range::one(MSEE_ASN.0)]);
    let mut terms = vec![
        term([Match::Local], [], Verdict::Accept),
        term([Match::FromGroup(MSEE)], [], Verdict::Reject),
        term([circuits], [], Verdict::Reject),
    ];
    if config.branch_to_branch {
        terms.push(term([], [], Verdict::Accept));
    }
    policy(terms)
}

fn term<const M: usize, const A: usize>(
    when: [Match; M],
    then: [Action; A],
    verdict: Verdict,
) -> Term {
    Term {
        when: when.into(),
        then: then.into(),
        verdict,
    }
}

fn policy(terms: impl Into<Vec<Term>>) -> Policy {
    Policy::new(terms.into(), Verdict::Reject).expect("a handful of terms")
}
