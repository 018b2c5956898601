//! Effective routes: which route a packet takes out of a NIC, and the table that the platform shows.
//!
//! Longest prefix first; for the same prefix user routes before Route Server's before system ones.
//! Two exceptions: address space of the own and of peered VNets wins over Route Server even when
//! that has a longer prefix; and the rows with next hop None exist only while the system default
//! route does.

use core::net::Ipv4Addr;

use design::plan::UserNextHop;
use inet::{Prefix, PrefixMap};

use super::topology::{Nic, PortKind, VnetId};
use super::{EffectiveRoute, Fabric, NextHopType, PortId, RouteSource};

/// A route that matched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matched<'a> {
    pub(crate) prefix: Prefix,
    pub(crate) source: RouteSource,
    pub(crate) next: Next<'a>,
}

/// Where a matched route points.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next<'a> {
    /// To the owner of the destination, in this or a peered VNet.
    Vnet(NextHopType),
    /// To an address that the user named.
    Appliance(Ipv4Addr),
    /// To one of Route Server's next hops.
    Gateway(&'a [Ipv4Addr]),
    /// To the owner of a public address.
    Internet,
    /// Nowhere.
    None,
}

impl From<UserNextHop> for Next<'_> {
    fn from(hop: UserNextHop) -> Self {
        match hop {
            UserNextHop::VirtualAppliance(address) => Self::Appliance(address),
            UserNextHop::VnetLocal => Self::Vnet(NextHopType::VnetLocal),
            UserNextHop::Internet => Self::Internet,
            UserNextHop::None => Self::None,
        }
    }
}

impl Fabric {
    /// The route that a destination takes out of a NIC. There always is one.
    pub(crate) fn route(&self, nic: &Nic, destination: Ipv4Addr) -> Matched<'_> {
        let system = self
            .topology
            .vnet(nic.vnet)
            .system
            .longest_match(destination);
        let table = self.topology.table_of(nic);
        let user = table.and_then(|table| table.routes.longest_match(destination));
        let programmed = self.programmed(nic);
        let gateway = match system {
            Some(_) => None,
            None => programmed.and_then(|table| table.longest_match(destination)),
        };
        // in order of preference: of equal lengths the first stays
        let candidates = [
            user.map(|(prefix, hop)| Matched {
                prefix,
                source: RouteSource::User,
                next: (*hop).into(),
            }),
            gateway.map(|(prefix, hops)| Matched {
                prefix,
                source: RouteSource::VirtualNetworkGateway,
                next: Next::Gateway(hops),
            }),
            system.map(|(prefix, route)| Matched {
                prefix,
                source: RouteSource::Default,
                next: Next::Vnet(route.kind),
            }),
            self.default_route(nic, destination),
        ];
        candidates
            .into_iter()
            .flatten()
            .reduce(|best, other| {
                if other.prefix.len() > best.prefix.len() {
                    other
                } else {
                    best
                }
            })
            .expect("a default route, the system's or what replaced it")
    }

    /// The system default route or the row with next hop None, unless the default was replaced.
    fn default_route(&self, nic: &Nic, destination: Ipv4Addr) -> Option<Matched<'_>> {
        if self.default_replaced_by_user(nic) || self.default_replaced_by_gateway(nic) {
            return None;
        }
        let none = self.topology.none_rows.longest_match(destination);
        Some(Matched {
            prefix: none.map_or(Prefix::DEFAULT, |(prefix, ())| prefix),
            source: RouteSource::Default,
            next: none.map_or(Next::Internet, |_| Next::None),
        })
    }

    fn default_replaced_by_user(&self, nic: &Nic) -> bool {
        let table = self.topology.table_of(nic);
        table.is_some_and(|table| table.routes.get(Prefix::DEFAULT).is_some())
    }

    fn default_replaced_by_gateway(&self, nic: &Nic) -> bool {
        let programmed = self.programmed(nic);
        programmed.is_some_and(|table| table.get(Prefix::DEFAULT).is_some())
    }

    /// Whether an address is in the VirtualNetwork tag of a NIC: address space of the VNet and of
    /// peers with access, what Route Server programmed, and what user routes send to an appliance.
    pub(crate) fn is_virtual(&self, nic: &Nic, address: Ipv4Addr) -> bool {
        let vnet = self.topology.vnet(nic.vnet);
        if let Some((_, route)) = vnet.system.longest_match(address) {
            return vnet.peers.get(&route.vnet).is_none_or(|peer| peer.access);
        }
        let user = self.topology.table_of(nic).is_some_and(|table| {
            table.routes.longest_match(address).is_some_and(|(_, hop)| {
                matches!(
                    hop,
                    UserNextHop::VirtualAppliance(_) | UserNextHop::VnetLocal
                )
            })
        });
        user || self
            .programmed(nic)
            .is_some_and(|table| table.longest_match(address).is_some())
    }

    /// The effective routes of a NIC, system rows first, as the platform lists them; `None` for
    /// other interfaces. Rows that lose to another of the same prefix are listed as not active.
    pub fn effective_routes(&self, port: PortId) -> Option<Vec<EffectiveRoute>> {
        let PortKind::Nic(id) = self.topology.ports.get(port.0 as usize)?.kind else {
            return None;
        };
        let nic = self.topology.nic(id);
        let empty = PrefixMap::new();
        let user = self
            .topology
            .table_of(nic)
            .map_or(&empty, |table| &table.routes);
        let mut rows = self.system_rows(nic, user);
        for (prefix, hops) in self.programmed(nic).into_iter().flat_map(PrefixMap::iter) {
            if !self.system_covers(nic.vnet, prefix) {
                let active = user.get(prefix).is_none();
                rows.push(self.gateway_row(nic, prefix, hops, active));
            }
        }
        rows.extend(
            user.iter()
                .map(|(prefix, hop)| row(RouteSource::User, prefix, (*hop).into(), true)),
        );
        Some(rows)
    }

    /// Whether the route table of a NIC's subnet keeps routes of Route Server and gateways out;
    /// `None` for other interfaces.
    pub fn keeps_out_bgp(&self, port: PortId) -> Option<bool> {
        let PortKind::Nic(id) = self.topology.ports.get(port.0 as usize)?.kind else {
            return None;
        };
        let table = self.topology.table_of(self.topology.nic(id));
        Some(table.is_some_and(|table| !table.propagation))
    }

    fn system_rows(&self, nic: &Nic, user: &PrefixMap<UserNextHop>) -> Vec<EffectiveRoute> {
        let system = self.topology.vnet(nic.vnet).system.iter();
        let own = system.map(|(prefix, route)| (prefix, Next::Vnet(route.kind)));
        let by_user = self.default_replaced_by_user(nic);
        let by_gateway = self.default_replaced_by_gateway(nic);
        let default = (by_user || !by_gateway).then_some((Prefix::DEFAULT, Next::Internet));
        let none = self
            .topology
            .none_rows
            .iter()
            .filter(|_| !by_user && !by_gateway)
            .map(|(prefix, ())| (prefix, Next::None));
        let programmed = self.programmed(nic);
        own.map(|(prefix, next)| (prefix, next, user.get(prefix).is_none()))
            .chain(default.into_iter().chain(none).map(|(prefix, next)| {
                let beaten = programmed.is_some_and(|table| table.get(prefix).is_some());
                (prefix, next, user.get(prefix).is_none() && !beaten)
            }))
            .map(|(prefix, next, active)| row(RouteSource::Default, prefix, next, active))
            .collect()
    }

    /// What Route Server programmed, as a row. When none of the next hops is in this or a directly
    /// peered VNet it is a black hole, shown as None.
    fn gateway_row(
        &self,
        nic: &Nic,
        prefix: Prefix,
        hops: &[Ipv4Addr],
        active: bool,
    ) -> EffectiveRoute {
        let reached = |hop: &Ipv4Addr| self.topology.reachable(nic.vnet, *hop).is_some();
        let next = if hops.iter().any(reached) {
            Next::Gateway(hops)
        } else {
            Next::None
        };
        row(RouteSource::VirtualNetworkGateway, prefix, next, active)
    }

    /// Whether a prefix is equal to or inside address space of the VNet or of a peered one.
    pub(crate) fn system_covers(&self, vnet: VnetId, prefix: Prefix) -> bool {
        self.topology
            .vnet(vnet)
            .system
            .matches(prefix.address())
            .any(|(space, _)| space.covers(prefix))
    }
}

/// A row of the platform's table.
pub(crate) fn row(
    source: RouteSource,
    prefix: Prefix,
    next: Next<'_>,
    active: bool,
) -> EffectiveRoute {
    let (next_hop_type, next_hops) = match next {
        Next::Vnet(kind) => (kind, Vec::new()),
        Next::Appliance(address) => (NextHopType::VirtualAppliance, vec![address]),
        Next::Gateway(hops) => (NextHopType::VirtualNetworkGateway, hops.to_vec()),
        Next::Internet => (NextHopType::Internet, Vec::new()),
        Next::None => (NextHopType::None, Vec::new()),
    };
    EffectiveRoute {
        source,
        active,
        prefix,
        next_hop_type,
        next_hops,
    }
}
