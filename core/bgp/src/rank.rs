//! What the decision and the export rules need of an attribute set, read once off its canonical
//! block.

use core::net::Ipv4Addr;

use inet::Asn;

use crate::wire::Reader;
use crate::wire::attributes::{Attributes, as_path, table};

/// Well-known communities that change what happens to a route, as bits.
pub(crate) mod mark {
    /// `NO_EXPORT` (RFC 1997).
    pub(crate) const NO_EXPORT: u8 = 1;
    /// `NO_ADVERTISE` (RFC 1997).
    pub(crate) const NO_ADVERTISE: u8 = 2;
    /// `NO_EXPORT_SUBCONFED` (RFC 1997): without confederations it stops at external neighbours.
    pub(crate) const NO_EXPORT_SUBCONFED: u8 = 4;
    /// `LLGR_STALE` (RFC 9494).
    pub(crate) const LLGR_STALE: u8 = 8;
    /// `NO_LLGR` (RFC 9494).
    pub(crate) const NO_LLGR: u8 = 16;
    /// `GRACEFUL_SHUTDOWN` (RFC 8326).
    pub(crate) const GRACEFUL_SHUTDOWN: u8 = 32;
    /// The next hop is an IPv6 address.
    pub(crate) const NEXT_HOP_V6: u8 = 64;
}

/// `GRACEFUL_SHUTDOWN` (RFC 8326).
pub(crate) const GRACEFUL_SHUTDOWN: u32 = 0xffff_0000;
/// `LLGR_STALE` (RFC 9494).
pub(crate) const LLGR_STALE: u32 = 0xffff_0006;

/// What the decision compares.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rank {
    /// LLGR_STALE, LOCAL_PREF, AS_PATH length and ORIGIN in the order of the decision, smaller is
    /// better; they are compared between all paths of a prefix.
    base: u64,
    pub(crate) med: u32,
    /// 0 is none: no neighbour has that number (RFC 7607).
    neighbor_as: u32,
    originator: u32,
    pub(crate) clusters: u16,
    pub(crate) marks: u8,
    has_originator: bool,
}

/// The bits of ORIGIN in [`Rank::base`].
const ORIGIN_BITS: u64 = 3;
const LENGTH_SHIFT: u32 = 2;
/// A path of more ASes than this counts as this long: no message holds one.
const LENGTH_MAX: u64 = 0xf_ffff;
const PREFERENCE_SHIFT: u32 = 22;
const STALE_SHIFT: u32 = 54;

impl Rank {
    /// Of a canonical block.
    pub(crate) fn of(block: &[u8]) -> Self {
        let mut rank = Self::default();
        let (mut preference, mut origin, mut length) = (Attributes::LOCAL_PREF, 0, 0);
        for (code, value) in values(block) {
            let number = || Reader(value).u32().unwrap_or(0);
            match code {
                table::ORIGIN => origin = u64::from(value.first().copied().unwrap_or(0)),
                table::AS_PATH => {
                    let (len, first) = as_path::measure(value, true);
                    length = (len as u64).min(LENGTH_MAX);
                    rank.neighbor_as = first.map_or(0, |asn| asn.0);
                }
                table::NEXT_HOP if value.len() > 4 => rank.marks |= mark::NEXT_HOP_V6,
                table::MULTI_EXIT_DISC => rank.med = number(),
                table::LOCAL_PREF => preference = number(),
                table::COMMUNITIES => rank.marks |= marks(value),
                table::ORIGINATOR_ID => {
                    (rank.originator, rank.has_originator) = (number(), true);
                }
                table::CLUSTER_LIST => {
                    rank.clusters = u16::try_from(value.len() / 4).unwrap_or(u16::MAX);
                }
                _ => {}
            }
        }
        let stale = u64::from(rank.marks & mark::LLGR_STALE != 0);
        rank.base = stale << STALE_SHIFT
            | u64::from(!preference) << PREFERENCE_SHIFT
            | length << LENGTH_SHIFT
            | origin & ORIGIN_BITS;
        rank
    }

    /// Steps that every path takes part in; smaller is better.
    pub(crate) const fn first_steps(&self, compare_origin: bool) -> u64 {
        if compare_origin {
            self.base
        } else {
            self.base & !ORIGIN_BITS
        }
    }

    pub(crate) const fn local_pref(&self) -> u32 {
        !((self.base >> PREFERENCE_SHIFT) as u32)
    }

    pub(crate) const fn as_path_len(&self) -> u32 {
        (self.base >> LENGTH_SHIFT & LENGTH_MAX) as u32
    }

    pub(crate) const fn origin(&self) -> u8 {
        (self.base & ORIGIN_BITS) as u8
    }

    pub(crate) const fn is(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    pub(crate) fn neighbor_as(&self) -> Option<Asn> {
        (self.neighbor_as != 0).then_some(Asn(self.neighbor_as))
    }

    pub(crate) fn originator(&self) -> Option<Ipv4Addr> {
        self.has_originator
            .then(|| Ipv4Addr::from_bits(self.originator))
    }
}

/// The attributes of a canonical block: codes and values.
pub(crate) fn values(block: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut reader = Reader(block);
    core::iter::from_fn(move || {
        let (flags, code) = (reader.u8()?, reader.u8()?);
        let len = if flags & table::EXTENDED != 0 {
            usize::from(reader.u16()?)
        } else {
            usize::from(reader.u8()?)
        };
        Some((code, reader.take(len)?))
    })
}

fn marks(communities: &[u8]) -> u8 {
    let mut found = 0;
    for community in communities.chunks_exact(4) {
        if community[0] != 0xff {
            continue;
        }
        found |= match community {
            [0xff, 0xff, 0xff, 0x01] => mark::NO_EXPORT,
            [0xff, 0xff, 0xff, 0x02] => mark::NO_ADVERTISE,
            [0xff, 0xff, 0xff, 0x03] => mark::NO_EXPORT_SUBCONFED,
            [0xff, 0xff, 0x00, 0x00] => mark::GRACEFUL_SHUTDOWN,
            [0xff, 0xff, 0x00, 0x06] => mark::LLGR_STALE,
            [0xff, 0xff, 0x00, 0x07] => mark::NO_LLGR,
            _ => 0,
        };
    }
    found
}
