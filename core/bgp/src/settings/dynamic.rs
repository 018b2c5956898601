//! Neighbours that the operator names by range only.

use inet::{Asn, Net};

use super::Neighbor;

/// A range of addresses from which neighbours may connect. Such a neighbour lives as long as its
/// connection, or its stale routes, and we never connect to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicNeighbors {
    /// The range.
    pub prefix: Net,
    /// How many neighbours it may make at once.
    pub limit: u32,
    /// The ASes that they may have; when empty, the template's.
    pub remote_as: Vec<Asn>,
    /// Their settings, except for the addresses. The name gets the address behind it.
    pub template: Neighbor,
}
