//! What a queue does to the packets of many flows and classes.

use core::time::Duration;
use std::collections::BTreeMap;

use inet::Instant;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Packet {
    flow: u64,
    number: u32,
    len: usize,
    understands_marks: bool,
    marked: bool,
}

impl Item for Packet {
    fn octets(&self) -> usize {
        self.len
    }

    fn flow(&self) -> u64 {
        self.flow
    }

    fn mark(&mut self) -> bool {
        self.marked = self.understands_marks;
        self.understands_marks
    }
}

fn packet(flow: u64, number: u32, len: usize) -> Packet {
    Packet {
        flow,
        number,
        len,
        understands_marks: false,
        marked: false,
    }
}

fn micros(count: u64) -> Instant {
    Instant::from_nanos(count * 1000)
}

fn push(queue: &mut Queue<Packet>, now: Instant, class: usize, packet: Packet) -> Vec<Packet> {
    let mut lost = Vec::new();
    queue.push(now, Class(class), packet, |packet, _| lost.push(packet));
    lost
}

fn pop(queue: &mut Queue<Packet>, now: Instant) -> Option<Packet> {
    queue.pop(now, |_, _| ())
}

#[test]
fn a_flow_that_sends_little_does_not_wait_behind_one_that_sends_much() {
    let mut queue = Queue::new(Settings::default());
    for number in 0..60 {
        push(&mut queue, micros(0), 0, packet(1, number, 60_000));
    }
    pop(&mut queue, micros(1));
    push(&mut queue, micros(2), 0, packet(2, 0, 84));
    assert_eq!(
        pop(&mut queue, micros(3)).map(|packet| packet.flow),
        Some(2)
    );
}

#[test]
fn two_bulk_flows_share_alike_whatever_the_size_of_their_packets() {
    let mut queue = Queue::new(Settings {
        octets: usize::MAX,
        packets: usize::MAX,
        ..Settings::default()
    });
    for number in 0..6000 {
        push(&mut queue, micros(0), 0, packet(1, number, 200));
    }
    for number in 0..200 {
        push(&mut queue, micros(0), 0, packet(2, number, 6000));
    }
    let mut sent = BTreeMap::<u64, usize>::new();
    for _ in 0..1500 {
        let packet = pop(&mut queue, micros(1)).expect("more waits");
        *sent.entry(packet.flow).or_default() += packet.len;
    }
    let (first, second) = (sent[&1], sent[&2]);
    assert!(first.abs_diff(second) <= 20_000, "{sent:?}");
}

#[test]
fn a_full_queue_takes_the_head_of_the_longest_flow() {
    let mut queue = Queue::new(Settings {
        octets: 10_000,
        ..Settings::default()
    });
    push(&mut queue, micros(0), 0, packet(7, 0, 1000));
    for number in 0..9 {
        push(&mut queue, micros(0), 0, packet(1, number, 1000));
    }
    let lost = push(&mut queue, micros(0), 0, packet(7, 1, 1000));
    assert_eq!(lost, [packet(1, 0, 1000)]);
    assert_eq!(queue.octets(), 10_000);
}

#[test]
fn a_packet_larger_than_the_whole_queue_is_dropped_itself() {
    let mut queue = Queue::new(Settings {
        octets: 100,
        ..Settings::default()
    });
    assert_eq!(push(&mut queue, micros(0), 0, packet(1, 0, 1000)).len(), 1);
    assert!(queue.is_empty());
    assert_eq!(pop(&mut queue, micros(0)), None);
}

/// Offers 2 packets of 1,250 octets a millisecond to 10 Mb/s, which is 1 a millisecond, for 20 seconds; the delays in
/// milliseconds and the packets marked and lost after the first five.
fn overload(understands_marks: bool) -> (Vec<u64>, usize, usize) {
    let mut queue = Queue::new(Settings {
        rate: Some(10_000_000),
        ..Settings::default()
    });
    let (mut delays, mut marked, mut lost) = (Vec::new(), 0, 0);
    let mut at = BTreeMap::new();
    let mut number = 0;
    for millis in 0..20_000 {
        let now = Instant::from_millis(millis);
        let burst = if millis % 1000 < 400 { 2 } else { 1 };
        for _ in 0..burst {
            let mut packet = packet(1, number, 1250);
            packet.understands_marks = understands_marks;
            at.insert(number, millis);
            number += 1;
            queue.push(now, Class(0), packet, |_, _| lost += 1);
        }
        while let Some(packet) = queue.pop(now, |_, _| lost += 1) {
            if millis >= 5000 {
                delays.push(millis - at[&packet.number]);
                marked += usize::from(packet.marked);
            }
        }
    }
    (delays, marked, lost)
}

#[test]
fn a_standing_queue_is_worked_off_by_drops_from_its_head() {
    let (mut delays, marked, lost) = overload(false);
    delays.sort_unstable();
    assert!(lost > 0 && marked == 0);
    // Without management the queue would grow to its limit: 1,024 packets, a second of delay.
    assert!(
        delays[delays.len() / 2] < 500,
        "{}",
        delays[delays.len() / 2]
    );
}

#[test]
fn flows_that_understand_marks_are_marked_and_not_dropped() {
    let (_, marked, _) = overload(true);
    assert!(marked > 0);
}

#[test]
fn a_rate_is_kept_over_any_second_and_a_burst_is_bounded() {
    let mut queue = Queue::new(Settings {
        rate: Some(8_000_000),
        burst: Duration::from_millis(10),
        octets: usize::MAX,
        packets: usize::MAX,
        target: Duration::from_secs(100),
        ..Settings::default()
    });
    for number in 0..3000 {
        push(&mut queue, micros(0), 0, packet(1, number, 1000));
    }
    let mut sent = Vec::new();
    let mut now = Instant::from_secs(1);
    while let Some(at) = queue.next() {
        now = now.max(at);
        if pop(&mut queue, now).is_some() {
            sent.push(now);
        }
    }
    let first = sent[0];
    let within = sent
        .iter()
        .filter(|at| at.since(first) < Duration::from_secs(1));
    let within = within.count();
    assert!((1000..=1012).contains(&within), "{within}");
    assert_eq!(sent.iter().filter(|at| **at == first).count(), 11);
}

#[test]
fn strict_classes_go_first_and_the_others_share_by_weight() {
    let mut queue = Queue::new(Settings {
        shares: vec![Share::Weight(1), Share::Strict, Share::Weight(3)],
        octets: usize::MAX,
        packets: usize::MAX,
        ..Settings::default()
    });
    for number in 0..400 {
        for class in [0, 2] {
            push(
                &mut queue,
                micros(0),
                class,
                packet(class as u64, number, 1000),
            );
        }
    }
    push(&mut queue, micros(1), 1, packet(1, 0, 1000));
    let order: Vec<u64> = core::iter::from_fn(|| pop(&mut queue, micros(2)))
        .map(|packet| packet.flow)
        .collect();
    assert_eq!(order[0], 1);
    let heavy = order[1..401].iter().filter(|flow| **flow == 2).count();
    assert!((280..=320).contains(&heavy), "{heavy}");
    assert_eq!(order.len(), 801);
}

#[test]
fn a_class_that_is_not_there_is_the_last() {
    let mut queue = Queue::new(Settings::default());
    push(&mut queue, micros(0), 9, packet(1, 0, 100));
    assert!(pop(&mut queue, micros(0)).is_some());
}

#[test]
fn an_empty_queue_is_small() {
    let size = size_of::<Queue<Packet>>() + size_of::<Waiting<Packet>>();
    assert!(size < 512, "{size}");
}

proptest! {
    #[test]
    fn nothing_is_lost_uncounted_and_flows_stay_in_order(
        steps in proptest::collection::vec((0u64..5, 0usize..3, 1usize..70_000, 0u64..20_000, any::<bool>()), 1..400),
        rate in proptest::option::of(1_000u64..1_000_000_000),
    ) {
        let mut queue = Queue::new(Settings {
            rate,
            shares: vec![Share::Strict, Share::Weight(1), Share::Weight(4)],
            octets: 300_000,
            packets: 20,
            ..Settings::default()
        });
        let (mut now, mut pushed, mut lost) = (Instant::ZERO, 0usize, 0usize);
        let mut out = Vec::new();
        for (number, (flow, class, len, wait, take)) in (0..).zip(steps) {
            now = now + Duration::from_micros(wait);
            // A flow belongs to one class.
            let packet = packet(flow * 3 + class as u64, number, len);
            queue.push(now, Class(class), packet, |_, _| lost += 1);
            pushed += 1;
            prop_assert!(queue.octets() <= 300_000 && queue.packets() <= 20);
            if take {
                out.extend(queue.pop(now, |_, _| lost += 1));
            }
        }
        while let Some(at) = queue.next() {
            now = now.max(at);
            out.extend(queue.pop(now, |_, _| lost += 1));
        }
        prop_assert_eq!(pushed, out.len() + lost);
        let mut last = BTreeMap::new();
        for packet in out {
            if let Some(before) = last.insert(packet.flow, packet.number) {
                prop_assert!(before < packet.number);
            }
        }
        prop_assert_eq!(queue.octets(), 0);
    }
}
