#![no_main]
//! VRRP messages of anybody at a virtual router: what is read is written the same, and the
//! router's next wake-up is always ahead.

use core::net::Ipv4Addr;

use inet::Instant;
use libfuzzer_sys::fuzz_target;
use node::vrrp::{Advertisement, Router, Settings};

// Chunks of 24 octets, each a message that comes 50 ms after the one before.
fuzz_target!(|bytes: &[u8]| {
    let mut now = Instant::ZERO;
    let mut router = Router::new(Settings {
        id: 1,
        virtual_address: Ipv4Addr::new(10, 0, 0, 254),
        address: Ipv4Addr::new(10, 0, 0, 1),
        priority: 100,
        interval_cs: 25,
    });
    router.start(now);
    for message in bytes.chunks(24) {
        now = now + core::time::Duration::from_millis(50);
        let mut out = Vec::new();
        let from = Ipv4Addr::new(10, 0, 0, 2);
        if let Ok(read) = Advertisement::decode(from, message) {
            assert_eq!(Advertisement::decode(from, &read.encode()), Ok(read));
        }
        let _ = router.on_message(now, from, message, &mut out);
        router.on_wake(now, &mut out);
        assert!(router.wake().is_none_or(|wake| wake > now));
    }
});
