//! The message header (RFC 4271 §4.1, §6.1) and the framing of a byte stream.

use crate::wire::notification::{Notification, code, header as subcode};

/// Length of the header.
pub const LEN: usize = 19;
/// The longest message without RFC 8654, and the longest OPEN and KEEPALIVE with it.
pub const MESSAGE_MAX: usize = 4096;
/// The longest message with RFC 8654.
pub const MESSAGE_EXTENDED_MAX: usize = 65_535;

/// The type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Type 1.
    Open,
    /// Type 2.
    Update,
    /// Type 3.
    Notification,
    /// Type 4.
    Keepalive,
    /// Type 5 (RFC 2918).
    RouteRefresh,
}

impl Kind {
    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Update => 2,
            Self::Notification => 3,
            Self::Keepalive => 4,
            Self::RouteRefresh => 5,
        }
    }

    const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Open,
            2 => Self::Update,
            3 => Self::Notification,
            4 => Self::Keepalive,
            5 => Self::RouteRefresh,
            _ => return None,
        })
    }

    /// Lengths that a message of this type can have (RFC 4271 §6.1, RFC 2918 §3, RFC 8654 §4). What
    /// a longer ROUTE-REFRESH means depends on the session (RFC 7313 §5).
    const fn fits(self, len: usize) -> bool {
        match self {
            Self::Open => len >= 29 && len <= MESSAGE_MAX,
            Self::Update | Self::RouteRefresh => len >= 23,
            Self::Notification => len >= 21,
            Self::Keepalive => len == LEN,
        }
    }
}

/// A whole message at the front of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its type.
    pub kind: Kind,
    /// What follows the header.
    pub body: &'a [u8],
    /// Length with the header.
    pub len: usize,
}

/// Takes a message of at most `max` bytes off the front of a stream; `None` when it is not complete
/// yet. Errors are found as soon as their bytes are there, and are the NOTIFICATION to answer with.
pub fn frame(stream: &[u8], max: usize) -> Result<Option<Frame<'_>>, Notification> {
    let error = |sub, data: &[u8]| Err(Notification::new(code::HEADER, sub, data.to_vec()));
    let Some(header) = stream.first_chunk::<LEN>() else {
        return match stream.iter().take(16).all(|byte| *byte == 0xff) {
            true => Ok(None),
            false => error(subcode::NOT_SYNCHRONIZED, &[]),
        };
    };
    if header[..16] != [0xff; 16] {
        return error(subcode::NOT_SYNCHRONIZED, &[]);
    }
    let len = usize::from(u16::from_be_bytes([header[16], header[17]]));
    if !(LEN..=max).contains(&len) {
        return error(subcode::BAD_LENGTH, &header[16..18]);
    }
    let Some(kind) = Kind::from_number(header[18]) else {
        return error(subcode::BAD_TYPE, &header[18..19]);
    };
    if !kind.fits(len) {
        return error(subcode::BAD_LENGTH, &header[16..18]);
    }
    Ok(stream.get(LEN..len).map(|body| Frame { kind, body, len }))
}

/// Whether a stream that [`frame`] refused begins with a NOTIFICATION, which must not be answered
/// with one (RFC 4271 §6.4).
pub(crate) fn begins_notification(stream: &[u8]) -> bool {
    stream.get(..16) == Some(&[0xff; 16]) && stream.get(18) == Some(&Kind::Notification.number())
}

/// How many bytes of a cut message are still missing at the front of a stream: at least one.
pub(crate) fn missing(stream: &[u8]) -> usize {
    let len = match stream.get(16..18) {
        Some(len) if stream.len() >= LEN => usize::from(u16::from_be_bytes([len[0], len[1]])),
        _ => LEN,
    };
    len.saturating_sub(stream.len()).max(1)
}

/// The first message of a stream of our own, and what follows it.
pub(crate) fn split(stream: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = u16::from_be_bytes([*stream.get(16)?, *stream.get(17)?]);
    stream.split_at_checked(usize::from(len))
}

/// A message of this type around a body. The body fits: callers pack to [`MESSAGE_MAX`].
pub fn message(kind: Kind, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(LEN + body.len());
    let start = begin(kind, &mut out);
    out.extend_from_slice(body);
    finish(start, &mut out);
    out
}

/// Starts a message at the end of `out`; gives its place for [`finish`].
pub(crate) fn begin(kind: Kind, out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0xff; 16]);
    out.extend_from_slice(&[0, 0, kind.number()]);
    start
}

/// Fills in the length of the message that began at `start`.
pub(crate) fn finish(start: usize, out: &mut [u8]) {
    let len = out.len() - start;
    debug_assert!(len <= MESSAGE_EXTENDED_MAX, "a message of {len} bytes");
    out[start + 16..start + 18].copy_from_slice(&(len as u16).to_be_bytes());
}

/// A KEEPALIVE.
pub fn keepalive() -> Vec<u8> {
    message(Kind::Keepalive, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> (u8, u8) {
        let error = frame(bytes, MESSAGE_MAX).expect_err("an error");
        (error.code, error.subcode)
    }

    #[test]
    fn a_message_is_framed_only_when_complete() {
        let bytes = keepalive();
        for cut in 0..bytes.len() {
            assert_eq!(frame(&bytes[..cut], MESSAGE_MAX), Ok(None), "{cut}");
            assert!(missing(&bytes[..cut]) <= bytes.len() - cut, "{cut}");
        }
        let frame = frame(&bytes, MESSAGE_MAX)
            .expect("no error")
            .expect("complete");
        assert_eq!((frame.kind, frame.len), (Kind::Keepalive, 19));
    }

    #[test]
    fn rfc4271_6_1_header_errors_are_told_apart() {
        let mut marker = keepalive();
        marker[3] = 0;
        assert_eq!(refused(&marker), (1, 1));
        assert_eq!(refused(&marker[..4]), (1, 1), "found at once");
        for len in [0, 18, 20, 4097, 65_535_u16] {
            let mut bytes = keepalive();
            bytes[16..18].copy_from_slice(&len.to_be_bytes());
            assert_eq!(refused(&bytes), (1, 2), "{len}");
        }
        for number in [0, 6, 255] {
            let mut kind = keepalive();
            kind[18] = number;
            assert_eq!(refused(&kind), (1, 3), "{number}");
            let error = frame(&kind, MESSAGE_MAX).expect_err("an error");
            assert_eq!(error.data, [number], "the data is the type");
        }
    }

    #[test]
    fn rfc4271_6_1_each_type_has_its_least_length_and_the_data_is_the_length() {
        for (kind, least) in [(1, 29), (2, 23), (3, 21), (4, 19), (5, 23)] {
            let mut bytes = vec![0xff; 16];
            bytes.extend_from_slice(&[0, least - 1, kind]);
            let error = frame(&bytes, MESSAGE_MAX).expect_err("too short");
            assert_eq!((error.code, error.subcode), (1, 2), "{kind}");
            assert_eq!(error.data, [0, least - 1], "{kind}");
            bytes[17] = least;
            bytes.resize(usize::from(least), 0);
            assert!(
                frame(&bytes, MESSAGE_MAX).is_ok_and(|frame| frame.is_some()),
                "{kind}"
            );
        }
        let mut long = keepalive();
        long[17] = 20;
        assert_eq!(refused(&long), (1, 2), "a KEEPALIVE is a header only");
    }

    #[test]
    fn rfc8654_4_open_and_keepalive_stay_short() {
        for (kind, taken) in [(1, false), (2, true), (3, true), (4, false), (5, true)] {
            let mut bytes = vec![0xff; 16];
            bytes.extend_from_slice(&[0x10, 0x01, kind]);
            bytes.resize(4_097, 0);
            assert_eq!(frame(&bytes, MESSAGE_EXTENDED_MAX).is_ok(), taken, "{kind}");
            assert!(frame(&bytes, MESSAGE_MAX).is_err(), "{kind}");
        }
    }
}
