//! The timestamp in a handshake initiation: TAI64N labels, which a responder only accepts in rising order (paper §5.1).

use std::time::Duration;

/// Seconds since 1970 (plus the ten that TAI was ahead then) and nanoseconds, big-endian: comparing octets
/// compares times.
pub(crate) type Tai64n = [u8; 12];

/// The label of a time since 1970. Nanoseconds are rounded to 17 ms, so that the label says less about
/// the clock; a peer is not called more often than that.
pub(crate) fn label(unix: Duration) -> Tai64n {
    let mut label = [0; 12];
    label[..8].copy_from_slice(&(EPOCH + unix.as_secs()).to_be_bytes());
    label[8..].copy_from_slice(&(unix.subsec_nanos() & !0x00ff_ffff).to_be_bytes());
    label
}

const EPOCH: u64 = 0x4000_0000_0000_000a;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_of_the_definition_and_rise() {
        // The example of cr.yp.to/libtai/tai64.html: 1992-06-02 08:07:09 TAI is 4000 0000 2a2b 2c2d.
        let unix = Duration::from_secs(0x2a2b_2c2d - 10);
        assert_eq!(label(unix)[..8], [0x40, 0, 0, 0, 0x2a, 0x2b, 0x2c, 0x2d]);
        assert!(label(unix) < label(unix + Duration::from_millis(20)));
        assert!(label(unix) < label(unix + Duration::from_secs(1)));
    }
}
