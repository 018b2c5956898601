//! Path attributes: RFC 7606's table, the one checking pass, and their owned form.
//!
//! Inside the speaker a set of attributes is its *canonical block*: the attributes as they stand
//! in an UPDATE to a four-octet neighbour, in order of type code, without MP_REACH_NLRI and its
//! kin. Equal routes have equal blocks, and a block is sent as it is.

use core::net::{IpAddr, Ipv4Addr};

use inet::Asn;

pub(crate) mod as_path;
mod encode;
pub(crate) mod scan;
pub mod table;
pub mod tunnel_encapsulation;

pub use as_path::{AsPath, Segment};
pub use scan::{Scan, Session};
pub use tunnel_encapsulation::Tunnel;

/// ORIGIN; a smaller one is preferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Interior to the originating AS.
    #[default]
    Igp,
    /// Learned by EGP.
    Egp,
    /// Learned in some other way.
    Incomplete,
}

impl Origin {
    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Igp => 0,
            Self::Egp => 1,
            Self::Incomplete => 2,
        }
    }

    /// From the number on the wire.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Igp,
            1 => Self::Egp,
            2 => Self::Incomplete,
            _ => return None,
        })
    }
}

/// An attribute that we carry without knowing it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// Type code.
    pub code: u8,
    /// Value; always optional transitive, and Partial since it passed us.
    pub value: Vec<u8>,
}

/// A route's path attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// ORIGIN.
    pub origin: Origin,
    /// AS_PATH, merged with AS4_PATH.
    pub as_path: AsPath,
    /// NEXT_HOP, or the global address in MP_REACH_NLRI.
    pub next_hop: IpAddr,
    /// MULTI_EXIT_DISC.
    pub med: Option<u32>,
    /// LOCAL_PREF; 100 counts when there is none.
    pub local_pref: Option<u32>,
    /// ATOMIC_AGGREGATE.
    pub atomic_aggregate: bool,
    /// AGGREGATOR, merged with AS4_AGGREGATOR.
    pub aggregator: Option<(Asn, Ipv4Addr)>,
    /// Communities (RFC 1997).
    pub communities: Vec<u32>,
    /// ORIGINATOR_ID (RFC 4456).
    pub originator_id: Option<Ipv4Addr>,
    /// CLUSTER_LIST (RFC 4456), newest first.
    pub cluster_list: Vec<Ipv4Addr>,
    /// Extended communities (RFC 4360).
    pub ext_communities: Vec<u64>,
    /// The value of the Tunnel Encapsulation attribute (RFC 9012); empty without one.
    pub tunnel_encapsulation: Vec<u8>,
    /// Large communities (RFC 8092).
    pub large_communities: Vec<[u32; 3]>,
    /// OTC (RFC 9234).
    pub only_to_customer: Option<Asn>,
    /// Attributes that we do not know, in order of type code.
    pub unknown: Vec<Unknown>,
    /// Bit n is set when the known attribute of type code n came with the Partial flag.
    pub partial: u64,
}

impl Attributes {
    /// LOCAL_PREF of a route that has none (RFC 4271 §9.1.1 leaves it to us).
    pub const LOCAL_PREF: u32 = 100;

    /// Attributes of a route that begins here.
    pub fn new(next_hop: impl Into<IpAddr>) -> Self {
        Self {
            origin: Origin::Igp,
            as_path: AsPath(Vec::new()),
            next_hop: next_hop.into(),
            med: None,
            local_pref: None,
            atomic_aggregate: false,
            aggregator: None,
            communities: Vec::new(),
            originator_id: None,
            cluster_list: Vec::new(),
            ext_communities: Vec::new(),
            tunnel_encapsulation: Vec::new(),
            large_communities: Vec::new(),
            only_to_customer: None,
            unknown: Vec::new(),
            partial: 0,
        }
    }

    /// The tunnels that lead to whoever the route leads to (RFC 9012).
    pub fn tunnels(&self) -> Vec<Tunnel> {
        tunnel_encapsulation::read(&self.tunnel_encapsulation)
    }

    /// From a canonical block.
    pub(crate) fn from_canonical(block: &[u8]) -> Self {
        let scan = Scan::new(block, &Session::INSIDE);
        scan.attributes(scan.next_hop())
    }
}
