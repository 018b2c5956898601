#![no_main]
//! Any octets under any virtio-net header: cutting, joining, completing and clamping never panic, and what is cut is a
//! packet.

use inet::packet::Ipv4;
use libfuzzer_sys::fuzz_target;
use offload::{HEADER, Offload, Run, Segments, clamp_mss, complete};

fuzz_target!(|bytes: &[u8]| {
    let Some((header, packet)) = bytes.split_first_chunk::<HEADER>() else {
        return;
    };
    if let Some(mut run) = Run::start(packet) {
        run.join(packet);
        run.header();
    }
    let mut copy = packet.to_vec();
    clamp_mss(&mut copy, 1_000);
    let Ok(offload) = Offload::read(header) else {
        return;
    };
    let _ = complete(&mut copy, offload);
    let Ok(segments) = Segments::new(packet, offload) else {
        return;
    };
    let mut buffer = vec![0; segments.longest()];
    for number in 0..segments.count() {
        let len = segments.write(number, &mut buffer);
        assert_eq!(Ipv4::parse(&buffer[..len]).map(|view| view.bytes().len()), Ok(len));
    }
});
