#![no_main]
//! Bytes of anybody as a whole life of a session; see the target for what must hold.

#[path = "../targets/bgp_session.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
