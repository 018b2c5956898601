//! Flows: the five-tuple that forwarding hashes.

use core::fmt;
use core::net::Ipv4Addr;

use crate::hash;

/// Source, destination, protocol and ports. Ports are zero where the protocol has none;
/// for ICMP echo the source port is the identifier, so that pings of one process are one flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiveTuple {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// IP protocol number.
    pub protocol: u8,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
}

impl FiveTuple {
    /// The flow of the replies. An echo keeps its identifier in the source port.
    pub fn reversed(self) -> Self {
        let icmp = self.protocol == crate::packet::ICMP;
        Self {
            source: self.destination,
            destination: self.source,
            protocol: self.protocol,
            source_port: if icmp {
                self.source_port
            } else {
                self.destination_port
            },
            destination_port: if icmp {
                self.destination_port
            } else {
                self.source_port
            },
        }
    }

    /// A hash for spreading flows over equal next hops. Devices use different seeds, so that
    /// the choice at one hop says nothing about the choice at the next.
    pub fn hash(self, seed: u64) -> u64 {
        let addresses =
            u64::from(self.source.to_bits()) << 32 | u64::from(self.destination.to_bits());
        let rest = u64::from(self.protocol) << 32
            | u64::from(self.source_port) << 16
            | u64::from(self.destination_port);
        hash::mix(
            hash::mix(seed ^ addresses)
                .wrapping_add(rest)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15),
        )
    }

    /// Which of `members` equal next hops takes the flow: rendezvous hashing over the members'
    /// stable names, so that a member that goes moves its own flows only.
    pub fn choose(self, seed: u64, members: impl IntoIterator<Item = u64>) -> Option<usize> {
        let flow = self.hash(seed);
        members
            .into_iter()
            .enumerate()
            .max_by_key(|(index, member)| {
                (hash::mix(flow ^ hash::mix(*member)), usize::MAX - index)
            })
            .map(|(index, _)| index)
    }
}

impl fmt::Display for FiveTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            source,
            destination,
            protocol,
            source_port,
            destination_port,
        } = self;
        match *protocol {
            crate::packet::TCP => write!(
                f,
                "tcp {source}:{source_port} > {destination}:{destination_port}"
            ),
            crate::packet::UDP => write!(
                f,
                "udp {source}:{source_port} > {destination}:{destination_port}"
            ),
            crate::packet::ICMP => write!(f, "icmp {source} > {destination} id {source_port}"),
            other => write!(f, "proto {other} {source} > {destination}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(port: u16) -> FiveTuple {
        FiveTuple {
            source: Ipv4Addr::new(10, 0, 0, 1),
            destination: Ipv4Addr::new(10, 0, 0, 2),
            protocol: crate::packet::TCP,
            source_port: port,
            destination_port: 443,
        }
    }

    #[test]
    fn flows_spread_over_members_evenly() {
        let mut counts = [0; 3];
        for port in 0..9_000 {
            counts[flow(port).choose(5, [11, 22, 33]).expect("a member")] += 1;
        }
        assert!(
            counts.iter().all(|count| (2_800..3_200).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_lost_member_moves_only_its_own_flows() {
        for port in 0..1_000 {
            let before = [11, 22, 33][flow(port).choose(5, [11, 22, 33]).expect("a member")];
            let after = [11, 33][flow(port).choose(5, [11, 33]).expect("a member")];
            assert!(before == 22 || before == after);
        }
    }

    #[test]
    fn nobody_is_chosen_among_none() {
        assert_eq!(flow(1).choose(5, []), None);
    }
}
