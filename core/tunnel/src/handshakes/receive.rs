//! Handshakes that come in: which peer they belong to, and the checks before anything expensive is computed.

use std::net::SocketAddrV4;

use inet::Instant;

use super::Handshakes;
use crate::wire::{initiation_noise, response_noise};
use crate::{Order, Output, PeerId, Suite};

impl Handshakes {
    /// Answers an initiation. MAC1 comes first, then load and cookie, and only then key agreement.
    pub(super) fn on_initiation(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        sender: u32,
        datagram: &[u8],
        out: &mut Vec<Order>,
    ) {
        if self.shared.suite != Suite::Null && !self.admits(now, from, sender, datagram, out) {
            return;
        }
        let shared = &mut self.shared;
        let Some(initiation) = shared
            .noise
            .read(&mut shared.entropy, initiation_noise(datagram))
        else {
            shared.counters.bad_handshake += 1;
            self.load.note_in_vain(now);
            return;
        };
        let Some(&id) = self.by_key.get(&initiation.from) else {
            shared.counters.bad_handshake += 1;
            self.load.note_in_vain(now);
            return;
        };
        let is_new = self.with(id, |remote, shared| {
            remote.on_initiation(now, from, sender, initiation, shared, out)
        });
        if is_new != Some(true) {
            self.load.note_in_vain(now);
        }
    }

    /// Whether an initiation is worth computing; under load its sender gets a cookie first.
    fn admits(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        sender: u32,
        datagram: &[u8],
        out: &mut Vec<Order>,
    ) -> bool {
        if !self.check.mac1_fits(datagram) {
            self.shared.counters.bad_mac1 += 1;
            return false;
        }
        if !self.load.is_heavy(now) {
            return true;
        }
        if !self.check.mac2_fits(now, from, datagram) {
            let entropy = &mut self.shared.entropy;
            let bytes = self.check.reply(now, entropy, from, sender, datagram);
            self.shared.counters.cookies_sent += 1;
            out.push(Order::Output(Output::Datagram { to: from, bytes }));
            return false;
        }
        let admits = self.load.admits(now, *from.ip());
        self.shared.counters.rate_limited += u64::from(!admits);
        admits
    }

    /// Takes a response. Nothing is computed for an index that waits for none, so load does not matter here.
    pub(super) fn on_response(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        indices: (u32, u32),
        datagram: &[u8],
        out: &mut Vec<Order>,
    ) {
        let Some(id) = self.waiting_for(indices.1) else {
            self.shared.counters.unknown_index += 1;
            return;
        };
        if self.shared.suite != Suite::Null && !self.check.mac1_fits(datagram) {
            self.shared.counters.bad_mac1 += 1;
            return;
        }
        let noise = response_noise(datagram);
        let done = self.with(id, |remote, shared| {
            remote.on_response(now, from, indices, noise, shared, out)
        });
        self.shared.counters.bad_handshake += u64::from(done == Some(false));
    }

    /// Keeps the cookie for the next initiation, which goes out when its timer says so.
    pub(super) fn on_cookie(&mut self, now: Instant, receiver: u32, datagram: &[u8]) {
        let Some(id) = self.shared.indices.find(receiver) else {
            self.shared.counters.unknown_index += 1;
            return;
        };
        let taken = self.with(id, |remote, _| remote.stamp.take_cookie(now, datagram));
        match taken {
            Some(true) => self.shared.counters.cookies_received += 1,
            Some(false) | None => self.shared.counters.bad_handshake += 1,
        }
    }

    fn waiting_for(&self, index: u32) -> Option<PeerId> {
        let id = self.shared.indices.find(index)?;
        self.remote(id)?.is_calling(index).then_some(id)
    }
}
