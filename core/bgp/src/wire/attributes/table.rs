//! The path attributes that we know, one row each, with what an error in them costs.

use crate::wire::error::Disposition::{self, Discard, Reset, Withdraw};

/// ORIGIN.
pub const ORIGIN: u8 = 1;
/// AS_PATH.
pub const AS_PATH: u8 = 2;
/// NEXT_HOP.
pub const NEXT_HOP: u8 = 3;
/// MULTI_EXIT_DISC.
pub const MULTI_EXIT_DISC: u8 = 4;
/// LOCAL_PREF.
pub const LOCAL_PREF: u8 = 5;
/// ATOMIC_AGGREGATE.
pub const ATOMIC_AGGREGATE: u8 = 6;
/// AGGREGATOR.
pub const AGGREGATOR: u8 = 7;
/// COMMUNITIES.
pub const COMMUNITIES: u8 = 8;
/// ORIGINATOR_ID.
pub const ORIGINATOR_ID: u8 = 9;
/// CLUSTER_LIST.
pub const CLUSTER_LIST: u8 = 10;
/// MP_REACH_NLRI.
pub const MP_REACH_NLRI: u8 = 14;
/// MP_UNREACH_NLRI.
pub const MP_UNREACH_NLRI: u8 = 15;
/// Extended communities.
pub const EXT_COMMUNITIES: u8 = 16;
/// AS4_PATH.
pub const AS4_PATH: u8 = 17;
/// AS4_AGGREGATOR.
pub const AS4_AGGREGATOR: u8 = 18;
/// Tunnel Encapsulation.
pub const TUNNEL_ENCAPSULATION: u8 = 23;
/// Large communities.
pub const LARGE_COMMUNITIES: u8 = 32;
/// Only to Customer.
pub const ONLY_TO_CUSTOMER: u8 = 35;

/// The Optional flag.
pub const OPTIONAL: u8 = 0x80;
/// The Transitive flag.
pub const TRANSITIVE: u8 = 0x40;
/// The Partial flag.
pub const PARTIAL: u8 = 0x20;
/// The Extended Length flag.
pub const EXTENDED: u8 = 0x10;

/// Lengths that an attribute can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Checked with the value.
    Any,
    /// Exactly this.
    Exactly(usize),
    /// A multiple, not zero.
    Multiple(usize),
    /// Six with two-octet AS numbers, eight with four-octet ones.
    Aggregator,
}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Type code.
    pub code: u8,
    /// Its name in the RFC.
    pub name: &'static str,
    /// The Optional and Transitive flags that it must have.
    pub flags: u8,
    /// Lengths that it can have.
    pub length: Length,
    /// What an error costs on an external session; an attribute with `None` has no place there
    /// and is discarded whatever it says.
    pub external: Option<Disposition>,
    /// What an error costs on an internal session.
    pub internal: Disposition,
    /// Where that is written.
    pub reference: &'static str,
}

const WELL_KNOWN: u8 = TRANSITIVE;
const BOTH: u8 = OPTIONAL | TRANSITIVE;

const fn same(
    code: u8,
    name: &'static str,
    flags: u8,
    length: Length,
    cost: Disposition,
    reference: &'static str,
) -> Row {
    Row {
        code,
        name,
        flags,
        length,
        external: Some(cost),
        internal: cost,
        reference,
    }
}

const fn internal(
    code: u8,
    name: &'static str,
    flags: u8,
    length: Length,
    reference: &'static str,
) -> Row {
    Row {
        code,
        name,
        flags,
        length,
        external: None,
        internal: Withdraw,
        reference,
    }
}

use Length::{Aggregator, Any, Exactly, Multiple};

/// All rows, in order of type code.
#[rustfmt::skip]
pub const ROWS: [Row; 18] = [
    same(ORIGIN, "ORIGIN", WELL_KNOWN, Exactly(1), Withdraw, "RFC 7606 §7.1"),
    same(AS_PATH, "AS_PATH", WELL_KNOWN, Any, Withdraw, "RFC 7606 §7.2"),
    same(NEXT_HOP, "NEXT_HOP", WELL_KNOWN, Exactly(4), Withdraw, "RFC 7606 §7.3"),
    same(MULTI_EXIT_DISC, "MULTI_EXIT_DISC", OPTIONAL, Exactly(4), Withdraw, "RFC 7606 §7.4"),
    internal(LOCAL_PREF, "LOCAL_PREF", WELL_KNOWN, Exactly(4), "RFC 7606 §7.5"),
    same(ATOMIC_AGGREGATE, "ATOMIC_AGGREGATE", WELL_KNOWN, Exactly(0), Discard, "RFC 7606 §7.6"),
    same(AGGREGATOR, "AGGREGATOR", BOTH, Aggregator, Discard, "RFC 7606 §7.7"),
    same(COMMUNITIES, "COMMUNITIES", BOTH, Multiple(4), Withdraw, "RFC 7606 §7.8"),
    internal(ORIGINATOR_ID, "ORIGINATOR_ID", OPTIONAL, Exactly(4), "RFC 7606 §7.9"),
    internal(CLUSTER_LIST, "CLUSTER_LIST", OPTIONAL, Multiple(4), "RFC 7606 §7.10"),
    same(MP_REACH_NLRI, "MP_REACH_NLRI", OPTIONAL, Any, Reset, "RFC 7606 §7.11"),
    same(MP_UNREACH_NLRI, "MP_UNREACH_NLRI", OPTIONAL, Any, Reset, "RFC 7606 §7.12"),
    same(EXT_COMMUNITIES, "EXTENDED_COMMUNITIES", BOTH, Multiple(8), Withdraw, "RFC 7606 §7.14"),
    same(AS4_PATH, "AS4_PATH", BOTH, Any, Discard, "RFC 6793 §6"),
    same(AS4_AGGREGATOR, "AS4_AGGREGATOR", BOTH, Exactly(8), Discard, "RFC 6793 §6"),
    internal(TUNNEL_ENCAPSULATION, "TUNNEL_ENCAPSULATION", BOTH, Any, "RFC 9012 §13"),
    same(LARGE_COMMUNITIES, "LARGE_COMMUNITY", BOTH, Multiple(12), Withdraw, "RFC 8092 §6"),
    same(ONLY_TO_CUSTOMER, "ONLY_TO_CUSTOMER", BOTH, Exactly(4), Withdraw, "RFC 9234 §5"),
];

/// The place of an attribute in [`ROWS`].
pub const fn place(code: u8) -> Option<usize> {
    Some(match code {
        ORIGIN..=CLUSTER_LIST => code as usize - 1,
        MP_REACH_NLRI..=AS4_AGGREGATOR => code as usize - 4,
        TUNNEL_ENCAPSULATION => 15,
        LARGE_COMMUNITIES => 16,
        ONLY_TO_CUSTOMER => 17,
        _ => return None,
    })
}

/// The row of a type code.
pub fn row(code: u8) -> Option<&'static Row> {
    place(code).map(|place| &ROWS[place])
}

impl Length {
    /// Whether a value of this length is possible.
    pub const fn fits(self, len: usize, four_octet: bool) -> bool {
        match self {
            Any => true,
            Exactly(exact) => len == exact,
            Multiple(unit) => len > 0 && len.is_multiple_of(unit),
            Aggregator => len == if four_octet { 8 } else { 6 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_where_its_code_says() {
        for (index, row) in ROWS.iter().enumerate() {
            assert_eq!(place(row.code), Some(index), "{}", row.name);
        }
        let known = (0..=255).filter(|code| place(*code).is_some()).count();
        assert_eq!(known, ROWS.len());
    }
}
