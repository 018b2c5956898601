//! Echoes: whether a peer's port is reached, without a word of the tunnel, which would move it there.

use std::net::SocketAddrV4;

use super::Handshakes;
use crate::wire::{ECHO_SIGNED, echo};
use crate::{Event, Order, Output, PeerId};

/// An echo that has been asked for.
pub(crate) struct Asked {
    pub(crate) peer: PeerId,
    pub(crate) of: SocketAddrV4,
    pub(crate) nonce: u64,
}

impl Handshakes {
    /// Asks for an echo. What was asked before is not waited for any longer.
    pub(super) fn ask_echo(&mut self, peer: PeerId, of: SocketAddrV4, out: &mut Vec<Order>) {
        let high = self.shared.entropy.take_u32();
        let nonce = u64::from(high) << 32 | u64::from(self.shared.entropy.take_u32());
        let Some(remote) = self.remote(peer) else {
            return;
        };
        let mut bytes = echo(false, nonce);
        remote.stamp.sign(ECHO_SIGNED, &mut bytes);
        self.echoes.retain(|asked| asked.peer != peer);
        self.echoes.push(Asked { peer, of, nonce });
        out.push(Order::Output(Output::Datagram { to: of, bytes }));
    }

    /// Somebody asks. Who knows our public key gets an answer of the same size.
    pub(super) fn on_echo_request(
        &mut self,
        from: SocketAddrV4,
        nonce: u64,
        datagram: &[u8],
        out: &mut Vec<Order>,
    ) {
        if !self.check.signature_fits(ECHO_SIGNED, datagram) {
            self.shared.counters.bad_mac1 += 1;
            return;
        }
        let mut bytes = echo(true, nonce);
        self.check.sign(ECHO_SIGNED, &mut bytes);
        out.push(Order::Output(Output::Datagram { to: from, bytes }));
    }

    /// An echo counts once, from where it was asked for.
    pub(super) fn on_echo_reply(
        &mut self,
        from: SocketAddrV4,
        nonce: u64,
        datagram: &[u8],
        out: &mut Vec<Order>,
    ) {
        let asked = |asked: &Asked| asked.nonce == nonce && asked.of == from;
        let Some(place) = self.echoes.iter().position(asked) else {
            self.shared.counters.unknown_index += 1;
            return;
        };
        let peer = self.echoes[place].peer;
        let fits = |stamp: &crate::mac::Stamp| stamp.signature_fits(ECHO_SIGNED, datagram);
        if !self.remote(peer).is_some_and(|remote| fits(&remote.stamp)) {
            self.shared.counters.bad_mac1 += 1;
            return;
        }
        self.echoes.swap_remove(place);
        out.push(Order::Output(Output::Event(Event::Echoed(peer))));
    }
}
