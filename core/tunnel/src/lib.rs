//! One end of many encrypted tunnels: WireGuard on the wire, a plain value inside.
//!
//! An [`Endpoint`] belongs to a *locator*: one static key, one UDP port, many peers. It takes the
//! time, inner packets and outer datagrams, and answers with datagrams, events and the time at which
//! it wants to be woken. It knows no socket, no clock and no source of chance: the shell gives the
//! time with every call and one seed at the start, from which ephemeral keys, indices, cookies
//! and jitter are derived. The same seed and the same inputs give the same bytes.
//!
//! # What it speaks
//!
//! The WireGuard protocol as its paper defines it: `Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s` handshakes
//! of one round trip, TAI64N against replayed initiations, MAC1 and cookies against floods, a replay
//! window of 8192 counters, three key pairs so that rekeying loses nothing, roaming, and the timers of
//! §6 of the paper. Any standard WireGuard device is a peer.
//!
//! Between nodes of this project, and only with peers configured as [`Peer::extended`], the handshake also agrees upon
//! AES-256-GCM and up to sixteen lanes: `docs/wireguard-extension.md`.
//!
//! [`Suite::Null`] keeps the messages, sizes, indices and timers and leaves the cryptography out. It
//! is for simulations of thousands of nodes and protects nothing.
//!
//! # Where it differs from other implementations, all within the protocol
//!
//! * A peer with `initiate` is called at once and for ever, first after
//!   [`Peer::first_retry`], then doubling to five seconds. [`Input::Rehandshake`] calls again at once, for a node
//!   whose probes fail: a peer that restarted and lost its keys is back after one round trip.
//! * When both sides call at the same moment both handshakes finish, and both sides then send with
//!   the pair that the lower public key began. Others drop both and wait for a timer.
//!
//! # How to drive it
//!
//! [`Endpoint::seal`] takes a packet out, [`Endpoint::open`] takes a datagram in, [`Endpoint::handle`]
//! takes the rest. Whatever follows is in `out` when the call returns. After that,
//! [`Endpoint::wake`] says when to come back with [`Input::Wake`]; earlier, later and repeated
//! wake-ups are harmless.
//!
//! # How to drive its halves
//!
//! [`Endpoint::split`] gives [`Handshakes`], for the thread that decides, and one [`Lanes`] for each thread that forwards.
//! Lanes seal and open in the caller's buffer, allocate nothing for a packet, and hand handshakes back. An [`Order::Change`] goes
//! from the one to the other, a [`Notice`] back; each pair of them hears the other in order, and needs nothing else.

#![warn(missing_docs)]

mod change;
mod cipher;
mod endpoint;
mod entropy;
mod extension;
mod handshakes;
mod input;
mod key;
mod lanes;
mod load;
mod mac;
mod noise;
mod output;
mod peer;
mod replay;
mod session;
mod settings;
mod tai64n;
mod timers;
mod view;
mod wire;

pub use change::{Activity, Change, Notice, Order};
pub use cipher::Aead;
pub use endpoint::Endpoint;
pub use handshakes::Handshakes;
pub use input::Input;
pub use key::{KeyError, PrivateKey, PublicKey};
pub use lanes::{Lanes, Opened, Sealer, Unready, shard_of};
pub use output::{Event, Output};
pub use settings::{Peer, PeerId, Settings, Suite};
pub use view::{Counters, PeerCounters, PeerView, SessionState};
pub use wire::{DATA_HEADER, OVERHEAD, TAG};
