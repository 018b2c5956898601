//! What packets cross on their way between sites and clouds: links, clouds and NATs.
//!
//! Each of the three is a value that is asked about one packet at a time and answers when it comes
//! out, with what addresses, or why it does not. Nothing here holds packets: whoever asks keeps
//! them until the time that was named. The simulator asks in virtual time and the lab in real
//! time, so a network measures the same in both.
//!
//! - [`Link`] is one direction of a wire: rate with a bounded queue, latency, jitter, loss. First
//!   in, first out, so jitter never reorders.
//! - [`Cloud`] is a provider's network between two places: latency from geography, jitter, loss.
//! - [`Nat`] is a translator as RFC 4787 classifies them: mapping, filtering and timeout.
//! - [`geography`] turns places into distances and distances into microseconds.
//!
//! Chance comes from a generator per link and per pair of cloud endpoints, made from the seed and
//! the entity's own name: a new site leaves everyone else's jitter and loss as they were.

#![warn(missing_docs)]

mod cloud;
pub mod geography;
mod link;
mod nat;

pub use cloud::{Cloud, CloudSettings, Endpoint};
pub use link::{Impairment, Link, LinkSettings, Loss};
pub use nat::{Behavior, Nat, NatRefusal, NatSettings};
