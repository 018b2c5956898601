//! Protection of packets against loss: forward error correction over one path, and copies over two.
//!
//! # Sequences
//!
//! The packets of a *stream* (those of one application class that one thread of a node sends into one path, or twice
//! into two) carry a [`Mark`]: the stream's number and a sequence. The receiver's [`Window`] lets every
//! sequence pass once, so it does not matter which copy of a packet comes first, or whether a packet comes after it was recovered.
//!
//! # Parity
//!
//! An [`Encoder`] adds up the packets that pass into a few sums and lets them pass at once. After a *block* of packets, or 20 ms,
//! the sums follow as [`Parity`]. A [`Decoder`] keeps the last packets; when some of a block are missing and as many of its
//! sums are there, it solves for them (`code.rs`: powers of x over GF(256); the first sum is plain XOR).
//! No packet waits for another. A recovered one comes late, by the length of its block at most; nothing else changes places.
//!
//! # How much
//!
//! The decoder [`Report`]s what it missed, and the sender's [`Regulator`] chooses a [`Level`] from it: none while next to nothing is
//! lost, more parity over shorter blocks as more is. Parity that does not help, because what is lost is lost by the burst or
//! since the path is full, is switched off again for a while.
//!
//! # Limits
//!
//! Memory of each value is bounded and named at its constants; a stream is 16,777,216 packets before sequences begin
//! anew. Packets are octets: nothing here knows IP, paths or tunnels.

#![warn(missing_docs)]

mod code;
mod decoder;
mod encoder;
mod field;
mod level;
mod regulator;
mod sequence;
mod window;
mod wire;

pub use decoder::Decoder;
pub use encoder::{CLOSE_AFTER, Encoder};
pub use level::Level;
pub use regulator::{Regulator, State};
pub use sequence::{Mark, STREAMS, Sequence};
pub use window::{Seen, Window};
pub use wire::{HEADER, Message, Parity, Report, SYMBOL_MAX};
