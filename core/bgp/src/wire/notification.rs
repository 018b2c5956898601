//! NOTIFICATION messages (RFC 4271 §4.5, 4486, 6608, 7313, 8538, 9003, 9234, 9384, 9687).

use core::fmt;

use crate::wire::header::{self as frame, Kind, MESSAGE_MAX};

/// Error codes.
pub mod code {
    /// Message Header Error.
    pub const HEADER: u8 = 1;
    /// OPEN Message Error.
    pub const OPEN: u8 = 2;
    /// UPDATE Message Error.
    pub const UPDATE: u8 = 3;
    /// Hold Timer Expired.
    pub const HOLD_TIMER: u8 = 4;
    /// Finite State Machine Error.
    pub const FSM: u8 = 5;
    /// Cease.
    pub const CEASE: u8 = 6;
    /// ROUTE-REFRESH Message Error (RFC 7313).
    pub const ROUTE_REFRESH: u8 = 7;
    /// Send Hold Timer Expired (RFC 9687).
    pub const SEND_HOLD_TIMER: u8 = 8;
}

/// Subcodes of ROUTE-REFRESH Message Error (RFC 7313).
pub mod refresh {
    /// Invalid Message Length.
    pub const INVALID_LENGTH: u8 = 1;
}

/// Subcodes of Message Header Error.
pub mod header {
    /// Connection Not Synchronized.
    pub const NOT_SYNCHRONIZED: u8 = 1;
    /// Bad Message Length.
    pub const BAD_LENGTH: u8 = 2;
    /// Bad Message Type.
    pub const BAD_TYPE: u8 = 3;
}

/// Subcodes of OPEN Message Error.
pub mod open {
    /// Unspecific.
    pub const UNSPECIFIC: u8 = 0;
    /// Unsupported Version Number.
    pub const VERSION: u8 = 1;
    /// Bad Peer AS.
    pub const PEER_AS: u8 = 2;
    /// Bad BGP Identifier.
    pub const IDENTIFIER: u8 = 3;
    /// Unsupported Optional Parameter.
    pub const PARAMETER: u8 = 4;
    /// Unacceptable Hold Time.
    pub const HOLD_TIME: u8 = 6;
    /// Unsupported Capability (RFC 5492).
    pub const CAPABILITY: u8 = 7;
    /// Role Mismatch (RFC 9234).
    pub const ROLE: u8 = 11;
}

/// Subcodes of UPDATE Message Error.
pub mod update {
    /// Malformed Attribute List.
    pub const ATTRIBUTE_LIST: u8 = 1;
    /// Optional Attribute Error.
    pub const OPTIONAL_ATTRIBUTE: u8 = 9;
    /// Invalid Network Field.
    pub const NETWORK_FIELD: u8 = 10;
}

/// Subcodes of Finite State Machine Error (RFC 6608).
pub mod fsm {
    /// Receive Unexpected Message in OpenSent State.
    pub const OPEN_SENT: u8 = 1;
    /// Receive Unexpected Message in OpenConfirm State.
    pub const OPEN_CONFIRM: u8 = 2;
    /// Receive Unexpected Message in Established State.
    pub const ESTABLISHED: u8 = 3;
}

/// Subcodes of Cease (RFC 4486, 8538, 9384).
pub mod cease {
    /// Maximum Number of Prefixes Reached.
    pub const PREFIXES: u8 = 1;
    /// Administrative Shutdown.
    pub const SHUTDOWN: u8 = 2;
    /// Peer De-configured.
    pub const DECONFIGURED: u8 = 3;
    /// Administrative Reset.
    pub const RESET: u8 = 4;
    /// Connection Rejected.
    pub const REJECTED: u8 = 5;
    /// Other Configuration Change.
    pub const CONFIGURATION: u8 = 6;
    /// Connection Collision Resolution.
    pub const COLLISION: u8 = 7;
    /// Out of Resources.
    pub const RESOURCES: u8 = 8;
    /// Hard Reset (RFC 8538).
    pub const HARD_RESET: u8 = 9;
    /// BFD Down.
    pub const BFD_DOWN: u8 = 10;
}

/// The longest shutdown text (RFC 9003 §2).
pub const SHUTDOWN_TEXT_MAX: usize = 255;

/// Why a session ends, as one side tells the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Error code.
    pub code: u8,
    /// Error subcode.
    pub subcode: u8,
    /// Data; at most what a message holds.
    pub data: Vec<u8>,
}

impl Notification {
    /// From its parts; data that a message cannot hold is cut.
    pub fn new(code: u8, subcode: u8, mut data: Vec<u8>) -> Self {
        data.truncate(MESSAGE_MAX - frame::LEN - 2);
        Self {
            code,
            subcode,
            data,
        }
    }

    /// A Cease without data.
    pub const fn cease(subcode: u8) -> Self {
        Self {
            code: code::CEASE,
            subcode,
            data: Vec::new(),
        }
    }

    /// Administrative Shutdown with a text (RFC 9003), cut to whole characters in 255 bytes.
    pub fn shutdown(text: &str) -> Self {
        Self::saying(cease::SHUTDOWN, text)
    }

    /// A Cease with a text, for Administrative Shutdown and Administrative Reset (RFC 9003 §2).
    pub(crate) fn saying(subcode: u8, text: &str) -> Self {
        let mut len = text.len().min(SHUTDOWN_TEXT_MAX);
        while !text.is_char_boundary(len) {
            len -= 1;
        }
        let mut data = vec![len as u8];
        data.extend_from_slice(&text.as_bytes()[..len]);
        Self::new(code::CEASE, subcode, data)
    }

    /// Whether the routes are to go with the session even where NOTIFICATIONs keep them
    /// (RFC 8538 §3.1): somebody wanted its end.
    pub(crate) const fn is_final(&self) -> bool {
        self.code == code::CEASE
            && matches!(
                self.subcode,
                cease::PREFIXES
                    | cease::SHUTDOWN
                    | cease::DECONFIGURED
                    | cease::RESET
                    | cease::HARD_RESET
                    | cease::BFD_DOWN
            )
    }

    /// Whether it ends the routes as well where RFC 8538 is in force.
    pub(crate) const fn is_hard_reset(&self) -> bool {
        self.code == code::CEASE && self.subcode == cease::HARD_RESET
    }

    /// The same as a Hard Reset, which ends the routes as well where RFC 8538 is in force.
    pub(crate) fn hard(&self) -> Self {
        let mut data = vec![self.code, self.subcode];
        data.extend_from_slice(&self.data);
        Self::new(code::CEASE, cease::HARD_RESET, data)
    }

    /// What a Hard Reset carries (RFC 8538 §3.1).
    pub fn reset_for(&self) -> Option<Self> {
        (self.code == code::CEASE && self.subcode == cease::HARD_RESET)
            .then(|| Self::parse(&self.data))
            .flatten()
    }

    /// The shutdown text of a Cease with subcode 2 or 4. Bytes that are not UTF-8 and control
    /// characters are replaced; `None` when there is none or its length does not fit.
    pub fn shutdown_text(&self) -> Option<String> {
        if let Some(inner) = self.reset_for() {
            return inner.own_text();
        }
        self.own_text()
    }

    fn own_text(&self) -> Option<String> {
        if self.code != code::CEASE || !matches!(self.subcode, cease::SHUTDOWN | cease::RESET) {
            return None;
        }
        let (len, text) = self.data.split_first()?;
        let text = text.get(..usize::from(*len)).filter(|t| !t.is_empty())?;
        let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        Some(String::from_utf8_lossy(text).chars().map(clean).collect())
    }

    /// From a message body. `None` when it is shorter than code and subcode.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let (head, data) = body.split_first_chunk::<2>()?;
        Some(Self::new(head[0], head[1], data.to_vec()))
    }

    /// As a whole message.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = vec![self.code, self.subcode];
        body.extend_from_slice(&self.data);
        body.truncate(MESSAGE_MAX - frame::LEN);
        frame::message(Kind::Notification, &body)
    }
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match (self.code, self.subcode) {
            (code::HEADER, header::NOT_SYNCHRONIZED) => "connection not synchronized",
            (code::HEADER, header::BAD_LENGTH) => "bad message length",
            (code::HEADER, header::BAD_TYPE) => "bad message type",
            (code::HEADER, _) => "message header error",
            (code::OPEN, open::VERSION) => "unsupported version number",
            (code::OPEN, open::PEER_AS) => "bad peer AS",
            (code::OPEN, open::IDENTIFIER) => "bad BGP identifier",
            (code::OPEN, open::PARAMETER) => "unsupported optional parameter",
            (code::OPEN, open::HOLD_TIME) => "unacceptable hold time",
            (code::OPEN, open::CAPABILITY) => "unsupported capability",
            (code::OPEN, open::ROLE) => "role mismatch",
            (code::OPEN, _) => "OPEN message error",
            (code::UPDATE, update::ATTRIBUTE_LIST) => "malformed attribute list",
            (code::UPDATE, update::OPTIONAL_ATTRIBUTE) => "optional attribute error",
            (code::UPDATE, update::NETWORK_FIELD) => "invalid network field",
            (code::UPDATE, _) => "UPDATE message error",
            (code::HOLD_TIMER, _) => "hold timer expired",
            (code::FSM, fsm::OPEN_SENT) => "unexpected message in OpenSent",
            (code::FSM, fsm::OPEN_CONFIRM) => "unexpected message in OpenConfirm",
            (code::FSM, fsm::ESTABLISHED) => "unexpected message in Established",
            (code::FSM, _) => "finite state machine error",
            (code::CEASE, cease::PREFIXES) => "maximum number of prefixes reached",
            (code::CEASE, cease::SHUTDOWN) => "administrative shutdown",
            (code::CEASE, cease::DECONFIGURED) => "peer de-configured",
            (code::CEASE, cease::RESET) => "administrative reset",
            (code::CEASE, cease::REJECTED) => "connection rejected",
            (code::CEASE, cease::CONFIGURATION) => "other configuration change",
            (code::CEASE, cease::COLLISION) => "connection collision resolution",
            (code::CEASE, cease::RESOURCES) => "out of resources",
            (code::CEASE, cease::HARD_RESET) => "hard reset",
            (code::CEASE, cease::BFD_DOWN) => "BFD down",
            (code::CEASE, _) => "cease",
            (code::ROUTE_REFRESH, _) => "ROUTE-REFRESH message error",
            (code::SEND_HOLD_TIMER, _) => "send hold timer expired",
            _ => "unknown error",
        };
        write!(f, "{name} ({}/{})", self.code, self.subcode)?;
        match self.shutdown_text() {
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9003_text_comes_back_and_is_cut_between_characters() {
        let text = "maintenance until 04:00";
        assert_eq!(
            Notification::shutdown(text).shutdown_text().as_deref(),
            Some(text)
        );
        let long = "ü".repeat(200);
        let cut = Notification::shutdown(&long);
        assert_eq!(cut.data.len(), 255);
        assert_eq!(cut.shutdown_text(), Some("ü".repeat(127)));
    }

    #[test]
    fn rfc8538_3_1_a_hard_reset_carries_the_reason_and_its_text() {
        let hard = Notification::shutdown("bye").hard();
        assert_eq!((hard.code, hard.subcode), (6, 9));
        assert_eq!(hard.reset_for(), Some(Notification::shutdown("bye")));
        assert_eq!(hard.shutdown_text().as_deref(), Some("bye"));
        assert_eq!(Notification::cease(cease::HARD_RESET).reset_for(), None);
        let nested = Notification::shutdown("bye").hard().hard();
        assert_eq!(nested.shutdown_text(), None, "one level only");
    }

    #[test]
    fn a_text_with_a_wrong_length_or_wild_bytes_does_no_harm() {
        let with = |data: &[u8]| Notification::new(6, 2, data.to_vec()).shutdown_text();
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[0]), None);
        assert_eq!(with(&[5, b'a']), None);
        assert_eq!(with(&[2, 0xff, b'\n']), Some("\u{fffd}\u{fffd}".into()));
    }

    #[test]
    fn every_truncation_is_refused_or_read() {
        let bytes = Notification::shutdown("bye").encode();
        for cut in frame::LEN..bytes.len() {
            let parsed = Notification::parse(&bytes[frame::LEN..cut]);
            assert_eq!(parsed.is_some(), cut >= frame::LEN + 2);
        }
    }
}
