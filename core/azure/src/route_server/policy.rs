//! The platform's rules in the terms of the BGP speaker.
//!
//! The routing preference is LOCAL_PREF, set on everything that comes in, so that what a gateway
//! sends as LOCAL_PREF means nothing. Gateways are route reflection clients: what they are told has
//! its next hop and AS_PATH unchanged. Branch-to-branch gates what is told, never what is known.

use core::time::Duration;

use bgp::{
    Action, AsPathRule, ConnectMode, Counting, Families, HoldTimeRule, Match, MedRule, Neighbor,
    NextHopRule, Policy, PrefixLimit, PrefixSet, Settings, Term, Verdict,
};
use design::plan::{
    BgpPeerConfig, BranchKind, GatewayConfig, OverTotal, RouteServerConfig, RoutesCounted,
    RoutingPreference,
};
use inet::Prefix;

use super::member::Class;
use super::{Member, maps};

/// NO_ADVERTISE (RFC 1997).
const NO_ADVERTISE: u32 = 0xffff_ff02;

/// 65517:65517: on routes of NVAs that a gateway gets, so that the gateway of another VNet with a
/// Route Server drops them when they come back through a circuit.
pub const NVA_ROUTE: u32 = 65_517 << 16 | 65_517;

/// LOCAL_PREF of a gateway's own routes where those come first, of what the routing preference puts
/// first, and of the rest.
const STATIC: u32 = 300;
const PREFERRED: u32 = 200;
const USUAL: u32 = 100;

/// What is decided from the configuration and from what happened.
pub(crate) struct Rules<'a> {
    pub(crate) config: &'a RouteServerConfig,
    /// Prefixes that stay with the backup while ExpressRoute has them as well.
    pub(crate) stuck: &'a [Prefix],
}

impl Rules<'_> {
    /// The instance as a speaker, without its members.
    pub(crate) fn settings(&self) -> Settings {
        let config = self.config;
        Settings {
            multipath_max: config.limits.next_hops,
            multipath_as_path: AsPathRule::SameLength,
            med: if config.choices.compares_med {
                MedRule::SameNeighborAs
            } else {
                MedRule::Never
            },
            compare_origin: config.choices.compares_origin,
            prefer_external: false,
            prefixes_max: match config.choices.over_total {
                OverTotal::Refuse => limit(config.limits.routes_total),
                OverTotal::Drop => None,
            },
            ..Settings::new(config.asn, config.interface.address)
        }
    }

    /// A member as a neighbour.
    pub(crate) fn neighbor(&self, member: &Member) -> Neighbor {
        match member {
            Member::Peer(peer) => self.nva(peer),
            Member::Gateway(gateway) => self.gateway(gateway),
        }
    }

    fn nva(&self, peer: &BgpPeerConfig) -> Neighbor {
        let config = self.config;
        let counted = match config.choices.routes_counted {
            RoutesCounted::Held => Counting::Held,
            RoutesCounted::HeldPlusIncoming => Counting::HeldPlusIncoming {
                gap: Duration::from_millis(u64::from(config.choices.burst_gap_ms)),
            },
        };
        let maps = config.route_maps.of(peer.address);
        Neighbor {
            hold_time: Duration::from_secs(u64::from(config.hold_time_s)),
            hold_time_rule: if config.choices.smaller_hold_time {
                HoldTimeRule::Minimum
            } else {
                HoldTimeRule::Fixed
            },
            prefix_limit: Some(PrefixLimit {
                subcode: config.choices.over_routes_subcode,
                ..PrefixLimit::new(config.routes_per_peer, counted)
            }),
            group: Class::Nva.group(),
            interior_cost: self.cost(Class::Nva),
            import: Some(self.import(Class::Nva, maps.inbound.as_deref())),
            export: Some(self.export_to_nva(maps.outbound.as_deref())),
            next_hop: NextHopRule::Ourselves,
            families: Families::BOTH,
            accept_ipv6: false,
            honour_no_export: config.choices.obeys_no_export,
            ..Neighbor::new(
                peer.name.clone(),
                config.interface.address,
                peer.address,
                peer.asn,
            )
        }
    }

    fn gateway(&self, gateway: &GatewayConfig) -> Neighbor {
        let config = self.config;
        let class = Class::of(gateway.kind);
        let maps = match gateway.kind {
            BranchKind::ExpressRoute => &config.route_maps.express_route,
            BranchKind::Vpn => &config.route_maps.vpn,
        };
        Neighbor {
            hold_time: Duration::from_secs(u64::from(config.hold_time_s)),
            connect: ConnectMode::Passive,
            group: class.group(),
            interior_cost: self.cost(class),
            route_reflector_client: true,
            import: Some(self.import(class, maps.inbound.as_deref())),
            export: Some(self.export_to_gateway(class, maps.outbound.as_deref())),
            next_hop: NextHopRule::Unchanged,
            ..Neighbor::new(
                gateway.name.clone(),
                config.interface.address,
                gateway.address,
                config.asn,
            )
        }
    }

    /// Of paths that are equal but for this the cheaper ones win.
    fn cost(&self, class: Class) -> u32 {
        u32::from(self.config.choices.expressroute_breaks_ties && class != Class::ExpressRoute)
    }

    /// Everything but the own subnet, with the class's preference.
    fn import(&self, class: Class, map: Option<&str>) -> Policy {
        let config = self.config;
        let own_subnet = Match::PrefixIn(PrefixSet::exact([config.subnet]));
        let mut terms = vec![term([own_subnet], [], Verdict::Reject)];
        if class != Class::Nva && !config.branch_to_branch && !config.choices.gateway_routes_always
        {
            terms.push(term([], [], Verdict::Reject));
        }
        let preference = |class| Action::LocalPref(local_pref(config.routing_preference, class));
        terms.push(term([], [preference(class)], Verdict::Next));
        if class != Class::Nva && config.choices.static_before_bgp {
            let own = Match::AsPathIs(Vec::new());
            terms.push(term([own], [Action::LocalPref(STATIC)], Verdict::Next));
        }
        if class == Class::ExpressRoute && !self.stuck.is_empty() {
            let stuck = Match::PrefixIn(PrefixSet::exact(self.stuck.iter().copied()));
            terms.push(term([stuck], [preference(Class::Nva)], Verdict::Next));
        }
        terms.extend(self.map(map));
        policy(terms, Verdict::Accept)
    }

    /// Address space always; the best paths of others with branch-to-branch, unless tagged.
    fn export_to_nva(&self, map: Option<&str>) -> Policy {
        let mut terms = vec![
            term([Match::Local], [], Verdict::Accept),
            term([Match::Community(NO_ADVERTISE)], [], Verdict::Reject),
        ];
        self.others(map, &mut terms);
        policy(terms, Verdict::Accept)
    }

    /// The best paths of others with branch-to-branch, unless tagged; not the address space, which
    /// a gateway knows of itself.
    fn export_to_gateway(&self, class: Class, map: Option<&str>) -> Policy {
        let mut terms = vec![
            term([Match::Local], [], Verdict::Reject),
            term([Match::Community(NO_ADVERTISE)], [], Verdict::Reject),
            term([], [Action::LocalPref(USUAL)], Verdict::Next),
        ];
        if class == Class::ExpressRoute {
            let nva = Match::FromGroup(Class::Nva.group());
            terms.push(term(
                [nva],
                [Action::AddCommunity(NVA_ROUTE)],
                Verdict::Next,
            ));
        }
        self.others(map, &mut terms);
        policy(terms, Verdict::Accept)
    }

    /// What others told: nothing without branch-to-branch, else what the route map lets through.
    fn others(&self, map: Option<&str>, terms: &mut Vec<Term>) {
        if self.config.branch_to_branch {
            terms.extend(self.map(map));
        } else {
            terms.push(term([], [], Verdict::Reject));
        }
    }

    fn map(&self, name: Option<&str>) -> Vec<Term> {
        let map = name.and_then(|name| self.config.route_maps.map(name));
        map.map(maps::terms).unwrap_or_default()
    }
}

/// A limit of the platform; 0 is none.
const fn limit(most: u32) -> Option<u32> {
    match most {
        0 => None,
        most => Some(most),
    }
}

/// The routing preference as LOCAL_PREF.
const fn local_pref(preference: RoutingPreference, class: Class) -> u32 {
    match (preference, class) {
        (RoutingPreference::ExpressRoute, Class::ExpressRoute)
        | (RoutingPreference::VpnGateway, Class::Nva | Class::Vpn) => PREFERRED,
        (RoutingPreference::ExpressRoute, Class::Nva | Class::Vpn)
        | (RoutingPreference::VpnGateway, Class::ExpressRoute)
        | (RoutingPreference::AsPath, _) => USUAL,
    }
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

fn policy(terms: Vec<Term>, otherwise: Verdict) -> Policy {
    Policy::new(terms, otherwise).expect("route maps were checked for their length")
}
