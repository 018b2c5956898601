//! The fuzz targets, compiled in: their corpora are replayed, and fresh input is drawn.

#[path = "../../../../fuzz/targets/bgp_messages.rs"]
mod bgp_messages;
#[path = "../../../../fuzz/targets/bgp_session.rs"]
mod bgp_session;

use proptest::prelude::*;

/// Runs a target with each file of its corpus; the names are the only list of them.
fn replay(target: &str, run: fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = folder.join("../../fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("a corpus")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    assert!(files.len() >= 8, "{target} has a corpus");
    for file in files {
        #[expect(clippy::disallowed_methods, reason = "a test reads its data")]
        run(&std::fs::read(file).expect("readable"));
    }
}

#[test]
fn the_corpus_of_bgp_session_holds() {
    replay("bgp_session", bgp_session::run);
}

#[test]
fn the_corpus_of_bgp_messages_holds() {
    replay("bgp_messages", bgp_messages::run);
}

/// Steps that make sense more often than blind bytes do.
fn arb_step() -> impl Strategy<Value = Vec<u8>> {
    let body = prop::collection::vec(any::<u8>(), 0..60);
    let wild = (0_u8..12, body).prop_map(|(what, body)| step(what, &body));
    let usual = prop::sample::select(vec![
        step(3, &[]),
        step(7, &[]),
        step(7, &[64, 6, 0x40, 60, 0, 1, 1, 0x80]),
        step(
            7,
            &[64, 6, 0, 60, 0, 1, 1, 0x80, 71, 7, 0, 1, 1, 0x80, 0, 1, 0],
        ),
        step(7, &[70, 0, 6, 0]),
        step(7, &[69, 4, 0, 1, 1, 3]),
        step(2, &[0xff, 0xff]),
        step(4, &[]),
        step(9, &[1, 0, 0, 0, 0]),
        step(9, &[3, 0, 1, 1, 1]),
        step(9, &[3, 0, 1, 2, 1]),
        step(9, &announcement()),
    ]);
    prop_oneof![1 => wild, 2 => usual]
}

fn step(what: u8, body: &[u8]) -> Vec<u8> {
    [&[what, body.len() as u8], body].concat()
}

fn announcement() -> Vec<u8> {
    let attributes = [
        &[0x40, 1, 1, 0][..],
        &[0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9],
        &[0x40, 3, 4, 10, 0, 0, 2],
    ]
    .concat();
    [
        &[1, 0, 0, 0, attributes.len() as u8][..],
        &attributes,
        &[24, 198, 51, 100],
    ]
    .concat()
}

proptest! {
    #[test]
    fn any_life_of_a_session_holds(
        offers: u8,
        steps in prop::collection::vec(arb_step(), 0..30),
    ) {
        bgp_session::run(&[&[offers][..], &steps.concat()].concat());
    }

    #[test]
    fn any_message_holds(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        bgp_messages::run(&bytes);
    }
}
