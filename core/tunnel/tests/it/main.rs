//! Endpoints through their public interface, joined by a wire that a test can cut, delay and disturb.

mod crossing;
mod extension;
mod flood;
mod halves;
mod handshake;
mod hostile;
mod moving;
mod net;
mod packets;
mod scale;
mod timers;
mod wireguard;
