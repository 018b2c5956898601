//! Octets of anybody: no panic, no growth, and what they cost is bounded.

use bfd::{Discard, Settings, State};
use proptest::prelude::*;

use crate::driver::drive;
use crate::neighbor::{Bench, ms};

proptest! {
    #[test]
    fn stories_of_arbitrary_octets_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drive(&bytes);
    }

    #[test]
    fn a_mutated_packet_is_taken_or_counted(
        changes in prop::collection::vec((0_usize..24, any::<u8>()), 0..4),
        cut in 0_usize..=24,
        ttl: u8,
    ) {
        let mut bench = Bench::up(Settings::new(ms(50), 3));
        bench.theirs.state = State::Up;
        bench.theirs.your_discriminator = bench.view().discriminator;
        let mut bytes = bench.theirs.encode().to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let before = bench.view().received;
        bench.hear_bytes(ttl, &bytes[..cut]);
        let taken = bench.view().received - before;
        let counted: u64 = Discard::ALL.iter().map(|reason| bench.discarded(*reason)).sum();
        prop_assert_eq!(taken + counted, 1);
    }
}

#[test]
fn the_corpus_of_the_fuzz_target_is_survived() {
    let corpus: [&[u8]; 5] = [
        include_bytes!("../../../../fuzz/corpus/bfd_endpoint/handshake"),
        include_bytes!("../../../../fuzz/corpus/bfd_endpoint/flood-of-polls"),
        include_bytes!("../../../../fuzz/corpus/bfd_endpoint/silence-wanted"),
        include_bytes!("../../../../fuzz/corpus/bfd_endpoint/come-and-go"),
        include_bytes!("../../../../fuzz/corpus/bfd_endpoint/short-packets"),
    ];
    for story in corpus {
        drive(story);
    }
}
