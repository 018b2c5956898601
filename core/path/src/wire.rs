//! STAMP packets as bytes (RFC 8762 §4.2.1, §4.3.1, unauthenticated mode, with the session identifier of RFC 8972 §3).

use inet::Instant;

/// The UDP port of a STAMP reflector (RFC 8762 §4.1).
pub const PORT: u16 = 862;
/// Length of a request.
pub const REQUEST_LEN: usize = 44;
/// Length of a reply; the same, so that both directions carry equal loads.
pub const REPLY_LEN: usize = 44;

/// Clock not synchronised to UTC, NTP format, scale 0, multiplier 1 (RFC 4656 §4.1.2): the
/// multiplier must not be zero.
const ERROR_ESTIMATE: [u8; 2] = [0, 1];

/// A request's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) sequence: u32,
    pub(crate) sent: Timestamp,
    pub(crate) ssid: u16,
}

impl Request {
    /// The UDP payload.
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut bytes = vec![0; REQUEST_LEN];
        bytes[0..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..12].copy_from_slice(&self.sent.0.to_be_bytes());
        bytes[12..14].copy_from_slice(&ERROR_ESTIMATE);
        bytes[14..16].copy_from_slice(&self.ssid.to_be_bytes());
        bytes
    }
}

/// The reply to a request: equally long, octets behind the base packet zero.
pub(crate) fn encode_reply(
    request: &[u8],
    received: Timestamp,
    sent: Timestamp,
    ttl: u8,
) -> Vec<u8> {
    let mut bytes = vec![0; request.len()];
    bytes[0..4].copy_from_slice(&request[0..4]);
    bytes[4..12].copy_from_slice(&sent.0.to_be_bytes());
    bytes[12..14].copy_from_slice(&ERROR_ESTIMATE);
    bytes[14..16].copy_from_slice(&request[14..16]);
    bytes[16..24].copy_from_slice(&received.0.to_be_bytes());
    bytes[24..38].copy_from_slice(&request[0..14]);
    bytes[40] = ttl;
    bytes
}

/// The session identifier of a reply; `None` when it is too short to be one.
pub fn session_of(reply: &[u8]) -> Option<u16> {
    (reply.len() >= REPLY_LEN).then(|| u16::from_be_bytes([reply[14], reply[15]]))
}

/// What a sender reads in a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// When the reflector sent it, by the reflector's clock.
    pub(crate) sent: Timestamp,
    /// When the reflector received the request, by the reflector's clock.
    pub(crate) received: Timestamp,
    /// The request's fields as the reflector saw them.
    pub(crate) request: Request,
}

impl Reply {
    /// Reads a reply; `None` when it is too short.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < REPLY_LEN {
            return None;
        }
        Some(Self {
            sent: Timestamp(be64(bytes, 4)),
            received: Timestamp(be64(bytes, 16)),
            request: Request {
                sequence: u32::from_be_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]),
                sent: Timestamp(be64(bytes, 28)),
                ssid: u16::from_be_bytes([bytes[14], bytes[15]]),
            },
        })
    }
}

/// An NTP timestamp: seconds in the upper half, binary fractions of a second in the lower half
/// (RFC 5905 §6). Its era is the start of the node's run: only differences are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp(pub(crate) u64);

impl Timestamp {
    /// The time of an instant. Exact to a quarter of a nanosecond, so that [`Self::as_nanos`] gives it back.
    pub(crate) fn at(now: Instant) -> Self {
        let (seconds, nanos) = (now.as_nanos() / SECOND, now.as_nanos() % SECOND);
        Self((seconds << 32) | ((nanos << 32).div_ceil(SECOND)))
    }

    /// Nanoseconds since the clock's zero. No input overflows.
    pub(crate) const fn as_nanos(self) -> u64 {
        (self.0 >> 32) * SECOND + (((self.0 & 0xffff_ffff) * SECOND) >> 32)
    }
}

fn be64(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_be_bytes(word)
}

const SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_gives_the_nanosecond_back() {
        for nanos in [
            0,
            1,
            999_999_999,
            1_000_000_000,
            1_234_567_891,
            4_000_000_000_123_456_789,
        ] {
            let instant = Instant::from_nanos(nanos);
            assert_eq!(Timestamp::at(instant).as_nanos(), nanos);
        }
        assert!(Timestamp(u64::MAX).as_nanos() > 0);
    }

    #[test]
    fn a_request_lies_as_rfc_8762_draws_it() {
        let request = Request {
            sequence: 0x0102_0304,
            sent: Timestamp(0x0506_0708_090a_0b0c),
            ssid: 0x1112,
        };
        let mut expected = vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 1, 0x11, 0x12];
        expected.resize(44, 0);
        assert_eq!(request.encode(), expected);
    }

    #[test]
    fn a_reply_carries_the_request_back() {
        let request = Request {
            sequence: 7,
            sent: Timestamp(8),
            ssid: 9,
        };
        let bytes = encode_reply(&request.encode(), Timestamp(10), Timestamp(11), 61);
        assert_eq!(bytes[40], 61);
        assert_eq!(
            bytes[0..4],
            [0, 0, 0, 7],
            "a stateless reflector copies the sequence number"
        );
        assert_eq!(
            Reply::decode(&bytes),
            Some(Reply {
                sent: Timestamp(11),
                received: Timestamp(10),
                request
            })
        );
        assert_eq!(Reply::decode(&bytes[..43]), None);
    }
}
