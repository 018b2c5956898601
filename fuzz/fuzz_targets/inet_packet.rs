#![no_main]
//! Any bytes as an IPv4 packet: parsing, rewriting and answering never panic.

use inet::packet::{self, Ipv4};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(view) = Ipv4::parse(bytes) else { return };
    let flow = view.five_tuple();
    let _ = view.udp_payload();
    let _ = packet::echo_reply(&view, 64);
    let _ = packet::icmp_error(view.destination(), &view, 11, 0, [0; 4]);
    let mut copy = bytes.to_vec();
    packet::decrement_ttl(&mut copy);
    packet::rewrite(&mut copy, flow.reversed());
});
