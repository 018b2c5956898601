//! What is still lost behind parity.

use core::time::Duration;

use proptest::prelude::*;

use crate::stream::Stream;

/// The whole loop: loss is reported, parity follows. What was lost before it came counts too.
#[test]
fn five_percent_of_random_loss_become_less_than_one_at_every_rate_of_packets() {
    for (gap_us, packets) in [
        (20_000, 3_000),
        (5_000, 10_000),
        (1_000, 20_000),
        (50, 100_000),
    ] {
        let mut stream = Stream::new(gap_us, 50_000);
        for _ in 0..packets {
            stream.send(Duration::from_micros(gap_us), 0);
        }
        let residual = stream.residual_ppm();
        assert!(residual <= 10_000, "{residual} ppm at {gap_us} µs");
    }
}

#[test]
fn parity_of_a_fast_stream_costs_a_third_at_most_where_five_percent_are_lost() {
    let mut stream = Stream::new(9, 50_000);
    for _ in 0..50_000 {
        stream.send(Duration::from_micros(200), 0);
    }
    let percent = stream.parity * 100 / stream.sent;
    assert!((15..=33).contains(&percent), "{percent} %");
}

#[test]
fn parity_goes_when_the_loss_goes() {
    let mut stream = Stream::new(10, 50_000);
    let pass = |stream: &mut Stream, loss_ppm| {
        stream.loss_ppm = loss_ppm;
        let before = stream.parity;
        for _ in 0..30_000 {
            stream.send(Duration::from_millis(1), 0);
        }
        stream.parity - before
    };
    assert!(pass(&mut stream, 50_000) > 3_000);
    pass(&mut stream, 0);
    assert_eq!(pass(&mut stream, 0), 0);
    assert!(pass(&mut stream, 50_000) > 3_000, "and comes again");
}

#[test]
fn a_path_that_is_full_is_hardly_made_fuller() {
    let mut stream = Stream::new(11, 0);
    stream.pace = Duration::from_micros(1_050);
    for _ in 0..180_000 {
        stream.send(Duration::from_millis(1), 0);
    }
    let percent = stream.parity * 100 / stream.sent;
    assert!(percent <= 8, "{percent} %");
    assert!(stream.residual_ppm() < 100_000);
}

#[test]
fn losses_in_bursts_that_no_block_survives_get_parity_for_a_few_seconds_a_minute() {
    let mut stream = Stream::new(12, 6_000);
    stream.in_bursts = true;
    for _ in 0..180_000 {
        stream.send(Duration::from_millis(1), 0);
    }
    let percent = stream.parity * 100 / stream.sent;
    assert!(percent <= 8, "{percent} %");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn loss_up_to_a_tenth_becomes_less_than_one_percent_and_nothing_comes_twice(
        seed in any::<u64>(),
        loss_ppm in 10_000_u32..100_000,
        gap_us in 100_u64..20_000,
        reorder_ppm in 0_u32..30_000,
    ) {
        let mut stream = Stream::new(seed, loss_ppm);
        stream.encoder.set(fec::Level::of(loss_ppm));
        for _ in 0..6_000 {
            stream.send(Duration::from_micros(gap_us), reorder_ppm);
        }
        prop_assert!(stream.came.iter().all(|times| *times <= 1));
        let residual = stream.residual_ppm();
        prop_assert!(residual <= 10_000, "{} ppm", residual);
    }
}
