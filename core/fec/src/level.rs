//! How much parity: from the loss to be expected to the length of blocks and the number of their sums.

use crate::code::{DATA_MAX, PARITY_MAX};

/// A step of protection, made for a path that loses so much. The steps are coarse, so that what measures around one does not
/// change all the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

/// Loss that each step is made for, in parts per million. A path that loses more is down or full.
const LOSS_PPM: [u32; 11] = [
    0, 5_000, 10_000, 20_000, 30_000, 50_000, 75_000, 100_000, 150_000, 200_000, 300_000,
];
/// Beyond this loss no parity helps.
pub(crate) const LOSS_PPM_MAX: u32 = LOSS_PPM[LOSS_PPM.len() - 1];
/// Below this loss there is no protection: it is as good as what protection aims at.
const OFF_PPM: u32 = 2_000;
/// Packets that may be lost in spite of parity, in parts per million.
const RESIDUAL_PPM: u32 = 3_000;

impl Level {
    /// No parity.
    pub const OFF: Self = Self(0);

    /// The step for a measured loss; none when there is next to no loss or far too much.
    pub fn of(loss_ppm: u32) -> Self {
        if loss_ppm < OFF_PPM {
            return Self::OFF;
        }
        let step = LOSS_PPM.iter().position(|step| loss_ppm <= *step);
        Self(step.unwrap_or(0) as u8)
    }

    /// The loss that it is made for, in parts per million.
    pub const fn loss_ppm(self) -> u32 {
        LOSS_PPM[self.0 as usize]
    }

    /// Whether there is no parity.
    pub const fn is_off(self) -> bool {
        self.0 == 0
    }

    /// The blocks of this step.
    pub(crate) fn shape(self) -> Shape {
        let mut shape = Shape {
            packets: 0,
            sums: [0; DATA_MAX],
        };
        if self.is_off() {
            return shape;
        }
        let loss = self.loss_ppm();
        for packets in 1..=DATA_MAX {
            let most = packets.min(PARITY_MAX);
            let enough = (1..=most).find(|sums| residual_ppm(loss, packets, *sums) <= RESIDUAL_PPM);
            shape.sums[packets - 1] = enough.unwrap_or(most) as u8;
            if enough.is_some() || packets <= PARITY_MAX {
                shape.packets = packets as u8;
            }
        }
        shape
    }
}

/// How blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Packets of a full block; 0 for no parity.
    pub(crate) packets: u8,
    /// Sums of a block of so many packets, less one.
    pub(crate) sums: [u8; DATA_MAX],
}

impl Shape {
    /// Sums of a full block.
    pub(crate) fn sums_max(&self) -> usize {
        let packets = usize::from(self.packets);
        self.sums[..packets]
            .iter()
            .copied()
            .max()
            .unwrap_or(0)
            .into()
    }
}

/// Packets that are lost in spite of parity when each is lost by chance: those that are lost with at least as many others of
/// their block as there are sums. In fixed point, so that all machines agree.
fn residual_ppm(loss_ppm: u32, packets: usize, sums: usize) -> u32 {
    let others = packets + sums - 1;
    let lost = (u64::from(loss_ppm) << SHIFT) / 1_000_000;
    let kept = ONE - lost;
    let mut chances = [0; DATA_MAX + PARITY_MAX];
    chances[0] = ONE;
    for _ in 0..others {
        for count in (0..chances.len()).rev() {
            let one_more = if count > 0 { chances[count - 1] } else { 0 };
            chances[count] = (chances[count] * kept + one_more * lost) >> SHIFT;
        }
    }
    let too_many: u64 = chances[sums..].iter().sum();
    ((too_many * u64::from(loss_ppm)) >> SHIFT) as u32
}

const SHIFT: u32 = 31;
const ONE: u64 = 1 << SHIFT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parity_rises_with_loss_and_blocks_get_shorter() {
        let row = |step: u8| {
            let shape = Level(step).shape();
            let sums = shape.sums[usize::from(shape.packets.max(1)) - 1];
            (LOSS_PPM[usize::from(step)] / 1_000, shape.packets, sums)
        };
        let rows: Vec<_> = (0..LOSS_PPM.len() as u8).map(row).collect();
        let expected = [
            (0, 0, 0),
            (5, 16, 1),
            (10, 16, 1),
            (20, 16, 2),
            (30, 16, 2),
            (50, 16, 3),
            (75, 14, 4),
            (100, 9, 4),
            (150, 4, 4),
            (200, 4, 4),
            (300, 4, 4),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn what_is_left_is_what_the_binomial_distribution_says() {
        // 5 % × P(two or more of 11 others).
        assert_eq!(residual_ppm(50_000, 10, 2), 5_094);
        assert_eq!(residual_ppm(50_000, 1, 1), 2_499);
    }

    #[test]
    fn no_loss_and_hopeless_loss_get_no_parity() {
        for loss in [0, 1_999, 300_001, 1_000_000] {
            assert!(Level::of(loss).is_off(), "{loss}");
        }
        assert_eq!(Level::of(2_000).loss_ppm(), 5_000);
        assert_eq!(Level::of(50_000).loss_ppm(), 50_000);
        assert_eq!(Level::of(50_001).loss_ppm(), 75_000);
    }
}
