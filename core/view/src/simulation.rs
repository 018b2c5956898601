//! What a simulated scenario came to.

use serde::{Deserialize, Serialize};

use crate::FormatVersion;

/// A scenario's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// Always 1.
    pub format_version: FormatVersion,
    /// The design's name.
    pub name: String,
    /// The seed; the same design and seed give the same packets.
    pub seed: u64,
    /// The cold start, then each failure and repair.
    pub steps: Vec<SimulationStep>,
    /// Lost packets by phase, if there was traffic.
    pub loss: Vec<PhaseLoss>,
    /// A hash over every packet that any device received, in hexadecimal.
    pub trace_hash: String,
}

/// One step of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulationStep {
    /// `start`, `fail nva1.westeurope`, `heal nva1.westeurope`.
    pub name: String,
    /// When it was done, milliseconds of virtual time.
    pub at_ms: u64,
    /// Milliseconds until the last change that it caused; `None` when that was not seen.
    pub converged_after_ms: Option<u64>,
    /// Ends of BGP sessions up afterwards.
    pub sessions_up: u32,
    /// Ends of BGP sessions of devices that run.
    pub sessions: u32,
    /// Why convergence was not seen.
    pub problem: Option<String>,
}

/// Packets lost that were sent between one step and the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseLoss {
    /// The step that began the phase.
    pub name: String,
    /// When it began, milliseconds of virtual time.
    pub at_ms: u64,
    /// Packets sent by all pairs of hosts.
    pub sent: u64,
    /// Packets that did not arrive.
    pub lost: u64,
    /// The longest time for which a pair lost everything, milliseconds.
    pub longest_gap_ms: u64,
    /// Pairs that lost any, worst first.
    pub pairs: Vec<PairLoss>,
}

/// Packets lost between two hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairLoss {
    /// The sender.
    pub source: String,
    /// The receiver.
    pub destination: String,
    /// Packets sent.
    pub sent: u64,
    /// Packets that did not arrive.
    pub lost: u64,
    /// The longest time without any that arrived, milliseconds.
    pub longest_gap_ms: u64,
}

/// What random failures did to a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordeals {
    /// Always 1.
    pub format_version: FormatVersion,
    /// The design's name.
    pub name: String,
    /// How long faults came and went in each, seconds of virtual time.
    pub duration_s: u64,
    /// One for each seed.
    pub ordeals: Vec<Ordeal>,
}

/// What the random failures of one seed did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordeal {
    /// The seed; the same design and seed give the same failures and packets.
    pub seed: u64,
    /// Faults that there were.
    pub faults: u32,
    /// Packets that hosts sent.
    pub sent: u64,
    /// Packets that did not arrive, for whatever reason.
    pub lost: u64,
    /// The longest that two hosts at sites were without each other although there was a way, milliseconds.
    pub longest_site_ms: u64,
    /// The same where one of them is in a virtual network.
    pub longest_vnet_ms: u64,
    /// Packets that overtook others of their flow.
    pub reordered: u64,
    /// How many things that may never happen did.
    pub wrong: u64,
    /// The first of them in words, each with its time.
    pub violations: Vec<String>,
}
