//! What a neighbour's TCP connections need: keys and the limit on hops.

use core::fmt;

use zeroize::Zeroizing;

/// A key. It shows in no output, and its memory is cleared when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// From its octets.
    pub fn new(octets: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(octets.into()))
    }

    /// The octets, for the socket.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How TCP segments are authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// TCP MD5 signatures (RFC 2385); the key has 1 to 80 octets.
    Md5(Secret),
    /// TCP-AO (RFC 5925) with one key.
    Ao {
        /// Which MAC (RFC 5926).
        algorithm: AoAlgorithm,
        /// The key's ID in the segments that we send.
        send_id: u8,
        /// The key's ID in the segments that we receive.
        receive_id: u8,
        /// The master key.
        key: Secret,
    },
}

/// The MACs of TCP-AO (RFC 5926 §3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AoAlgorithm {
    /// HMAC-SHA-1-96.
    #[default]
    HmacSha1,
    /// AES-128-CMAC-96.
    Aes128Cmac,
    /// HMAC-SHA-256, which Linux has beyond the RFC.
    HmacSha256,
}

/// What a connection needs of TCP beside its addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions {
    /// How segments are authenticated.
    pub auth: Option<Auth>,
    /// The most hops that a packet may have come (RFC 5082): packets go out with a time to live
    /// of 255, and those below 256 minus this are dropped.
    pub ttl_security: Option<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_in_no_debug_output() {
        let options = TcpOptions {
            auth: Some(Auth::Md5(Secret::new("hunter2"))),
            ttl_security: None,
        };
        let shown = format!("{options:?} {options:#?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("104"),
            "{shown}"
        );
    }
}
