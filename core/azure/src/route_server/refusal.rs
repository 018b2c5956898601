//! Which peers a Route Server does not take.

use core::fmt;
use core::net::Ipv4Addr;

use design::plan::{BgpPeerConfig, RouteServerConfig};
use inet::Asn;

use super::PEERS_MAX;

/// Why a peer is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerRefusal {
    /// Another peer has the address.
    Address(Ipv4Addr),
    /// The AS is reserved by the platform or by IANA, is the Route Server's own, or does not fit 16 bits.
    Asn(Asn),
    /// There are [`PEERS_MAX`] already.
    TooMany,
}

impl fmt::Display for PeerRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "another peer has address {address}"),
            Self::Asn(asn) => write!(f, "a peer cannot have AS {asn}"),
            Self::TooMany => write!(f, "a Route Server has at most {PEERS_MAX} peers"),
        }
    }
}

impl core::error::Error for PeerRefusal {}

/// Whether a peer can join those that are there.
pub(crate) fn check(
    config: &RouteServerConfig,
    others: &[BgpPeerConfig],
    peer: &BgpPeerConfig,
) -> Result<(), PeerRefusal> {
    if others.len() >= PEERS_MAX {
        return Err(PeerRefusal::TooMany);
    }
    if others.iter().any(|other| other.address == peer.address) {
        return Err(PeerRefusal::Address(peer.address));
    }
    if peer.asn == config.asn || is_reserved(peer.asn) {
        return Err(PeerRefusal::Asn(peer.asn));
    }
    Ok(())
}

/// Reserved by the platform (public and private) or by IANA, or beyond 16 bits.
const fn is_reserved(asn: Asn) -> bool {
    matches!(
        asn.0,
        0 | 8_074 | 8_075 | 12_076 | 23_456 | 64_496..=64_511 | 65_515 | 65_517..=65_520 | 65_535..
    )
}
