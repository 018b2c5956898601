//! What can be seen of an endpoint from outside: the state of each peer, and what was dropped and why.

use std::net::SocketAddrV4;
use std::time::Duration;

use inet::Instant;

use crate::{Aead, PeerId, PublicKey};

/// How far a tunnel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionState {
    /// No keys, and nobody is calling.
    Idle,
    /// Called, no answer yet, no usable keys.
    Handshaking,
    /// Packets can be sent.
    Established,
}

/// A peer as it is now.
#[derive(Clone, Copy, Debug)]
pub struct PeerView<'a> {
    /// Its place in the table.
    pub id: PeerId,
    /// Its key.
    pub public_key: &'a PublicKey,
    /// Where our packets to it go.
    pub endpoint: Option<SocketAddrV4>,
    /// How far the tunnel is.
    pub state: SessionState,
    /// Whether the last event was `SessionUp`.
    pub is_up: bool,
    /// When the last handshake finished.
    pub last_handshake: Option<Instant>,
    /// Age of the keys in use.
    pub key_age: Option<Duration>,
    /// What the keys in use seal with.
    pub aead: Option<Aead>,
    /// Lanes of the keys in use; 1 with plain WireGuard.
    pub lanes: Option<u8>,
    /// When something authentic last came from it.
    pub last_received: Option<Instant>,
    /// What went through the tunnel.
    pub counters: PeerCounters,
}

/// What went through one tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerCounters {
    /// Inner packets sent, keepalives not counted.
    pub tx_packets: u64,
    /// Octets of all datagrams sent.
    pub tx_bytes: u64,
    /// Inner packets received, keepalives not counted.
    pub rx_packets: u64,
    /// Octets of all authentic datagrams received.
    pub rx_bytes: u64,
    /// Initiations sent.
    pub handshakes_sent: u64,
    /// Handshakes finished.
    pub handshakes_done: u64,
    /// Packets dropped because the queue before the handshake was full or the handshake failed.
    pub queue_drops: u64,
}

impl PeerCounters {
    pub(crate) fn add(&mut self, more: &Self) {
        let Self {
            tx_packets,
            tx_bytes,
            rx_packets,
            rx_bytes,
            handshakes_sent,
            handshakes_done,
            queue_drops,
        } = more;
        self.tx_packets += tx_packets;
        self.tx_bytes += tx_bytes;
        self.rx_packets += rx_packets;
        self.rx_bytes += rx_bytes;
        self.handshakes_sent += handshakes_sent;
        self.handshakes_done += handshakes_done;
        self.queue_drops += queue_drops;
    }
}

/// Datagrams and packets that came to nothing, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Neither of the four message types, or of a length that the type cannot have.
    pub malformed: u64,
    /// MAC1 does not fit: the sender does not know our public key.
    pub bad_mac1: u64,
    /// Well-formed handshakes that do not decrypt, or whose key is no peer's.
    pub bad_handshake: u64,
    /// Initiations no newer than one already seen.
    pub replayed_handshake: u64,
    /// Initiations that came too fast from one peer or one address.
    pub rate_limited: u64,
    /// Initiations answered with a cookie because there were too many.
    pub cookies_sent: u64,
    /// Cookies taken for the next initiation.
    pub cookies_received: u64,
    /// Messages for an index we did not give out, or no longer know.
    pub unknown_index: u64,
    /// Packets that do not decrypt, or whose keys are too old.
    pub bad_packet: u64,
    /// Packets whose counter was used or lies before the window.
    pub replayed_packet: u64,
    /// Packets whose inside is no IP packet.
    pub bad_inner: u64,
    /// Packets for a peer that is not in the table, or that has neither keys nor address.
    pub unreachable: u64,
}

impl Counters {
    /// Every counter with its name in answers and metrics.
    pub const fn named(&self) -> [(&'static str, u64); 12] {
        [
            ("malformed", self.malformed),
            ("bad-mac1", self.bad_mac1),
            ("bad-handshake", self.bad_handshake),
            ("replayed-handshake", self.replayed_handshake),
            ("rate-limited", self.rate_limited),
            ("cookies-sent", self.cookies_sent),
            ("cookies-received", self.cookies_received),
            ("unknown-index", self.unknown_index),
            ("bad-packet", self.bad_packet),
            ("replayed-packet", self.replayed_packet),
            ("bad-inner", self.bad_inner),
            ("unreachable", self.unreachable),
        ]
    }

    /// Adds those of another part.
    pub fn add(&mut self, more: &Self) {
        let Self {
            malformed,
            bad_mac1,
            bad_handshake,
            replayed_handshake,
            rate_limited,
            cookies_sent,
            cookies_received,
            unknown_index,
            bad_packet,
            replayed_packet,
            bad_inner,
            unreachable,
        } = more;
        self.malformed += malformed;
        self.bad_mac1 += bad_mac1;
        self.bad_handshake += bad_handshake;
        self.replayed_handshake += replayed_handshake;
        self.rate_limited += rate_limited;
        self.cookies_sent += cookies_sent;
        self.cookies_received += cookies_received;
        self.unknown_index += unknown_index;
        self.bad_packet += bad_packet;
        self.replayed_packet += replayed_packet;
        self.bad_inner += bad_inner;
        self.unreachable += unreachable;
    }
}
