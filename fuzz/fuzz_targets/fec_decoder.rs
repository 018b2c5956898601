#![no_main]
//! Marks, packets, parity and reports of anybody at the receiving end of a stream and at a regulator.

use std::time::Duration;

use fec::{Decoder, Mark, Message, Regulator};
use inet::Instant;
use libfuzzer_sys::fuzz_target;

// A length, a kind, and what it is: a message, or a packet behind its mark.
fuzz_target!(|bytes: &[u8]| {
    let mut now = Instant::from_secs(1);
    let (mut decoder, mut regulator) = (Decoder::default(), Regulator::default());
    let mut rest = bytes;
    while let [len, kind, more @ ..] = rest {
        let (body, behind) = more.split_at(more.len().min(usize::from(*len)));
        rest = behind;
        now = now + Duration::from_millis(u64::from(*kind));
        let mut recovered = Vec::new();
        if kind % 2 == 0 {
            match Message::decode(body) {
                Some(Message::Parity { parity, .. }) => decoder.parity(parity, &mut recovered),
                Some(Message::Report { stream, report, .. }) => {
                    regulator.on_report(now, stream, report);
                }
                None => {}
            }
        } else if let Some((mark, packet)) = body.split_first_chunk() {
            decoder.packet(Mark::decode(*mark), packet, &mut recovered);
            if let Some(report) = decoder.report(now) {
                regulator.on_report(now, 0, report);
            }
        }
        assert!(recovered.len() <= 16 && decoder.octets() <= 48 * fec::SYMBOL_MAX);
    }
});
