//! Why packets go, and how often.

use core::fmt;

use underlay::{Loss, NatRefusal};

/// Why a packet does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// The access link is cut.
    AttachmentDown,
    /// The backbone between the two regions is cut.
    BackboneDown,
    /// The destination belongs to another cloud, or to a region the cloud does not reach.
    CloudUnreachable,
    /// The device at either end is down.
    DeviceDown,
    /// The site's firewall lets no UDP through.
    Firewall,
    /// The connection table of the NIC is full.
    FlowTableFull,
    /// A later fragment at a NAT.
    Fragment,
    /// More packets under way than the fabric holds.
    InFlightFull,
    /// Nobody on the LAN has the address.
    LanUnknown,
    /// Lost by chance in a link or cloud.
    Lost,
    /// Not a whole IPv4 packet.
    Malformed,
    /// The NAT has no mapping for what comes from outside.
    NatNoMapping,
    /// The NAT refuses it: filtered, table full, or a protocol without ports.
    NatRefused,
    /// No router on the LAN to hand it to.
    NoGateway,
    /// Sent to the internet from a NIC without public address.
    NoPublicAddress,
    /// A gateway or an MSEE knows no way to the destination.
    NoRoute,
    /// Nobody in the virtual network has the address.
    NoSuchAddress,
    /// Arrived at a NIC that it is not for, and IP forwarding is off there.
    NotForDestination,
    /// Sent from a NIC that it is not from, and IP forwarding is off there.
    NotFromSource,
    /// The next hop is not in this or a directly peered virtual network.
    NextHopUnreachable,
    /// A network security group denies it.
    NsgDenied,
    /// The path is cut.
    PathDown,
    /// The peering does not let in what the other virtual network only forwards.
    PeeringForwarded,
    /// The peering does not allow access, and no security group allows it either.
    PeeringAccess,
    /// The platform does not carry it: GRE, IP-in-IP, multicast, broadcast, DHCP, UDP from 65330.
    Protocol,
    /// The queue of an access link or point-to-point link is full.
    QueueFull,
    /// The region is down.
    RegionDown,
    /// The route says so: next hop None.
    RouteNone,
    /// Sent into a cloud with an address that is not the site's.
    SourceSpoofed,
    /// To the internet with a source that is not the NIC's own address.
    SourceNotTranslated,
    /// Larger than a gateway takes.
    TooBig,
    /// The time to live ran out at a cloud, NAT, gateway or MSEE.
    TtlExpired,
    /// Nobody has the public address.
    UnknownPublicAddress,
    /// The point-to-point link is cut.
    WireDown,
}

impl DropReason {
    /// All reasons, in order.
    pub const ALL: [Self; 34] = [
        Self::AttachmentDown,
        Self::BackboneDown,
        Self::CloudUnreachable,
        Self::DeviceDown,
        Self::Firewall,
        Self::FlowTableFull,
        Self::Fragment,
        Self::InFlightFull,
        Self::LanUnknown,
        Self::Lost,
        Self::Malformed,
        Self::NatNoMapping,
        Self::NatRefused,
        Self::NoGateway,
        Self::NoPublicAddress,
        Self::NoRoute,
        Self::NoSuchAddress,
        Self::NotForDestination,
        Self::NotFromSource,
        Self::NextHopUnreachable,
        Self::NsgDenied,
        Self::PathDown,
        Self::PeeringForwarded,
        Self::PeeringAccess,
        Self::Protocol,
        Self::QueueFull,
        Self::RegionDown,
        Self::RouteNone,
        Self::SourceSpoofed,
        Self::SourceNotTranslated,
        Self::TooBig,
        Self::TtlExpired,
        Self::UnknownPublicAddress,
        Self::WireDown,
    ];

    /// A stable kebab-case name, for counters and machine-readable answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AttachmentDown => "attachment-down",
            Self::BackboneDown => "backbone-down",
            Self::CloudUnreachable => "cloud-unreachable",
            Self::DeviceDown => "device-down",
            Self::Firewall => "firewall",
            Self::FlowTableFull => "flow-table-full",
            Self::Fragment => "fragment",
            Self::InFlightFull => "in-flight-full",
            Self::LanUnknown => "lan-unknown",
            Self::Lost => "lost",
            Self::Malformed => "malformed",
            Self::NatNoMapping => "nat-no-mapping",
            Self::NatRefused => "nat-refused",
            Self::NoGateway => "no-gateway",
            Self::NoPublicAddress => "no-public-address",
            Self::NoRoute => "no-route",
            Self::NoSuchAddress => "no-such-address",
            Self::NotForDestination => "not-for-destination",
            Self::NotFromSource => "not-from-source",
            Self::NextHopUnreachable => "next-hop-unreachable",
            Self::NsgDenied => "nsg-denied",
            Self::PathDown => "path-down",
            Self::PeeringForwarded => "peering-forwarded",
            Self::PeeringAccess => "peering-access",
            Self::Protocol => "protocol",
            Self::QueueFull => "queue-full",
            Self::RegionDown => "region-down",
            Self::RouteNone => "route-none",
            Self::SourceSpoofed => "source-spoofed",
            Self::SourceNotTranslated => "source-not-translated",
            Self::TooBig => "too-big",
            Self::TtlExpired => "ttl-expired",
            Self::UnknownPublicAddress => "unknown-public-address",
            Self::WireDown => "wire-down",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Loss> for DropReason {
    fn from(loss: Loss) -> Self {
        match loss {
            Loss::QueueFull => Self::QueueFull,
            Loss::Random => Self::Lost,
        }
    }
}

impl From<NatRefusal> for DropReason {
    fn from(refusal: NatRefusal) -> Self {
        match refusal {
            NatRefusal::NoMapping => Self::NatNoMapping,
            NatRefusal::Filtered | NatRefusal::TableFull | NatRefusal::Protocol => Self::NatRefused,
        }
    }
}

/// How many packets went for each reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drops([u64; DropReason::ALL.len()]);

impl Default for Drops {
    fn default() -> Self {
        Self([0; DropReason::ALL.len()])
    }
}

impl Drops {
    pub(crate) const fn count(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> {
        DropReason::ALL
            .into_iter()
            .map(|reason| (reason, self.0[reason as usize]))
            .filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_stands_at_its_own_place() {
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index, "{reason}");
        }
    }
}
