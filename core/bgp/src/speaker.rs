//! The speaker: the only entry.

use inet::{Instant, Prefix};

use crate::input::Input;
use crate::output::Output;
use crate::settings::{NeighborId, Settings};
use crate::view::{AdvertisedRoute, NeighborView, Path, ReceivedRoute};

/// A BGP-4 speaker.
#[derive(Debug)]
pub struct Speaker {
    settings: Settings,
}

impl Speaker {
    /// A speaker; neighbours that start enabled connect at the first wake.
    pub fn new(settings: Settings, _seed: u64, _now: Instant) -> Self {
        Self { settings }
    }

    /// Takes one input; everything that follows from it is appended to `out`.
    pub fn handle(&mut self, _now: Instant, _input: Input<'_>, _out: &mut Vec<Output>) {}

    /// When to come back with [`Input::Wake`]. Before the first `handle` it may be in the past.
    pub fn wake(&self) -> Option<Instant> {
        None
    }

    /// The settings in force.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All neighbours, in order of their IDs.
    pub fn neighbors(&self) -> impl Iterator<Item = NeighborView<'_>> {
        core::iter::empty()
    }

    /// One neighbour; `None` when there is none of this ID.
    pub fn neighbor(&self, _id: NeighborId) -> Option<NeighborView<'_>> {
        None
    }

    /// The paths in use for a prefix, best first; empty when there is none.
    pub fn multipath(&self, _prefix: Prefix) -> Vec<Path> {
        Vec::new()
    }

    /// Every acceptable path to a prefix, those in use first.
    pub fn paths(&self, _prefix: Prefix) -> Vec<Path> {
        Vec::new()
    }

    /// The prefixes that have a path in use, in order.
    pub fn loc_rib(&self) -> Vec<Prefix> {
        Vec::new()
    }

    /// What a neighbour told us, in order of prefixes.
    pub fn adj_in(&self, _neighbor: NeighborId) -> Vec<ReceivedRoute> {
        Vec::new()
    }

    /// What we told a neighbour, in order of prefixes.
    pub fn adj_out(&self, _neighbor: NeighborId) -> Vec<AdvertisedRoute> {
        Vec::new()
    }
}
