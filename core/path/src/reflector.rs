//! The reflector (RFC 8762 §4.3), stateless: every request is answered from its own contents.

use inet::Instant;

use crate::wire::{REQUEST_LEN, Timestamp, encode_reply};

/// The reply to a STAMP request: a UDP payload of the same length, to be sent back by the path that the request
/// came by. `ttl` is what the request's IP header had left. `None` when it is no request.
pub fn reflect(now: Instant, ttl: u8, request: &[u8]) -> Option<Vec<u8>> {
    if request.len() < REQUEST_LEN || request.len() > REQUEST_MAX {
        return None;
    }
    let time = Timestamp::at(now);
    Some(encode_reply(request, time, time, ttl))
}

/// Longer requests are no probes of a path with an ordinary MTU, and are not worth an allocation.
const REQUEST_MAX: usize = 9_216;
