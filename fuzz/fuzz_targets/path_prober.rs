#![no_main]
//! Replies and requests of anybody at a prober and a reflector.

use std::time::Duration;

use inet::Instant;
use libfuzzer_sys::fuzz_target;
use path::{Input, Output, Prober, Settings, reflect};

// Chunks of 46 octets: milliseconds passed, how to change the true reply, or a reply of its own.
fuzz_target!(|bytes: &[u8]| {
    let mut now = Instant::from_secs(1);
    let mut prober = Prober::new(Settings::new(7), 1, now);
    let mut request = Vec::new();
    for chunk in bytes.chunks(46) {
        let (time, body) = chunk.split_at(chunk.len().min(2));
        now = now + Duration::from_millis(time.first().map_or(0, |time| u64::from(*time) * 10));
        let mut out = Vec::new();
        prober.handle(now, Input::Wake, &mut out);
        for output in out {
            if let Output::Probe(bytes) = output {
                request = bytes;
            }
        }
        assert!(prober.wake().is_none_or(|wake| wake > now));
        let mut reply = reflect(now, 64, &request).unwrap_or_default();
        if let (Some(change), false) = (time.get(1), reply.is_empty()) {
            let at = usize::from(*change) % reply.len();
            reply[at] ^= change / 44;
        }
        for reply in [&reply[..], body] {
            prober.handle(now, Input::Reply(reply), &mut Vec::new());
        }
        let _ = reflect(now, 1, body);
        let _ = prober.statistics(now);
    }
});
