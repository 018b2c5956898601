//! Decisions about recent flows of the kernel, so that a stream of short packets is not looked up packet by packet.

use inet::FiveTuple;
use inet::packet::Ipv4;

use crate::plane::tables::{Tables, Verdict};

/// The last decisions, one for each value of some bits of the flow's hash.
pub(super) struct Recent {
    entries: Box<[Option<Entry>]>,
    /// Rises when something changes on which decisions rest.
    generation: u64,
}

/// What was decided for the packets of a flow with a code point.
#[derive(Clone, Copy)]
struct Entry {
    flow: FiveTuple,
    dscp: u8,
    /// When it was decided.
    generation: u64,
    verdict: Verdict,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            entries: vec![None; FLOWS].into_boxed_slice(),
            generation: 0,
        }
    }

    /// The tables change: all that was decided by them is void.
    pub(super) const fn forget(&mut self) {
        self.generation += 1;
    }

    /// What becomes of a packet of the kernel: [`Tables::outbound`], which depends on nothing but what an entry holds.
    pub(super) fn outbound(
        &mut self,
        tables: &Tables,
        packet: &Ipv4<'_>,
        flow: FiveTuple,
        hash: u64,
    ) -> Verdict {
        let (dscp, generation) = (packet.dscp(), self.generation);
        let place = &mut self.entries[hash as usize % FLOWS];
        if let Some(entry) = place
            && entry.generation == generation
            && entry.flow == flow
            && entry.dscp == dscp
        {
            return entry.verdict;
        }
        let verdict = tables.outbound(packet);
        *place = Some(Entry {
            flow,
            dscp,
            generation,
            verdict,
        });
        verdict
    }
}

/// Flows that are remembered, at most: 48 KiB of them.
const FLOWS: usize = 1_024;
