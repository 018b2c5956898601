//! What senders of dropped packets are told by ICMP, and how often: an answer to every bad packet would be
//! an attack's tool (RFC 1812 §4.3.2.8).

use core::net::Ipv4Addr;
use core::time::Duration;

use inet::Instant;
use inet::packet::{self, Ipv4};

use crate::view::DropReason;

/// The ICMP error from the node's loopback about a packet that was dropped (RFC 1812 §4.3.3), where one helps.
/// `mtu` is what would have fitted, for what was too big.
pub(crate) fn error(
    loopback: Ipv4Addr,
    reason: DropReason,
    about: &Ipv4<'_>,
    mtu: usize,
) -> Option<Vec<u8>> {
    let mut rest = [0; 4];
    let (kind, code) = match reason {
        DropReason::NoRoute | DropReason::Unreachable => UNREACHABLE_NET,
        DropReason::LinkDown
        | DropReason::NoPathForClass
        | DropReason::NoSession
        | DropReason::Returning => UNREACHABLE_HOST,
        DropReason::TtlExpired => TIME_EXCEEDED,
        DropReason::TooBig => {
            rest[2..].copy_from_slice(&(mtu as u16).to_be_bytes());
            FRAGMENTATION_NEEDED
        }
        DropReason::Malformed
        | DropReason::NotForOverlay
        | DropReason::SourceNotAllowed
        | DropReason::Congestion
        | DropReason::Queue
        | DropReason::StrayProbe => return None,
    };
    let to = about.destination();
    if to.is_multicast() || to.is_broadcast() {
        return None;
    }
    packet::icmp_error(loopback, about, kind, code, rest)
}

/// ICMP types and codes (RFC 792, RFC 1191).
const UNREACHABLE_NET: (u8, u8) = (3, 0);
const UNREACHABLE_HOST: (u8, u8) = (3, 1);
const FRAGMENTATION_NEEDED: (u8, u8) = (3, 4);
const TIME_EXCEEDED: (u8, u8) = (11, 0);

/// A budget that refills with time: [`BURST`] at once, one for every [`INTERVAL`] in the long run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IcmpBudget {
    /// When the budget would be full again.
    full_at: Instant,
}

impl IcmpBudget {
    /// Takes one. `false` when nothing is left.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.max(now) + INTERVAL;
        let is_left = full_at.since(now) <= INTERVAL * BURST;
        if is_left {
            self.full_at = full_at;
        }
        is_left
    }
}

/// A traceroute of 30 hops with three packets each fits in.
const BURST: u32 = 100;
/// A hundred a second, far below what a link carries.
const INTERVAL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_for_every_interval() {
        let mut budget = IcmpBudget::default();
        let now = Instant::from_secs(5);
        assert_eq!((0..1_000).filter(|_| budget.take(now)).count(), 100);
        assert!(budget.take(now + INTERVAL));
        assert!(!budget.take(now + INTERVAL));
    }
}
