//! The policies of the sessions: what is taken, what is told, and with which attributes.

use std::collections::BTreeSet;

use bgp::{Action, Attributes, Match, Policy, PrefixSet, Term, Verdict};
use design::plan::LinkRole;
use inet::{Asn, Prefix};

use super::neighbors::{BACKUP_HUB, HOME_HUB, ROUTE_SERVER, ROUTER, TWIN};
use super::{BACKUP, HOME, Kind, ORIGIN_TYPE, origin_community};
use crate::budget::{Told, has_budget};
use crate::settings::{Link, Router, Settings};

/// What is believed of a neighbour in the overlay. A site is believed nothing but what its design says is its own.
pub(super) fn import(settings: &Settings, link: &Link) -> Policy {
    match link.role {
        LinkRole::HomeSite | LinkRole::BackupSite => {
            let own = link.accept.iter();
            let own =
                own.map(|prefixes| Match::PrefixIn(PrefixSet::exact(prefixes.iter().copied())));
            policy(vec![accept(own.collect(), tag(settings, Kind::Site))])
        }
        LinkRole::HomeHub => accept_with(vec![Action::LocalPref(HOME)]),
        LinkRole::BackupHub => accept_with(vec![Action::LocalPref(BACKUP)]),
        LinkRole::Hub | LinkRole::Twin => Policy::accept_all(),
    }
}

/// What a neighbour in the overlay is told. Of introductions these: each is for some sites and for nobody else.
pub(crate) fn export(settings: &Settings, role: LinkRole, introduced: &BTreeSet<Prefix>) -> Policy {
    let mut terms = Vec::new();
    if !introduced.is_empty() {
        let introductions = is(origin_of_kind(settings.asn, Kind::Introduction));
        let these = Match::PrefixIn(PrefixSet::exact(introduced.iter().copied()));
        terms.push(accept(vec![Match::Local, introductions, these], Vec::new()));
    }
    terms.extend(not_introductions(settings));
    let not_theirs = reject(vec![is(origin_of_kind(
        settings.asn,
        Kind::RouteServerOnly,
    ))]);
    match role {
        LinkRole::HomeSite | LinkRole::BackupSite if settings.summaries.is_empty() => {
            terms.extend([not_theirs, accept(Vec::new(), Vec::new())]);
        }
        LinkRole::HomeSite | LinkRole::BackupSite => {
            terms.push(accept(vec![Match::Local, summary(settings)], Vec::new()));
        }
        LinkRole::Hub | LinkRole::Twin => terms.extend([
            not_theirs,
            reject(vec![Match::FromGroup(TWIN)]),
            reject(vec![Match::Local, summary(settings)]),
            accept(Vec::new(), Vec::new()),
        ]),
        LinkRole::HomeHub => terms.push(own_site(HOME)),
        LinkRole::BackupHub => terms.push(own_site(BACKUP)),
    }
    policy(terms)
}

/// Whether a route is one by which a hub introduces a site.
pub(crate) fn is_introduction(settings: &Settings, attributes: &Attributes) -> bool {
    let (value, mask) = origin_of_kind(settings.asn, Kind::Introduction);
    let mut origins = attributes.ext_communities.iter();
    origins.any(|origin| origin & mask == value)
}

/// Nobody is told an introduction that is not for him.
fn not_introductions(settings: &Settings) -> Vec<Term> {
    let introductions = is(origin_of_kind(settings.asn, Kind::Introduction));
    match settings.shortcuts.slots {
        0 => Vec::new(),
        _ => vec![reject(vec![introductions])],
    }
}

/// A site's own: its LANs and what its routers brought.
fn own_site(local_pref: u32) -> Term {
    let own = Match::Any(vec![Match::Local, Match::FromGroup(ROUTER)]);
    accept(vec![own], vec![Action::LocalPref(local_pref)])
}

/// What a router of the site may bring. It goes before what the overlay says of the same prefix, since
/// the router is closer; it cannot say where in the overlay a route began.
pub(super) fn import_router(router: &Router) -> Policy {
    let when = router.accept.as_ref().map(|prefixes| {
        let prefixes = PrefixSet::exact(prefixes.iter().copied());
        Match::PrefixIn(prefixes)
    });
    let then = vec![Action::LocalPref(AT_SITE), no_origin()];
    policy(vec![accept(when.into_iter().collect(), then)])
}

/// What a router of the site is told: the overlay and the LANs, never what another router brought.
/// A CPE that has the home region goes before one that has the backup region only.
pub(super) fn export_router(settings: &Settings) -> Policy {
    let from = |group| vec![Match::FromGroup(group)];
    let med = |value| vec![no_origin(), Action::Med(value)];
    let mut terms = not_introductions(settings);
    terms.extend([
        accept(from(HOME_HUB), med(0)),
        accept(from(BACKUP_HUB), med(BACKUP_MED)),
    ]);
    if !settings.lans.is_empty() {
        terms.push(accept(vec![Match::Local], med(0)));
    }
    policy(terms)
}

/// What Route Server says is the own region's; what ExpressRoute brought it is the circuits'.
pub(super) fn import_route_server(settings: &Settings) -> Policy {
    let circuits = match settings.domains.as_slice() {
        [] => &[UNKNOWN_CIRCUIT],
        known => known,
    };
    let tags = circuits
        .iter()
        .map(|number| origin_community(settings.asn, *number, Kind::ExpressRoute));
    let by_circuit = core::iter::once(no_origin())
        .chain(tags.map(Action::AddExtCommunity))
        .collect();
    policy(vec![
        accept(vec![Match::AsPathContains(MICROSOFT_EDGE)], by_circuit),
        accept(Vec::new(), tag(settings, Kind::Vnet)),
    ])
}

/// Forwarding-true: of single routes exactly those that this node can deliver by its own tunnels, and
/// never back to the region or circuit they came from; besides them the summaries, for its spokes.
/// With a budget, what of this it has room for.
pub(crate) fn to_route_server(settings: &Settings, told: &Told) -> Policy {
    let mut terms = not_introductions(settings);
    terms.extend([
        reject(vec![Match::FromGroup(TWIN)]),
        reject(vec![Match::FromGroup(ROUTE_SERVER)]),
    ]);
    let here = origins_here(settings).map(|value| is((value, u64::MAX)));
    terms.push(reject(vec![Match::Any(here.collect())]));
    let prepend = match settings.prepend {
        0 => Vec::new(),
        times => vec![Action::Prepend { times }],
    };
    if !has_budget(&settings.budget) {
        terms.push(accept(Vec::new(), prepend));
        return policy(terms);
    }
    let those = |prefixes: &BTreeSet<Prefix>| {
        let prefixes = PrefixSet::exact(prefixes.iter().copied());
        vec![Match::PrefixIn(prefixes)]
    };
    terms.push(accept(those(&told.everywhere), prepend.clone()));
    let mut then = prepend;
    then.push(Action::AddCommunity(NO_ADVERTISE));
    terms.push(accept(those(&told.vnets_only), then));
    policy(terms)
}

/// Whether a route with these origins came from the own region or circuits.
pub(crate) fn came_from_here(settings: &Settings, origins: &[u64]) -> bool {
    origins_here(settings).any(|here| origins.contains(&here))
}

/// Origins of what is not told to the own Route Server; none without the guard.
fn origins_here(settings: &Settings) -> impl Iterator<Item = u64> {
    let circuits = settings
        .domains
        .iter()
        .map(|number| origin_community(settings.asn, *number, Kind::ExpressRoute));
    let here = origin(settings, Kind::Vnet).into_iter().chain(circuits);
    here.filter(|_| settings.guards_origin)
}

/// The origin of what enters the overlay here.
pub(super) fn origin(settings: &Settings, kind: Kind) -> Option<u64> {
    let region = settings.region()?;
    Some(origin_community(settings.asn, region, kind))
}

/// All origins of a kind: value and mask.
fn origin_of_kind(overlay: Asn, kind: Kind) -> (u64, u64) {
    (origin_community(overlay, 0, kind), !NUMBER_MASK)
}

fn is((value, mask): (u64, u64)) -> Match {
    Match::ExtCommunity { value, mask }
}

/// Puts the own region and a kind in place of whatever origin a route came with.
fn tag(settings: &Settings, kind: Kind) -> Vec<Action> {
    let add = origin(settings, kind).map(Action::AddExtCommunity);
    core::iter::once(no_origin()).chain(add).collect()
}

const fn no_origin() -> Action {
    Action::RemoveExtCommunity {
        value: ORIGIN_TYPE,
        mask: TYPE_MASK,
    }
}

fn summary(settings: &Settings) -> Match {
    Match::PrefixIn(PrefixSet::exact(settings.summaries.iter().copied()))
}

fn accept_with(then: Vec<Action>) -> Policy {
    policy(vec![accept(Vec::new(), then)])
}

const fn accept(when: Vec<Match>, then: Vec<Action>) -> Term {
    Term {
        when,
        then,
        verdict: Verdict::Accept,
    }
}

const fn reject(when: Vec<Match>) -> Term {
    Term {
        when,
        then: Vec::new(),
        verdict: Verdict::Reject,
    }
}

/// A policy that refuses what no term accepts.
fn policy(terms: Vec<Term>) -> Policy {
    Policy::new(terms, Verdict::Reject).expect("each policy here has a handful of terms")
}

/// `LOCAL_PREF` of what a router at the site brings: before what any hub says.
const AT_SITE: u32 = 300;
/// `MULTI_EXIT_DISC` towards routers of what only the backup region told.
const BACKUP_MED: u32 = 100;
/// AS of the MSEEs, in every AS_PATH that came over ExpressRoute.
const MICROSOFT_EDGE: Asn = Asn(12_076);
/// Stands for circuits whose numbers are not known; never in a configuration.
const UNKNOWN_CIRCUIT: u16 = 0;
/// RFC 1997: Route Server programs such a route into its VNets and tells nobody else of it.
const NO_ADVERTISE: u32 = 0xffff_ff02;
const TYPE_MASK: u64 = 0xffff << 48;
/// The bits of an origin that hold the number of a region or circuit.
const NUMBER_MASK: u64 = 0xffff << 8;
