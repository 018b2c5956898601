//! A tunnel's datagrams over TLS, where a network lets no UDP through.
//!
//! The tunnel does not know about it: a connection is one more address that its datagrams can go to and come from
//! ([`Connection::address`]). They are not changed, so keys, replay window and identity are those of the tunnel, and a
//! session moves between UDP and TLS without a handshake. What TLS proves is nothing that anybody relies on.
//!
//! # The bytes
//!
//! Within TLS each datagram follows two octets with its length, the most significant first ([`frame`]). A length of zero is
//! a sign of life. Every octet string is a sequence of frames: there is nothing to refuse, and what is no datagram of
//! a tunnel comes to nothing there. Through a proxy the connection begins with HTTP CONNECT ([`connect`]).
//!
//! # Who decides
//!
//! The side that calls: its [`Caller`] begins a connection when a path that has somewhere to call has had no answer by
//! UDP for [`SILENCE`], goes on asking by UDP, and goes back after some answers in a row. The other side follows,
//! as a tunnel follows a peer whose address changes.
//!
//! ```text
//!        silence            connected              echoes              path stays up
//!   Udp ─────────▶ Calling ───────────▶ Tls ────────────────▶ Trial ─────────────────▶ Udp
//!    ▲                │                 │ ▲                     │
//!    └── answered, ◀──┘   disconnected, │ └───── path down ─────┘
//!        in vain    ◀───────────────────┘
//!                         silent
//! ```
//!
//! The side that is called keeps connections only while a tunnel uses them ([`Guests`]): strangers get some seconds
//! to prove by a tunnel's handshake that they are none.

#![warn(missing_docs)]

mod caller;
pub mod connect;
mod connection;
pub mod frame;
mod guests;

pub use caller::{Caller, Input, Output, SILENCE, Way};
pub use connection::Connection;
pub use guests::{GUESTS_MAX, Guests};
