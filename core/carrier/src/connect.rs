//! HTTP CONNECT (RFC 9110 §9.3.6): how a proxy is asked for a connection, and how its answer is read.

use core::fmt;
use core::net::SocketAddrV4;

/// Octets that a proxy's answer may have before the connection begins.
pub const ANSWER_MAX: usize = 8 * 1024;

/// Why a proxy gives no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The status that it answered with; 407 asks for a user and a password.
    Status(u16),
    /// What it answered is not HTTP/1.
    NotHttp,
    /// Its answer does not end.
    TooLong,
    /// It sent more than the answer, although the other end waits for this one.
    Unasked,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(407) => f.write_str("the proxy wants a user and a password (407)"),
            Self::Status(status) => write!(f, "the proxy answered with status {status}"),
            Self::NotHttp => f.write_str("the proxy does not speak HTTP/1"),
            Self::TooLong => f.write_str("the proxy's answer does not end"),
            Self::Unasked => f.write_str("the proxy sent octets of nobody"),
        }
    }
}

/// What asks a proxy for a connection, with user and password (RFC 7617) if it wants them.
pub fn request(to: SocketAddrV4, credentials: Option<(&str, &str)>) -> Vec<u8> {
    let authorization = credentials.map_or_else(String::new, |(user, password)| {
        let both = base64(format!("{user}:{password}").as_bytes());
        format!("Proxy-Authorization: Basic {both}\r\n")
    });
    format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{authorization}\r\n").into_bytes()
}

/// Reads a proxy's answer as it comes.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    bytes: Vec<u8>,
}

impl Answer {
    /// Takes what came: whether the connection stands now.
    ///
    /// # Errors
    ///
    /// The proxy gives none.
    pub fn take(&mut self, bytes: &[u8]) -> Result<bool, Refusal> {
        let room = ANSWER_MAX.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n");
        match end {
            None if self.bytes.len() >= ANSWER_MAX => Err(Refusal::TooLong),
            None => Ok(false),
            Some(at) => match status(&self.bytes) {
                None => Err(Refusal::NotHttp),
                Some(200..=299) if at + 4 < self.bytes.len() || bytes.len() > room => {
                    Err(Refusal::Unasked)
                }
                Some(200..=299) => Ok(true),
                Some(status) => Err(Refusal::Status(status)),
            },
        }
    }
}

/// The status in `HTTP/1.1 200 …` (RFC 9112 §4).
fn status(answer: &[u8]) -> Option<u16> {
    let rest = answer.strip_prefix(b"HTTP/1.")?;
    let [_minor, b' ', digits @ ..] = rest else {
        return None;
    };
    let digits = core::str::from_utf8(digits.get(..3)?).ok()?;
    digits.parse().ok()
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let octet = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() {
                letter as char
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(pieces: &[&[u8]]) -> Result<bool, Refusal> {
        let mut answer = Answer::default();
        let mut last = Ok(false);
        for piece in pieces {
            last = answer.take(piece);
        }
        last
    }

    #[test]
    fn a_proxy_is_asked_as_the_rfcs_write_it() {
        let to = SocketAddrV4::new([203, 0, 113, 7].into(), 443);
        assert_eq!(
            String::from_utf8(request(to, None)).expect("ASCII"),
            "CONNECT 203.0.113.7:443 HTTP/1.1\r\nHost: 203.0.113.7:443\r\n\r\n"
        );
        // The example of RFC 7617 §2.
        let asked = request(to, Some(("Aladdin", "open sesame")));
        let asked = String::from_utf8(asked).expect("ASCII");
        assert!(
            asked.contains("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n")
        );
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let examples = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ];
        for (plain, coded) in examples {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn an_answer_may_come_in_pieces_and_have_any_headers() {
        let pieces: [&[u8]; 3] = [
            b"HTTP/1.1 200 Conn",
            b"ection established\r\nVia: x\r",
            b"\n\r\n",
        ];
        assert_eq!(answered(&pieces[..2]), Ok(false));
        assert_eq!(answered(&pieces), Ok(true));
        assert_eq!(answered(&[b"HTTP/1.0 204 \r\n\r\n"]), Ok(true));
    }

    #[test]
    fn what_is_no_connection_is_said_to_be_none() {
        let refused = |bytes: &[u8]| answered(&[bytes]).expect_err("no connection");
        assert_eq!(refused(b"HTTP/1.1 407 Who?\r\n\r\n"), Refusal::Status(407));
        assert_eq!(refused(b"SSH-2.0-x\r\n\r\n"), Refusal::NotHttp);
        assert_eq!(refused(b"HTTP/1.1 2\r\n\r\n"), Refusal::NotHttp);
        assert_eq!(refused(b"HTTP/1.1 200 OK\r\n\r\n\x16"), Refusal::Unasked);
        assert_eq!(refused(&[b'x'; ANSWER_MAX]), Refusal::TooLong);
        assert_eq!(refused(&[b'x'; ANSWER_MAX * 3]), Refusal::TooLong);
    }
}
