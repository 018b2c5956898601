#![no_main]
//! Datagrams of anybody, time and commands at a BFD endpoint.

use libfuzzer_sys::fuzz_target;

#[path = "../../core/bfd/tests/it/driver.rs"]
mod driver;

fuzz_target!(|bytes: &[u8]| driver::drive(bytes));
