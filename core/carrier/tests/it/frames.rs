//! Frames in a stream.

use carrier::frame::{ALIVE, DATAGRAM_MAX, Decoder, encode};
use proptest::prelude::*;

fn decode(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::default();
    let mut datagrams = Vec::new();
    for piece in pieces {
        decoder.take(piece, |datagram| datagrams.push(datagram.to_vec()));
    }
    datagrams
}

#[test]
fn a_datagram_follows_its_length_and_signs_of_life_are_none() {
    let mut stream = Vec::new();
    encode(b"abc", &mut stream);
    assert_eq!(stream, [0, 3, b'a', b'b', b'c']);
    stream.extend(ALIVE);
    encode(b"", &mut stream);
    encode(&[0; DATAGRAM_MAX + 1], &mut stream);
    encode(b"d", &mut stream);
    assert_eq!(decode(&[&stream]), [b"abc".to_vec(), b"d".to_vec()]);
}

proptest! {
    #[test]
    fn datagrams_come_out_as_they_went_in_however_the_stream_is_cut(
        datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..2_000), 0..20),
        cuts in proptest::collection::vec(1_usize..700, 1..40),
    ) {
        let mut stream = Vec::new();
        for datagram in &datagrams {
            encode(datagram, &mut stream);
        }
        let mut pieces = Vec::new();
        let mut rest = stream.as_slice();
        for cut in cuts.iter().cycle() {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(decode(&pieces), datagrams);
    }

    #[test]
    fn any_octets_are_taken_and_no_more_is_kept_than_a_frame(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..40),
    ) {
        let total: usize = pieces.iter().map(Vec::len).sum();
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let octets: usize = decode(&pieces).iter().map(Vec::len).sum();
        prop_assert!(octets <= total);
    }
}
