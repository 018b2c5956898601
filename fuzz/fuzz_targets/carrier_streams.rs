#![no_main]
//! A stream of frames from anybody, cut anywhere, and any answer of a proxy.

use carrier::connect::{ANSWER_MAX, Answer};
use carrier::frame::{Decoder, encode};
use libfuzzer_sys::fuzz_target;

// Pieces, each behind its length.
fuzz_target!(|bytes: &[u8]| {
    let (mut decoder, mut answer) = (Decoder::default(), Answer::default());
    let (mut whole, mut cut) = (Vec::new(), Vec::new());
    let (mut rest, mut taken) = (bytes, 0);
    while let [len, more @ ..] = rest {
        let (piece, behind) = more.split_at(more.len().min(usize::from(*len)));
        rest = behind;
        decoder.take(piece, |datagram| encode(datagram, &mut cut));
        whole.extend_from_slice(piece);
        taken += piece.len();
        let stands = answer.take(piece);
        assert!(stands != Ok(true) || taken <= ANSWER_MAX);
    }
    let mut once = Vec::new();
    Decoder::default().take(&whole, |datagram| encode(datagram, &mut once));
    assert_eq!(once, cut, "where a stream is cut makes no difference");
});
