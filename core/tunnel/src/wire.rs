//! The four messages of WireGuard as bytes (paper §5.4): types, lengths and fields at fixed offsets, little-endian.
//! Beside them, an echo and its answer: type, nonce, MAC1. Other implementations drop unknown types.

use crate::extension::ANSWER;

/// What a data message adds to the inner packet besides padding: header and tag. UDP and IP come on top.
pub const OVERHEAD: usize = DATA_HEADER + TAG;

/// What stands before the packet: type, reserved octets, receiver index, counter.
pub const DATA_HEADER: usize = 16;
/// What stands behind the packet and its padding: the AEAD's tag.
pub const TAG: usize = 16;
/// MAC1 and MAC2, at the end of both handshake messages.
pub(crate) const MACS: usize = 32;
/// What Noise puts into an initiation: ephemeral key, static key, timestamp.
pub(crate) const INITIATION_NOISE: usize = 108;
/// What Noise puts into a response: ephemeral key, an empty payload's tag.
pub(crate) const RESPONSE_NOISE: usize = 48;
/// The same with the extension's answer as payload.
pub(crate) const RESPONSE_NOISE_EXTENDED: usize = RESPONSE_NOISE + ANSWER;
/// Type and reserved octets, sender, Noise, MACs.
pub(crate) const INITIATION: usize = 8 + INITIATION_NOISE + MACS;
/// Type and reserved octets, sender, receiver, Noise, MACs.
pub(crate) const RESPONSE: usize = 12 + RESPONSE_NOISE + MACS;
/// The same with the extension's answer.
pub(crate) const RESPONSE_EXTENDED: usize = 12 + RESPONSE_NOISE_EXTENDED + MACS;
/// Type and reserved octets, receiver, nonce, cookie with tag.
pub(crate) const COOKIE_REPLY: usize = 8 + 24 + 32;

/// An echo: type and reserved octets, nonce, MAC1.
pub(crate) const ECHO: usize = ECHO_SIGNED + 16;
/// What the MAC of an echo is about.
pub(crate) const ECHO_SIGNED: usize = 12;

const TYPE_INITIATION: u32 = 1;
const TYPE_RESPONSE: u32 = 2;
const TYPE_COOKIE_REPLY: u32 = 3;
const TYPE_DATA: u32 = 4;
const TYPE_ECHO_REQUEST: u32 = 0x65;
const TYPE_ECHO_REPLY: u32 = 0x66;

/// A datagram whose type and length fit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Initiation { sender: u32 },
    Response { sender: u32, receiver: u32 },
    CookieReply { receiver: u32 },
    Data { receiver: u32, counter: u64 },
    EchoRequest { nonce: u64 },
    EchoReply { nonce: u64 },
}

impl Message {
    /// Reads type and indices. The reserved octets must be zero.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < 8 {
            return None;
        }
        match (le32(bytes, 0), bytes.len()) {
            (TYPE_INITIATION, INITIATION) => Some(Self::Initiation {
                sender: le32(bytes, 4),
            }),
            (TYPE_RESPONSE, RESPONSE | RESPONSE_EXTENDED) => Some(Self::Response {
                sender: le32(bytes, 4),
                receiver: le32(bytes, 8),
            }),
            (TYPE_COOKIE_REPLY, COOKIE_REPLY) => Some(Self::CookieReply {
                receiver: le32(bytes, 4),
            }),
            (TYPE_DATA, OVERHEAD..) => {
                let counter = le64(bytes, 8);
                Some(Self::Data {
                    receiver: le32(bytes, 4),
                    counter,
                })
            }
            (TYPE_ECHO_REQUEST, ECHO) => Some(Self::EchoRequest {
                nonce: le64(bytes, 4),
            }),
            (TYPE_ECHO_REPLY, ECHO) => Some(Self::EchoReply {
                nonce: le64(bytes, 4),
            }),
            _ => None,
        }
    }
}

/// An initiation with its MACs still zero.
pub(crate) fn initiation(sender: u32, noise: &[u8; INITIATION_NOISE]) -> Vec<u8> {
    let mut bytes = header(TYPE_INITIATION, sender, INITIATION);
    bytes.extend_from_slice(noise);
    bytes.resize(INITIATION, 0);
    bytes
}

/// A response with its MACs still zero.
pub(crate) fn response(sender: u32, receiver: u32, noise: &[u8]) -> Vec<u8> {
    let len = 12 + noise.len() + MACS;
    let mut bytes = header(TYPE_RESPONSE, sender, len);
    bytes.extend_from_slice(&receiver.to_le_bytes());
    bytes.extend_from_slice(noise);
    bytes.resize(len, 0);
    bytes
}

/// A cookie reply: nonce, and the cookie encrypted with its tag.
pub(crate) fn cookie_reply(receiver: u32, nonce: &[u8; 24], sealed: &[u8; 32]) -> Vec<u8> {
    let mut bytes = header(TYPE_COOKIE_REPLY, receiver, COOKIE_REPLY);
    bytes.extend_from_slice(nonce);
    bytes.extend_from_slice(sealed);
    bytes
}

/// An echo or the answer to one, with its MAC still zero.
pub(crate) fn echo(is_reply: bool, nonce: u64) -> Vec<u8> {
    let kind = if is_reply {
        TYPE_ECHO_REPLY
    } else {
        TYPE_ECHO_REQUEST
    };
    let mut bytes = Vec::with_capacity(ECHO);
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&nonce.to_le_bytes());
    bytes.resize(ECHO, 0);
    bytes
}

/// What stands before the sealed packet of a data message.
pub(crate) fn data_header(receiver: u32, counter: u64) -> [u8; DATA_HEADER] {
    let mut bytes = [0; DATA_HEADER];
    bytes[..4].copy_from_slice(&TYPE_DATA.to_le_bytes());
    bytes[4..8].copy_from_slice(&receiver.to_le_bytes());
    bytes[8..].copy_from_slice(&counter.to_le_bytes());
    bytes
}

/// The Noise part of an initiation.
pub(crate) fn initiation_noise(bytes: &[u8]) -> &[u8] {
    &bytes[8..8 + INITIATION_NOISE]
}

/// The Noise part of a response, which has one of two lengths.
pub(crate) fn response_noise(bytes: &[u8]) -> &[u8] {
    &bytes[12..bytes.len() - MACS]
}

fn header(kind: u32, index: u32, capacity: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(capacity);
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&index.to_le_bytes());
    bytes
}

fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from(le32(bytes, at + 4)) << 32 | u64::from(le32(bytes, at))
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_paper() {
        assert_eq!(
            (INITIATION, RESPONSE, COOKIE_REPLY, OVERHEAD),
            (148, 92, 64, 32)
        );
    }

    #[test]
    fn fields_lie_where_the_paper_draws_them() {
        assert_eq!(
            data_header(0x0403_0201, 0x1817_1615_1413_1211),
            [
                4, 0, 0, 0, 1, 2, 3, 4, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18
            ]
        );
        let message = response(1, 2, &[9; RESPONSE_NOISE]);
        assert_eq!(message[..13], [2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 9]);
        assert_eq!(
            Message::read(&message),
            Some(Message::Response {
                sender: 1,
                receiver: 2
            })
        );
    }

    #[test]
    fn a_wrong_type_length_or_reserved_octet_is_no_message() {
        let good = initiation(7, &[0; INITIATION_NOISE]);
        assert_eq!(
            Message::read(&good),
            Some(Message::Initiation { sender: 7 })
        );
        assert_eq!(Message::read(&good[..147]), None);
        for at in 0..4 {
            let mut bad = good.clone();
            bad[at] = 9;
            assert_eq!(Message::read(&bad), None);
        }
        assert_eq!(Message::read(&data_header(1, 1)), None, "without a tag");
        assert_eq!(Message::read(&[]), None);
    }
}
