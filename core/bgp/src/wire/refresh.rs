//! ROUTE-REFRESH (RFC 2918).

use crate::wire::Reader;
use crate::wire::capability::Family;
use crate::wire::header::{Kind, message};

/// The family whose routes are asked for. `None` when the body is not four bytes.
pub fn parse(body: &[u8]) -> Option<Family> {
    let mut reader = Reader(body);
    let (afi, _reserved, safi) = (reader.u16()?, reader.u8()?, reader.u8()?);
    reader.is_empty().then_some(Family { afi, safi })
}

/// The message that asks for a family's routes.
pub fn encode(family: Family) -> Vec<u8> {
    let [high, low] = family.afi.to_be_bytes();
    message(Kind::RouteRefresh, &[high, low, 0, family.safi])
}
