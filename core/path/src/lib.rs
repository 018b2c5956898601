//! What is known of the paths between two nodes, measured by probes, and which one a flow takes.
//!
//! # Probing
//!
//! A [`Prober`] sends small STAMP packets (RFC 8762) along one path and takes the replies; [`reflect`]
//! answers the other side's without keeping any state. From the four timestamps of each exchange
//! come round-trip time, its variation, the variation of each direction, and loss, over a sliding window.
//!
//! # Liveness
//!
//! A path is up while replies keep coming, however old they are: what counts is the time since the *last reply*, so that a
//! satellite path of 700 ms is as alive as a LAN, and a cable that is cut is noticed as soon on both.
//! When a reply is late, the prober asks four times as often. By the time the path would be
//! declared dead there have been a dozen probes, so that loss alone hardly ever takes a path down.
//! A path that packets go through is probed more often than an idle one; both are found dead equally soon.
//! A path that was down comes back after [`Settings::up_after`] replies in a row.
//!
//! # Size
//!
//! An [`MtuDiscovery`] finds the longest packet that gets through the path (RFC 8899), with probes of its own.
//!
//! # Choosing
//!
//! A [`Link`] is the set of paths to one neighbour. Among the paths that are up, those of the lowest preference
//! [`share`] the flows by their bandwidth: a path that goes moves its own flows only.
//!
//! Traffic of an application class takes the path that [`ClassPaths`] says instead: the operator's order
//! of underlays, as far as they keep what the class asks of them. Probes take turns in the shapes (length, code point) of the
//! classes, and each class is judged by those of its own. Every [`Move`] says what was measured and which rule made it.

#![warn(missing_docs)]

mod class;
mod input;
mod link;
mod moves;
mod mtu;
mod output;
mod prober;
mod reflector;
mod settings;
mod share;
mod sla;
mod stats;
mod wire;

pub use class::{Account, ClassPaths, ClassSettings, Fault, Otherwise, Standing};
pub use input::Input;
pub use link::{FORGIVEN_AFTER, HOLD_MAX, HOLD_MIN, Link, LinkChange, PathId};
pub use moves::{Cause, MOVES_MAX, Move, PERIOD};
pub use mtu::{MtuDiscovery, MtuInput, MtuOutput, MtuSettings, STEP};
pub use output::{Event, Output};
pub use prober::{Prober, USED_EVERY, USED_FOR};
pub use reflector::reflect;
pub use settings::Settings;
pub use share::{WEIGHT_UNKNOWN, share};
pub use sla::{Figure, Measure, Sla};
pub use stats::{Statistics, Variation};
pub use wire::{PORT, REPLY_LEN, REQUEST_LEN, session_of};
