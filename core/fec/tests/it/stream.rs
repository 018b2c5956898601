//! A stream from its encoder over a path to its decoder.

use core::time::Duration;

use fec::{Decoder, Encoder, Level, Mark, Message, Parity, Regulator, Seen, Sequence};
use inet::{Instant, Rng};

/// How long the queue before a path may be.
const QUEUE: Duration = Duration::from_millis(20);

/// A stream, its path, and what came of it.
pub(crate) struct Stream {
    pub(crate) encoder: Encoder,
    pub(crate) decoder: Decoder,
    pub(crate) regulator: Regulator,
    pub(crate) now: Instant,
    chance: Rng,
    pub(crate) loss_ppm: u32,
    /// Whether what is lost takes the seven packets behind it along.
    pub(crate) in_bursts: bool,
    burst: u32,
    /// Time between two packets that the path can carry; as many as come by default.
    pub(crate) pace: Duration,
    /// Until when the path has something to carry.
    busy: Instant,
    /// Packets that changed places wait here.
    late: Vec<(Mark, Vec<u8>)>,
    pub(crate) sent: u32,
    /// By number: how often it came.
    pub(crate) came: Vec<u32>,
    pub(crate) parity: u32,
}

impl Stream {
    pub(crate) fn new(seed: u64, loss_ppm: u32) -> Self {
        Self {
            encoder: Encoder::new(3, 5, Sequence::new(seed as u32)),
            decoder: Decoder::default(),
            regulator: Regulator::default(),
            now: Instant::from_secs(1),
            chance: Rng::new(seed),
            loss_ppm,
            in_bursts: false,
            burst: 0,
            pace: Duration::ZERO,
            busy: Instant::ZERO,
            late: Vec::new(),
            sent: 0,
            came: Vec::new(),
            parity: 0,
        }
    }

    /// One more packet, and time until the next.
    pub(crate) fn send(&mut self, gap: Duration, reorder_ppm: u32) {
        let mut messages = Vec::new();
        let packet = self.packet(self.sent);
        self.sent += 1;
        self.came.push(0);
        let mark = self.encoder.push(self.now, &packet, &mut messages);
        if !self.is_lost() {
            if self.chance.chance_ppm(reorder_ppm) {
                self.late.push((mark, packet));
            } else {
                self.arrive(mark, &packet);
                for (mark, packet) in core::mem::take(&mut self.late) {
                    self.arrive(mark, &packet);
                }
            }
        }
        self.now = self.now + gap;
        self.encoder.tick(self.now, &mut messages);
        for message in messages {
            self.parity += 1;
            if !self.is_lost() {
                self.on_parity(&message);
            }
        }
    }

    /// Whether the path loses what is sent now: by chance, or since its queue of 20 ms is full.
    fn is_lost(&mut self) -> bool {
        if self.burst > 0 {
            self.burst -= 1;
            return true;
        }
        if self.chance.chance_ppm(self.loss_ppm) {
            self.burst = if self.in_bursts { 7 } else { 0 };
            return true;
        }
        if self.busy > self.now + QUEUE {
            return true;
        }
        self.busy = self.busy.max(self.now) + self.pace;
        false
    }

    pub(crate) fn residual_ppm(&self) -> u64 {
        let lost = self.came.iter().filter(|times| **times == 0).count();
        lost as u64 * 1_000_000 / u64::from(self.sent)
    }

    /// The packet of a number: it says the number, and its length varies.
    fn packet(&self, number: u32) -> Vec<u8> {
        let mut packet = number.to_be_bytes().to_vec();
        let len = 4 + number as usize * 37 % 600;
        packet.extend((4..len).map(|octet| (octet as u32 * 7 + number) as u8));
        packet
    }

    fn arrive(&mut self, mark: Mark, packet: &[u8]) {
        let mut recovered = Vec::new();
        let seen = self
            .decoder
            .packet(Mark::decode(mark.encode()), packet, &mut recovered);
        if seen != Seen::Again {
            self.deliver(packet);
        }
        recovered.iter().for_each(|packet| self.deliver(packet));
        if let Some(report) = self.decoder.report(self.now)
            && self.regulator.on_report(self.now, mark.stream, report)
        {
            self.encoder.set(self.regulator.level());
        }
    }

    fn on_parity(&mut self, message: &[u8]) {
        let Some(Message::Parity { parity, .. }) = Message::decode(message) else {
            panic!("an encoder sends parity only");
        };
        let mut recovered = Vec::new();
        self.decoder.parity(parity, &mut recovered);
        recovered.iter().for_each(|packet| self.deliver(packet));
    }

    fn deliver(&mut self, packet: &[u8]) {
        let number = u32::from_be_bytes(*packet.first_chunk().expect("a number"));
        assert_eq!(packet, self.packet(number), "as it was sent");
        self.came[number as usize] += 1;
    }
}

#[test]
fn without_loss_there_is_no_parity_and_every_packet_comes_once_and_at_once() {
    let mut stream = Stream::new(1, 0);
    for number in 0..5_000 {
        stream.send(Duration::from_millis(1), 0);
        assert_eq!(stream.came[number], 1);
    }
    assert_eq!((stream.parity, stream.decoder.octets()), (0, 0));
}

#[test]
fn the_only_packet_of_a_block_comes_back_when_the_block_was_open_for_long_enough() {
    let mut stream = Stream::new(2, 0);
    stream.encoder.set(Level::of(50_000));
    let (mut messages, mut recovered) = (Vec::new(), Vec::new());
    let mark = stream.encoder.push(stream.now, b"lost", &mut messages);
    let wake = stream.encoder.wake().expect("a block is open");
    assert_eq!(
        (mark.is_covered, wake),
        (true, stream.now + fec::CLOSE_AFTER)
    );
    stream.encoder.tick(wake, &mut messages);
    assert_eq!(stream.encoder.wake(), None);
    let message = Message::decode(&messages[0]);
    let Some(Message::Parity { parity, .. }) = message else {
        panic!("{message:?}");
    };
    stream.decoder.parity(parity, &mut recovered);
    assert_eq!(recovered, [b"lost".to_vec()]);
    let late = stream.decoder.packet(mark, b"lost", &mut recovered);
    assert_eq!(late, Seen::Again, "the packet itself comes after all");
}

#[test]
fn sums_of_others_change_nothing_but_what_they_claim() {
    let mut decoder = Decoder::default();
    let mut recovered = Vec::new();
    let mark = |number| Mark {
        is_copy: false,
        is_covered: true,
        stream: 0,
        sequence: Sequence::new(number),
    };
    decoder.packet(mark(0), &[1; 500], &mut recovered);
    // A sum that is shorter than a packet of its block, and one whose length cannot be.
    for (first, sum) in [(0, vec![0; 20]), (9, vec![0xff; 20])] {
        let octets = [&[1, 0, 0, 2, 0, 1, 0, 0, 0, first], &sum[..]].concat();
        let parity = parity(&octets);
        decoder.packet(mark(u32::from(first)), &[7; 9], &mut recovered);
        decoder.parity(parity, &mut recovered);
    }
    assert_eq!(recovered, Vec::<Vec<u8>>::new());
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let mut decoder = Decoder::default();
    let mut chance = Rng::new(7);
    let mut octets = vec![1, 0, 0, 16, 0, 4, 0, 0, 0, 0];
    octets.resize(octets.len() + fec::SYMBOL_MAX, 0);
    let mut recovered = Vec::new();
    for _ in 0..3_000 {
        let number = chance.below(1 << 24) as u32;
        octets[4] = chance.below(4) as u8;
        octets[6..10].copy_from_slice(&number.to_be_bytes());
        decoder.parity(parity(&octets), &mut recovered);
        let mark = Mark {
            is_copy: false,
            is_covered: true,
            stream: 0,
            sequence: Sequence::new(number),
        };
        decoder.packet(mark, &octets, &mut recovered);
        recovered.clear();
        assert!(decoder.octets() <= (32 + 16) * fec::SYMBOL_MAX);
    }
}

fn parity(octets: &[u8]) -> Parity<'_> {
    match Message::decode(octets) {
        Some(Message::Parity { parity, .. }) => parity,
        other => panic!("{other:?}"),
    }
}
