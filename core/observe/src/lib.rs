//! What others may see of a BGP speaker: MRT records (RFC 6396, RFC 8050) and BMP messages (RFC 7854, RFC 8671,
//! RFC 9069).
//!
//! Pure encoders: each function appends one record or message to a buffer. Attributes come as a *block*: as they
//! stand in an UPDATE to a four-octet neighbour, NEXT_HOP of either family included and no MP_REACH_NLRI, which is
//! how the speaker gives them. Files, connections, and what is worth telling are the shell's.

#![warn(missing_docs)]

mod attributes;
pub mod bmp;
pub mod mrt;

use core::net::IpAddr;

use inet::Asn;

/// The two ends of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The neighbour's AS.
    pub remote_as: Asn,
    /// Ours.
    pub local_as: Asn,
    /// The neighbour's address.
    pub remote: IpAddr,
    /// Ours.
    pub local: IpAddr,
}
