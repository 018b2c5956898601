#![no_main]
//! Messages of anybody other than UPDATEs, and framing; see the target for what must hold.

#[path = "../targets/bgp_messages.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
