//! An MSEE's rules in the terms of the BGP speaker: who is told what of whom.
//!
//! | from \ to | private customer | Microsoft customer | gateway | Global Reach |
//! |---|---|---|---|---|
//! | private customer | | no | yes | yes |
//! | Microsoft customer | no | | no | no |
//! | gateway | private ASes removed | no | 65515 → 12076, not to its own VNet | no |
//! | Global Reach | private ASes removed | no | yes | no |
//! | Microsoft's prefixes | no | what the route filter names | no | no |

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::BTreeMap;

use bgp::policy::{Private, Range};
use bgp::{
    Action, Counting, Group, Match, MedRule, Neighbor, NextHopRule, Origination, Policy,
    PrefixLimit, PrefixSet, Settings, Term, Verdict,
};
use design::plan::{
    BgpPeerConfig, CustomerEdge, InterfaceConfig, MicrosoftPeering, MseeConfig, MseeConnection,
    PrivatePeering,
};
use inet::{Asn, Prefix};

use super::super::ConfigFault;
use super::MseeMember;
use crate::instance::Setup;

/// Towards gateways and other MSEEs: reconvergence takes a minute at the most, as documented.
const HOLD_TIME: Duration = Duration::from_secs(45);
/// A customer's smaller hold time is refused.
const HOLD_TIME_MIN: Duration = Duration::from_secs(10);
/// VNets of one circuit, with the largest bandwidth.
const CONNECTIONS_MAX: usize = 100;
/// How often an MSEE under maintenance puts its AS in front.
const DRAINED: u8 = 3;
/// LOCAL_PREF of the customer's public prefixes, which are known by the Microsoft peering.
const PUBLIC: u32 = 200;
/// The numbers that documents may use (RFC 5398), which a public path cannot have.
const DOCUMENTATION: Range = Range {
    min: 64_496,
    max: 64_511,
};

const PRIVATE_PEERING: Group = Group(0);
const MICROSOFT_PEERING: Group = Group(1);
const GLOBAL_REACH: Group = Group(2);
/// Gateways have one class for each connection, from here.
const CONNECTIONS: u8 = 3;

pub(super) fn setup(config: &MseeConfig, drained: bool) -> Result<Setup<MseeMember>, ConfigFault> {
    if config.connections.len() > CONNECTIONS_MAX {
        return Err(ConfigFault::Connections(CONNECTIONS_MAX));
    }
    let rules = Rules { config, drained };
    let mut members = Vec::new();
    if let Some(peering) = &config.private_peering {
        let member = MseeMember::Private(peering.edge.peer.clone());
        members.push((member, rules.private(peering)?));
    }
    if let Some(peering) = &config.microsoft_peering {
        let member = MseeMember::Microsoft(peering.edge.peer.clone());
        members.push((member, rules.microsoft(peering)?));
    }
    for (index, connection) in config.connections.iter().enumerate() {
        let interface = rules.interface(&connection.interface)?;
        for (instance, peer) in connection.gateways.iter().enumerate() {
            let member = MseeMember::Gateway {
                vnet: connection.vnet.clone(),
                peer: peer.clone(),
            };
            let neighbor = Neighbor {
                interior_cost: u32::from((instance == 1) != config.primary),
                ..rules.gateway(class(index), connection, interface, peer)
            };
            members.push((member, neighbor));
        }
    }
    for peer in &config.global_reach {
        let member = MseeMember::GlobalReach(peer.clone());
        members.push((member, rules.global_reach(peer)?));
    }
    Ok(Setup {
        settings: Settings {
            multipath_max: 1,
            med: MedRule::Never,
            compare_origin: false,
            ..Settings::new(config.asn, config.router_id)
        },
        members,
        originated: originated(config),
    })
}

/// The customer's routers that BFD is to watch.
pub(super) fn watched(config: &MseeConfig) -> Vec<bfd::SessionKey> {
    let private = config.private_peering.as_ref().map(|peering| &peering.edge);
    let microsoft = config.microsoft_peering.as_ref();
    let edges = private
        .into_iter()
        .chain(microsoft.map(|peering| &peering.edge));
    let keys = edges.filter(|edge| edge.bfd).filter_map(|edge| {
        let mut interfaces = config.interfaces.iter();
        let interface = interfaces.find(|interface| interface.name == edge.interface)?;
        Some(bfd::SessionKey {
            local: interface.address.into(),
            remote: edge.peer.address.into(),
            hops: bfd::Hops::Single,
        })
    });
    keys.collect()
}

/// Microsoft's public prefixes with their communities.
fn originated(config: &MseeConfig) -> BTreeMap<Prefix, Origination> {
    let peering = config.microsoft_peering.iter();
    let prefixes = peering.flat_map(|peering| &peering.prefixes);
    let routes = prefixes.map(|tagged| {
        let route = Origination {
            communities: tagged.communities.iter().map(|tag| tag.0).collect(),
            ..Origination::default()
        };
        (tagged.prefix, route)
    });
    routes.collect()
}

/// The class of a connection's gateways.
fn class(index: usize) -> Group {
    let number = u8::try_from(index).unwrap_or(u8::MAX);
    Group(CONNECTIONS.saturating_add(number))
}

struct Rules<'a> {
    config: &'a MseeConfig,
    drained: bool,
}

impl Rules<'_> {
    /// What the customer announces over the private peering is taken as it is, a default route and
    /// paths with the MSEE's own AS included.
    fn private(&self, peering: &PrivatePeering) -> Result<Neighbor, ConfigFault> {
        let edge = self.edge(&peering.edge)?;
        Ok(Neighbor {
            group: PRIVATE_PEERING,
            own_as_allowed: u8::MAX,
            prefix_limit: limit(self.config.limits.private_in),
            import: Some(Policy::accept_all()),
            export: Some(self.to_private()),
            ..edge
        })
    }

    /// Public prefixes that are the customer's, without communities and private ASes; no default.
    fn microsoft(&self, peering: &MicrosoftPeering) -> Result<Neighbor, ConfigFault> {
        let own = PrefixSet::within(peering.customer_prefixes.iter().copied());
        let documentation = DOCUMENTATION.min..=DOCUMENTATION.max;
        let documentation = documentation.map(|asn| Match::AsPathContains(Asn(asn)));
        let default = Match::PrefixIn(PrefixSet::exact([Prefix::DEFAULT]));
        let filter = peering.route_filter.iter();
        let named = filter.map(|value| Match::Community(value.0)).collect();
        let import = policy(vec![
            term([default], [], Verdict::Reject),
            term([Match::Any(documentation.collect())], [], Verdict::Reject),
            term(
                [Match::PrefixIn(own)],
                [
                    Action::RemovePrivate(Private::All),
                    Action::SetCommunities(Vec::new()),
                    Action::LocalPref(PUBLIC),
                ],
                Verdict::Accept,
            ),
        ]);
        let export = policy(vec![
            self.drain(),
            term([Match::Local, Match::Any(named)], [], Verdict::Accept),
        ]);
        Ok(Neighbor {
            group: MICROSOFT_PEERING,
            own_as_allowed: u8::MAX,
            prefix_limit: limit(self.config.limits.microsoft_in),
            import: Some(import),
            export: Some(export),
            ..self.edge(&peering.edge)?
        })
    }

    /// The customer's router: directly connected, with the timers of the peering.
    fn edge(&self, edge: &CustomerEdge) -> Result<Neighbor, ConfigFault> {
        let peer = &edge.peer;
        if peer.asn == self.config.asn || matches!(peer.asn.0, 65_515..=65_520) {
            return Err(ConfigFault::Asn(peer.asn));
        }
        let interface = self.interface(&edge.interface)?;
        Ok(Neighbor {
            hold_time: Duration::from_secs(edge.hold_time_s.into()),
            hold_time_min: HOLD_TIME_MIN,
            keepalive: Some(Duration::from_secs(edge.keepalive_s.into())),
            ebgp_multihop_ttl: 1,
            honour_no_export: false,
            ..Neighbor::new(peer.name.clone(), interface.address, peer.address, peer.asn)
        })
    }

    fn gateway(
        &self,
        class: Group,
        connection: &MseeConnection,
        interface: &InterfaceConfig,
        peer: &BgpPeerConfig,
    ) -> Neighbor {
        Neighbor {
            hold_time: HOLD_TIME,
            group: class,
            as_override: true,
            prefix_limit: limit(self.config.limits.private_out),
            import: Some(Policy::accept_all()),
            export: Some(self.to_gateway(class, connection)),
            honour_no_export: false,
            ..Neighbor::new(peer.name.clone(), interface.address, peer.address, peer.asn)
        }
    }

    /// The same AS at both ends, so what is told over Global Reach goes to no third circuit; the AS
    /// is put in front all the same, as paths over Global Reach show it.
    fn global_reach(&self, peer: &BgpPeerConfig) -> Result<Neighbor, ConfigFault> {
        let interface = self.towards(peer.address)?;
        let customer = Match::FromGroup(PRIVATE_PEERING);
        let export = policy(vec![
            self.drain(),
            term(
                [customer],
                [Action::PrependAs(vec![self.config.asn])],
                Verdict::Accept,
            ),
        ]);
        Ok(Neighbor {
            hold_time: HOLD_TIME,
            group: GLOBAL_REACH,
            own_as_allowed: u8::MAX,
            import: Some(Policy::accept_all()),
            export: Some(export),
            next_hop: NextHopRule::Ourselves,
            ..Neighbor::new(peer.name.clone(), interface.address, peer.address, peer.asn)
        })
    }

    /// VNets and other circuits' customers; on-premises sees only 12076. A VNet's region is told where
    /// the VNet has a community of its own.
    fn to_private(&self) -> Policy {
        let mut terms = vec![
            term([Match::Local], [], Verdict::Reject),
            term([Match::FromGroup(MICROSOFT_PEERING)], [], Verdict::Reject),
            term([], [Action::RemovePrivate(Private::All)], Verdict::Next),
            self.drain(),
        ];
        for (index, connection) in self.config.connections.iter().enumerate() {
            let Some(custom) = connection.custom_community else {
                continue;
            };
            let tags = connection.region_community.into_iter().chain([custom]);
            terms.push(Term {
                when: vec![Match::FromGroup(class(index))],
                then: tags.map(|tag| Action::AddCommunity(tag.0)).collect(),
                verdict: Verdict::Accept,
            });
        }
        terms.push(term([], [], Verdict::Accept));
        policy(terms)
    }

    /// Customers, and VNets other than its own where both let traffic between VNets pass.
    fn to_gateway(&self, class: Group, connection: &MseeConnection) -> Policy {
        let mut terms = vec![
            term([Match::Local], [], Verdict::Reject),
            term([Match::FromGroup(MICROSOFT_PEERING)], [], Verdict::Reject),
            term([Match::FromGroup(class)], [], Verdict::Reject),
        ];
        let others = self.config.connections.iter().enumerate();
        let deaf = others.filter(|(_, other)| !(connection.remote_vnets && other.remote_vnets));
        let deaf = deaf.map(|(index, _)| Match::FromGroup(self::class(index)));
        terms.push(term([Match::Any(deaf.collect())], [], Verdict::Reject));
        terms.push(self.drain());
        terms.push(term([], [], Verdict::Accept));
        policy(terms)
    }

    /// Before maintenance everything is told with a longer path.
    fn drain(&self) -> Term {
        let times = vec![self.config.asn; if self.drained { DRAINED.into() } else { 0 }];
        term([], [Action::PrependAs(times)], Verdict::Next)
    }

    fn interface(&self, name: &str) -> Result<&InterfaceConfig, ConfigFault> {
        let mut interfaces = self.config.interfaces.iter();
        let found = interfaces.find(|interface| interface.name == name);
        found.ok_or_else(|| ConfigFault::Interface(name.to_owned()))
    }

    /// The interface on the link with an address.
    fn towards(&self, address: Ipv4Addr) -> Result<&InterfaceConfig, ConfigFault> {
        let mut interfaces = self.config.interfaces.iter();
        let found = interfaces.find(|interface| {
            let link = Prefix::around(interface.address, interface.prefix_len);
            link.is_some_and(|link| link.contains(address))
        });
        found.ok_or(ConfigFault::NoLink(address))
    }
}

/// A limit of the platform; 0 is none.
fn limit(most: u32) -> Option<PrefixLimit> {
    (most != 0).then(|| PrefixLimit::new(most, Counting::Held))
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

fn policy(terms: Vec<Term>) -> Policy {
    Policy::new(terms, Verdict::Reject).expect("fewer connections than a policy has terms")
}
