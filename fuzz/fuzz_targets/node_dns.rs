//! Answers of DNS that pass through a node are read whatever they hold, and say no more than they can.

#![no_main]

libfuzzer_sys::fuzz_target!(|message: &[u8]| {
    if let Some(answer) = node::dns::answer(message) {
        assert!(answer.names.iter().all(|name| name.len() <= 255));
        // A record of an address has 15 octets or more.
        assert!(answer.addresses.len() <= message.len() / 15);
    }
});
