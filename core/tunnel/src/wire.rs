//! The four messages of WireGuard as bytes (paper §5.4): lengths, types and fields at fixed offsets, little-endian.

/// What a data message adds to the inner packet besides padding: header and tag. UDP and IP come on top.
pub const OVERHEAD: usize = DATA_HEADER + TAG;

/// Type, reserved octets, receiver index, counter.
pub(crate) const DATA_HEADER: usize = 16;
/// Poly1305's tag.
pub(crate) const TAG: usize = 16;
