//! Which of equal paths takes a flow: weighted rendezvous hashing, in integers.
//!
//! Every path draws a number from the flow's hash, as long as it would wait for its turn if turns came as often as its weight
//! says; the first to come takes the flow. So each path gets its part of the flows by weight, and a path that comes or goes moves its own
//! flows only. (The exponential of weight `w` is `-ln(u) / w` for a uniform `u`: Schindelhauer and Schomaker, 2005.)

use inet::hash::mix;

use crate::PathId;

/// What a path weighs of which nobody said what it takes: 100 Mbit/s.
pub const WEIGHT_UNKNOWN: u64 = 100_000_000;

/// Which path takes a flow with this hash: paths come with their weights, such as bits per second.
pub fn share(paths: impl Iterator<Item = (PathId, u64)>, flow_hash: u64) -> Option<PathId> {
    let drawn = paths.map(|(path, weight)| {
        let number = mix(flow_hash ^ mix(u64::from(path.0) + 1));
        let wait = (u128::from(neg_log2(number)) << 64) / u128::from(weight.max(1));
        (wait, core::cmp::Reverse((number, path)))
    });
    let (_, core::cmp::Reverse((_, path))) = drawn.min()?;
    Some(path)
}

/// How many bits below one `(number + 1) / 2^64` is, in units of 2^-32; it never rises with the number.
fn neg_log2(number: u64) -> u64 {
    let above = u64::from(number.leading_zeros());
    let mut mantissa = u128::from(number.max(1)) << above.min(63);
    let mut fraction = 0;
    for _ in 0..FRACTION_BITS {
        mantissa = (mantissa * mantissa) >> 63;
        fraction <<= 1;
        if mantissa >> 64 != 0 {
            mantissa >>= 1;
            fraction |= 1;
        }
    }
    let whole = 1_u64 << 32;
    (above.min(63) + 1) * whole - (fraction << (32 - FRACTION_BITS))
}

/// Binary places of the logarithm: errors of a flow in a million.
const FRACTION_BITS: u32 = 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FLOWS: u64 = 20_000;

    fn chosen(weights: &[u64]) -> Vec<Option<PathId>> {
        let paths = || (0..).map(PathId).zip(weights.iter().copied());
        let paths = || paths().filter(|(_, weight)| *weight > 0);
        (0..FLOWS).map(|hash| share(paths(), mix(hash))).collect()
    }

    #[test]
    fn the_logarithm_is_right() {
        for number in [1, 2, 3, 1_000, u64::MAX / 3, u64::MAX / 2, u64::MAX - 1] {
            let expected = 64.0 - (number as f64).log2();
            let found = neg_log2(number) as f64 / 2_f64.powi(32);
            assert!(
                (expected - found).abs() < 1e-5,
                "{number}: {found}, not {expected}"
            );
        }
        assert!(neg_log2(0) >= neg_log2(1));
    }

    #[test]
    fn flows_are_shared_by_weight() {
        let chosen = chosen(&[100_000_000, 300_000_000, 600_000_000]);
        for (path, percent) in [(0, 10), (1, 30), (2, 60)] {
            let flows = chosen
                .iter()
                .filter(|one| **one == Some(PathId(path)))
                .count();
            let expected = FLOWS as usize * percent / 100;
            assert!(
                flows.abs_diff(expected) < FLOWS as usize / 100,
                "{flows} on path {path}"
            );
        }
    }

    #[test]
    fn without_paths_there_is_no_choice() {
        assert_eq!(share(core::iter::empty(), 7), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn a_path_that_goes_moves_only_its_own_flows(
            weights in prop::collection::vec(1_u64..10_000_000_000, 2..6), gone in 0_usize..6
        ) {
            let gone = gone % weights.len();
            let before = chosen(&weights);
            let mut rest = weights;
            rest[gone] = 0;
            for (before, after) in before.into_iter().zip(chosen(&rest)) {
                prop_assert!(before == Some(PathId(gone as u32)) || before == after);
            }
        }

        #[test]
        fn the_logarithm_never_rises(a: u64, b: u64) {
            prop_assert!(neg_log2(a.min(b)) >= neg_log2(a.max(b)));
        }
    }
}
