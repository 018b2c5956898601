//! What makes neighbours be told the same.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use inet::Asn;

use crate::peer::Peer;
use crate::policy::Policy;
use crate::settings::{NextHopRule, Role};
use crate::wire::header::{MESSAGE_EXTENDED_MAX, MESSAGE_MAX};
use crate::wire::update;

/// How UPDATEs look on a session.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an extension or a setting of its own"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wire {
    /// AS numbers have four octets (RFC 6793).
    pub(crate) four_octet: bool,
    /// IPv4 unicast routes go out.
    pub(crate) ipv4: bool,
    /// IPv6 unicast routes go out.
    pub(crate) ipv6: bool,
    /// IPv4 routes may have IPv6 next hops (RFC 8950).
    pub(crate) extended_next_hop: bool,
    /// Messages may have 65,535 octets (RFC 8654).
    pub(crate) extended_messages: bool,
    /// How many paths go out for each prefix (RFC 7911), of IPv4 and IPv6.
    pub(crate) add_path: [Option<u8>; 2],
}

impl Wire {
    /// Whether routes of the family go out.
    pub(crate) const fn takes(&self, v6: bool) -> bool {
        if v6 { self.ipv6 } else { self.ipv4 }
    }
}

/// What makes neighbours be told the same.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an extension or a setting of its own"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupKey {
    pub(crate) external: bool,
    pub(crate) client: bool,
    pub(crate) next_hop: NextHopRule,
    local_v4: Option<Ipv4Addr>,
    local_v6: Option<Ipv6Addr>,
    /// The AS that is overridden.
    pub(crate) overridden: Option<Asn>,
    pub(crate) policy: Policy,
    pub(crate) role: Option<Role>,
    /// RFC 8326: what we tell is about to go.
    pub(crate) graceful_shutdown: bool,
    /// Whether NO_EXPORT stops a route.
    pub(crate) honours_no_export: bool,
    /// Whether the neighbour takes long-lived stale routes (RFC 9494).
    pub(crate) tells_stale: bool,
    /// A neighbour that is told at its own pace is a group of its own.
    alone: Option<IpAddr>,
    pub(crate) wire: Wire,
}

impl GroupKey {
    pub(crate) fn of(peer: &Peer, local_as: Asn, wire: Wire) -> Self {
        let neighbor = &peer.settings;
        let external = neighbor.remote_as != local_as;
        let usual = || {
            if external && neighbor.require_policy {
                Policy::reject_all()
            } else {
                Policy::accept_all()
            }
        };
        Self {
            external,
            client: !external && neighbor.route_reflector_client,
            next_hop: neighbor.next_hop,
            local_v4: neighbor.next_hop_v4(),
            local_v6: match neighbor.local_address {
                IpAddr::V6(address) => Some(address),
                IpAddr::V4(_) => neighbor.local_address_v6,
            },
            overridden: (external && neighbor.as_override).then_some(neighbor.remote_as),
            policy: neighbor.export.clone().unwrap_or_else(usual),
            role: peer.agreed.role,
            graceful_shutdown: peer.graceful_shutdown,
            honours_no_export: neighbor.honour_no_export,
            tells_stale: peer
                .negotiated()
                .is_some_and(|negotiated| !negotiated.long_lived.is_empty()),
            alone: neighbor.pace.map(|_| neighbor.address),
            wire,
        }
    }

    /// Whether the two differ in the policy only, and the one member's table can be brought from one
    /// to the other.
    pub(crate) fn differs_in_policy(&self, other: &Self) -> bool {
        let same = Self {
            policy: other.policy.clone(),
            ..self.clone()
        };
        self.alone.is_some()
            && same == *other
            && !self.policy.aggregates()
            && !other.policy.aggregates()
    }

    /// How many paths of a family go out for each prefix; `None` is the best one, without the
    /// extension.
    pub(crate) const fn add_path(&self, v6: bool) -> Option<u8> {
        self.wire.add_path[v6 as usize]
    }

    /// The longest message.
    pub(crate) const fn message_max(&self) -> usize {
        if self.wire.extended_messages {
            MESSAGE_EXTENDED_MAX
        } else {
            MESSAGE_MAX
        }
    }

    /// The most bytes that a block of attributes can have.
    pub(crate) const fn attributes_max(&self) -> usize {
        self.message_max() - update::OVERHEAD_MAX
    }

    /// Ourselves as the next hop of a family's routes: for IPv4 routes on an IPv6 session what
    /// RFC 8950 allows, for IPv6 routes on an IPv4 session the mapped address without a better one.
    pub(crate) fn ourselves(&self, v6: bool) -> Option<IpAddr> {
        if v6 {
            let mapped = || self.local_v4.map(|address| address.to_ipv6_mapped());
            return self.local_v6.or_else(mapped).map(IpAddr::V6);
        }
        let extended = || {
            self.local_v6
                .filter(|_| self.wire.extended_next_hop)
                .map(IpAddr::V6)
        };
        self.local_v4.map(IpAddr::V4).or_else(extended)
    }
}
