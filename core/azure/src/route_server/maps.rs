//! Route maps (section 1.11 of the facts): which can be, and what they are in the terms of the
//! speaker's policies.
//!
//! Rules match the route as it came to the map. What no rule matches is permitted. A rule whose
//! `next` is set lets the following ones have their say as well.

use core::fmt;
use core::net::Ipv4Addr;

use bgp::{Action, Match, Policy, PrefixSet, Term, Verdict};
use design::plan::{
    Community, MapPair, RouteMapAction, RouteMapConfig, RouteMapMatch, RouteMapRule, RouteMaps,
    RouteServerConfig,
};
use inet::Asn;

use super::refusal::is_reserved;

/// The platform's own communities, which no route map removes.
pub const PLATFORM_COMMUNITIES: [Community; 11] = [
    Community::new(65_517, 12_001),
    Community::new(65_517, 12_002),
    Community::new(65_517, 12_003),
    Community::new(65_517, 12_005),
    Community::new(65_517, 12_006),
    Community::new(65_517, 65_517),
    Community::new(65_518, 65_518),
    Community::new(65_517, 12_076),
    Community::new(65_518, 12_076),
    Community::new(65_515, 10_000),
    Community::new(65_515, 20_000),
];

/// Terms that the platform's other rules may need beside a route map's.
const OTHER_TERMS: usize = 8;

/// Why route maps cannot be as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteMapFault {
    /// A map is attached that is not there.
    Unknown,
    /// The peer is in a peered VNet; the platform says
    /// `HubBgpConnectionFromSpokeVnetCannotReferenceRouteMap`.
    Spoke(Ipv4Addr),
    /// An AS in AS_PATH has more than 16 bits or is reserved.
    Asn(Asn),
    /// The platform's own communities cannot be removed.
    PlatformCommunity(Community),
    /// A map has more rules than fit.
    TooLong,
}

impl fmt::Display for RouteMapFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("a route map is attached that is not there"),
            Self::Spoke(address) => write!(
                f,
                "peer {address} is in a peered VNet and cannot have a route map \
                 (HubBgpConnectionFromSpokeVnetCannotReferenceRouteMap)"
            ),
            Self::Asn(asn) => write!(f, "a route map cannot put AS {asn} into a path"),
            Self::PlatformCommunity(community) => {
                write!(f, "{community} is the platform's and cannot be removed")
            }
            Self::TooLong => f.write_str("a route map has too many rules"),
        }
    }
}

impl core::error::Error for RouteMapFault {}

/// Whether route maps can be attached as they are.
pub(crate) fn check(config: &RouteServerConfig, maps: &RouteMaps) -> Result<(), RouteMapFault> {
    for map in &maps.maps {
        map.rules.iter().try_for_each(check_rule)?;
        let most = Policy::TERMS_MAX.saturating_sub(OTHER_TERMS);
        if terms(map).len() > most {
            return Err(RouteMapFault::TooLong);
        }
    }
    let own = |address| config.own_space.iter().any(|space| space.contains(address));
    for attached in &maps.peers {
        let spoke = attached.maps != MapPair::default() && !own(attached.peer);
        if spoke {
            return Err(RouteMapFault::Spoke(attached.peer));
        }
    }
    let peers = maps.peers.iter().map(|attached| &attached.maps);
    let mut all = peers.chain([&maps.express_route, &maps.vpn]);
    let known = |name: &Option<String>| {
        let name = name.as_deref();
        name.is_none_or(|name| maps.map(name).is_some())
    };
    if all.all(|pair| known(&pair.inbound) && known(&pair.outbound)) {
        Ok(())
    } else {
        Err(RouteMapFault::Unknown)
    }
}

fn check_rule(rule: &RouteMapRule) -> Result<(), RouteMapFault> {
    for action in &rule.then {
        match action {
            RouteMapAction::AddAsPath(path) | RouteMapAction::ReplaceAsPath(path) => {
                if let Some(asn) = path.iter().find(|asn| is_reserved(**asn)) {
                    return Err(RouteMapFault::Asn(*asn));
                }
            }
            RouteMapAction::RemoveCommunity(communities) => {
                let own = |community: &&Community| PLATFORM_COMMUNITIES.contains(community);
                if let Some(community) = communities.iter().find(own) {
                    return Err(RouteMapFault::PlatformCommunity(*community));
                }
            }
            RouteMapAction::Drop
            | RouteMapAction::ReplacePrefix(_)
            | RouteMapAction::AddCommunity(_)
            | RouteMapAction::ReplaceCommunity(_) => {}
        }
    }
    Ok(())
}

/// The terms of a map.
pub(crate) fn terms(map: &RouteMapConfig) -> Vec<Term> {
    map.rules.iter().flat_map(rule).collect()
}

fn rule(rule: &RouteMapRule) -> Vec<Term> {
    let when: Vec<Match> = rule.when.iter().flat_map(condition).collect();
    let drops = rule.then.contains(&RouteMapAction::Drop);
    let verdict = match (drops, rule.next) {
        (true, _) => Verdict::Reject,
        (false, true) => Verdict::Next,
        (false, false) => Verdict::Accept,
    };
    let mut terms = vec![Term {
        then: rule.then.iter().flat_map(action).collect(),
        when: when.clone(),
        verdict,
    }];
    let replaces = |action: &RouteMapAction| matches!(action, RouteMapAction::ReplaceCommunity(_));
    if rule.then.iter().any(replaces) {
        // Matches see the route as it came, so that what was replaced can be put back.
        terms[0].verdict = Verdict::Next;
        terms.extend(PLATFORM_COMMUNITIES.map(|community| Term {
            when: [&when[..], &[Match::Community(community.0)]].concat(),
            then: vec![Action::AddCommunity(community.0)],
            verdict: Verdict::Next,
        }));
        terms.push(Term {
            when,
            then: Vec::new(),
            verdict,
        });
    }
    terms
}

fn condition(condition: &RouteMapMatch) -> Vec<Match> {
    let numbers = |communities: &[Community]| communities.iter().map(|c| c.0).collect::<Vec<_>>();
    match condition {
        RouteMapMatch::PrefixEquals(prefixes) => {
            vec![Match::PrefixIn(PrefixSet::exact(prefixes.iter().copied()))]
        }
        RouteMapMatch::PrefixContains(prefixes) => {
            vec![Match::PrefixIn(PrefixSet::within(prefixes.iter().copied()))]
        }
        RouteMapMatch::CommunityEquals(communities) => {
            vec![Match::CommunitiesAre(numbers(communities))]
        }
        RouteMapMatch::CommunityContains(communities) => {
            let all = numbers(communities).into_iter();
            all.map(Match::Community).collect()
        }
        RouteMapMatch::AsPathEquals(path) => vec![Match::AsPathIs(path.clone())],
        RouteMapMatch::AsPathContains(path) => {
            path.iter().copied().map(Match::AsPathContains).collect()
        }
    }
}

fn action(action: &RouteMapAction) -> Vec<Action> {
    let numbers = |communities: &[Community]| communities.iter().map(|c| c.0).collect::<Vec<_>>();
    match action {
        RouteMapAction::Drop => Vec::new(),
        RouteMapAction::ReplacePrefix(prefix) => vec![
            Action::SetAsPath(Vec::new()),
            Action::SetCommunities(Vec::new()),
            Action::Aggregate((*prefix).into()),
        ],
        RouteMapAction::AddAsPath(path) => vec![Action::PrependAs(path.clone())],
        RouteMapAction::ReplaceAsPath(path) => vec![Action::SetAsPath(path.clone())],
        RouteMapAction::AddCommunity(communities) => {
            let all = numbers(communities).into_iter();
            all.map(Action::AddCommunity).collect()
        }
        RouteMapAction::ReplaceCommunity(communities) => {
            vec![Action::SetCommunities(numbers(communities))]
        }
        RouteMapAction::RemoveCommunity(communities) => {
            let all = numbers(communities).into_iter();
            all.map(Action::RemoveCommunity).collect()
        }
    }
}
