//! The sender's end of a stream: marks packets and adds them up.

use core::time::Duration;

use inet::Instant;

use crate::code::{self, PARITY_MAX};
use crate::level::{Level, Shape};
use crate::wire::{Message, Parity, SYMBOL_MAX};
use crate::{Mark, Sequence};

/// How long a block stays open for more packets. Longer, and what is recovered comes too late for a voice; shorter, and the
/// blocks of a single call have one packet each.
pub const CLOSE_AFTER: Duration = Duration::from_millis(20);

/// The sender's end of a stream. Its memory is four times the longest packet.
#[derive(Clone, Debug)]
pub struct Encoder {
    class: u8,
    stream: u8,
    next: Sequence,
    level: Level,
    shape: Shape,
    block: Option<Block>,
    /// Kept for their memory.
    sums: [Vec<u8>; PARITY_MAX],
}

/// A block that is open.
#[derive(Clone, Copy, Debug)]
struct Block {
    first: Sequence,
    count: u8,
    /// How it was made when it was opened.
    shape: Shape,
    closes_at: Instant,
}

impl Encoder {
    /// A stream of a class that begins somewhere. Nothing is protected yet.
    pub fn new(class: u8, stream: u8, first: Sequence) -> Self {
        Self {
            class,
            stream,
            next: first,
            level: Level::OFF,
            shape: Level::OFF.shape(),
            block: None,
            sums: Default::default(),
        }
    }

    /// How much parity there is from the next block on.
    pub fn set(&mut self, level: Level) {
        if self.level != level {
            self.level = level;
            self.shape = level.shape();
        }
    }

    /// A packet leaves with this mark. When it ends its block, the messages with the sums are in `out`: they go behind it.
    pub fn push(&mut self, now: Instant, packet: &[u8], out: &mut Vec<Vec<u8>>) -> Mark {
        let sequence = self.next;
        self.next = sequence.plus(1);
        let is_covered = self.add(now, sequence, packet, out);
        Mark {
            is_copy: false,
            is_covered,
            stream: self.stream,
            sequence,
        }
    }

    /// When [`Encoder::tick`] has something to do.
    pub fn wake(&self) -> Option<Instant> {
        Some(self.block?.closes_at)
    }

    /// Closes a block that was open for long enough.
    pub fn tick(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) {
        if self.block.is_some_and(|block| block.closes_at <= now) {
            self.close(out);
        }
    }

    fn add(&mut self, now: Instant, at: Sequence, packet: &[u8], out: &mut Vec<Vec<u8>>) -> bool {
        if packet.len() + code::LENGTH > SYMBOL_MAX {
            self.close(out);
            return false;
        }
        if self.block.is_none() && self.shape.packets == 0 {
            return false;
        }
        let block = self.block.get_or_insert(Block {
            first: at,
            count: 0,
            shape: self.shape,
            closes_at: now + CLOSE_AFTER,
        });
        block.count += 1;
        let is_full = block.count >= block.shape.packets;
        for (number, sum) in self
            .sums
            .iter_mut()
            .enumerate()
            .take(block.shape.sums_max())
        {
            code::add(sum, number, packet);
        }
        if is_full {
            self.close(out);
        }
        true
    }

    fn close(&mut self, out: &mut Vec<Vec<u8>>) {
        let Some(block) = self.block.take() else {
            return;
        };
        let of = block.shape.sums[usize::from(block.count) - 1];
        for (number, sum) in self.sums.iter().enumerate().take(usize::from(of)) {
            let parity = Parity {
                first: block.first,
                count: block.count,
                number: number as u8,
                of,
                sum,
            };
            let message = Message::Parity {
                class: self.class,
                stream: self.stream,
                parity,
            };
            out.push(message.encode());
        }
        self.sums.iter_mut().for_each(Vec::clear);
    }
}
