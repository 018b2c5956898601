//! The receiver's end of a stream: lets packets pass once, and brings back those that are missing.

use core::time::Duration;
use std::collections::VecDeque;

use inet::Instant;

use crate::code::{self, Equations, PARITY_MAX};
use crate::wire::{Parity, Report, SYMBOL_MAX};
use crate::{Mark, Seen, Sequence, Window};

/// Packets that are kept: a block of the longest, and as many that came before their time.
const KEPT: usize = 32;
/// Blocks whose sums wait for more: they come right behind each other.
const BLOCKS_MAX: usize = 4;
/// How often the sender is told what came, while something comes.
const REPORT_EVERY: Duration = Duration::from_millis(500);

/// The receiver's end of a stream. It keeps 32 packets and the sums of four blocks, at most.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    window: Window,
    /// By sequence; empty until something is covered.
    kept: Vec<Kept>,
    blocks: VecDeque<Block>,
    received: u32,
    recovered: u32,
    /// Of packets and sums that are kept.
    octets: usize,
    reported: Option<Instant>,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    sequence: Option<Sequence>,
    packet: Vec<u8>,
}

/// Sums of a block in which something is missing.
#[derive(Clone, Debug)]
struct Block {
    first: Sequence,
    count: u8,
    sums: [Option<Vec<u8>>; PARITY_MAX],
}

impl Decoder {
    /// A packet came. What it helps to bring back is in `recovered`. It may pass unless it was seen before.
    pub fn packet(&mut self, mark: Mark, packet: &[u8], recovered: &mut Vec<Vec<u8>>) -> Seen {
        let seen = self.window.accept(mark.sequence);
        if seen != Seen::New {
            return seen;
        }
        self.received = self.received.wrapping_add(1);
        if mark.is_covered && packet.len() + code::LENGTH <= SYMBOL_MAX {
            self.keep(mark.sequence, packet);
            let is_in = |block: &Block| block.place(mark.sequence).is_some();
            if let Some(at) = self.blocks.iter().position(is_in) {
                self.try_block(at, recovered);
            }
        }
        seen
    }

    /// A sum came. What it helps to bring back is in `recovered`.
    pub fn parity(&mut self, parity: Parity<'_>, recovered: &mut Vec<Vec<u8>>) {
        let is_it = |block: &Block| block.first == parity.first && block.count == parity.count;
        let at = match self.blocks.iter().position(is_it) {
            Some(at) => at,
            None if self.missing(parity.first, parity.count) == 0 => return,
            None => {
                if self.blocks.len() == BLOCKS_MAX {
                    self.drop_block(0);
                }
                self.blocks.push_back(Block {
                    first: parity.first,
                    count: parity.count,
                    sums: Default::default(),
                });
                self.blocks.len() - 1
            }
        };
        let fits = |sum: &Vec<u8>| sum.len() == parity.sum.len();
        let block = &mut self.blocks[at];
        let place = &mut block.sums[usize::from(parity.number)];
        if place.is_none() {
            *place = Some(parity.sum.to_vec());
            self.octets += parity.sum.len();
        }
        // Sums of one block are equally long. One that is not was made by somebody else.
        if block.sums.iter().flatten().all(fits) {
            self.try_block(at, recovered);
        } else {
            self.drop_block(at);
        }
    }

    /// What came so far, when it is time to tell the sender; only when asked after a packet.
    pub fn report(&mut self, now: Instant) -> Option<Report> {
        let last = *self.reported.get_or_insert(now);
        if now.since(last) < REPORT_EVERY {
            return None;
        }
        self.reported = Some(now);
        Some(Report {
            expected: self.window.span(),
            received: self.received,
            recovered: self.recovered,
        })
    }

    /// Octets of the packets and sums that are kept.
    pub const fn octets(&self) -> usize {
        self.octets
    }

    fn keep(&mut self, sequence: Sequence, packet: &[u8]) {
        if self.kept.is_empty() {
            self.kept.resize_with(KEPT, Kept::default);
        }
        let place = &mut self.kept[sequence.number() as usize % KEPT];
        self.octets = self.octets - place.packet.len() + packet.len();
        place.sequence = Some(sequence);
        place.packet.clear();
        place.packet.extend_from_slice(packet);
    }

    fn kept(&self, sequence: Sequence) -> Option<&[u8]> {
        let place = self.kept.get(sequence.number() as usize % KEPT)?;
        (place.sequence == Some(sequence)).then_some(&place.packet)
    }

    /// How many packets of a block are not here.
    fn missing(&self, first: Sequence, count: u8) -> usize {
        let places = (0..u32::from(count)).map(|place| first.plus(place));
        places.filter(|at| self.kept(*at).is_none()).count()
    }

    /// Brings back what is missing in a block, once there are enough sums.
    fn try_block(&mut self, at: usize, recovered: &mut Vec<Vec<u8>>) {
        let block = &self.blocks[at];
        let (first, count) = (block.first, block.count);
        let missing = self.missing(first, count);
        if missing > block.sums.iter().flatten().count() {
            return;
        }
        let Block { mut sums, .. } = self.drop_block(at);
        if missing == 0 {
            return;
        }
        let sums = sums.iter_mut().enumerate();
        let sums = sums.filter_map(|(number, sum)| Some((number, sum.take()?)));
        let places = (0..u32::from(count)).map(|place| self.kept(first.plus(place)));
        let equations = Equations {
            sums: sums.take(missing).collect(),
            packets: places.collect(),
        };
        for (place, packet) in equations.solve() {
            let sequence = first.plus(place as u32);
            if self.window.accept(sequence) == Seen::New {
                self.recovered = self.recovered.wrapping_add(1);
                self.keep(sequence, &packet);
                recovered.push(packet);
            }
        }
    }

    fn drop_block(&mut self, at: usize) -> Block {
        let block = self.blocks.remove(at).expect("the caller found it there");
        self.octets -= block.sums.iter().flatten().map(Vec::len).sum::<usize>();
        block
    }
}

impl Block {
    fn place(&self, sequence: Sequence) -> Option<usize> {
        let place = sequence.since(self.first);
        (0..i32::from(self.count))
            .contains(&place)
            .then_some(place as usize)
    }
}
