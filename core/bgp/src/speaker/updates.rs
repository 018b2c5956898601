//! UPDATE messages as they arrive: what they withdraw, what they announce, and the limits.

use inet::{Instant, Net};

use super::Speaker;
use super::import::Importer;
use crate::interner::AttrId;
use crate::output::{Event, Output};
use crate::settings::NeighborId;
use crate::wire::attributes::Session as Checks;
use crate::wire::notification::{Notification, cease, code};
use crate::wire::update::Update;

impl Speaker {
    /// Takes an UPDATE; the error is the NOTIFICATION that ends the session.
    pub(super) fn update(
        &mut self,
        now: Instant,
        id: NeighborId,
        body: &[u8],
        out: &mut Vec<Output>,
    ) -> Result<(), Notification> {
        let peer = &self.peers[id.index()];
        let external = peer.settings.remote_as != self.settings.local_as;
        let checks = Checks {
            external,
            four_octet: peer.settings.four_octet_as
                && peer
                    .established()
                    .and_then(|s| s.open.as_ref())
                    .is_some_and(|o| o.four_octet_as().is_some()),
            first_as: (external && peer.settings.enforce_first_as)
                .then_some(peer.settings.remote_as),
            local_address: peer
                .settings
                .next_hop_v4()
                .unwrap_or(core::net::Ipv4Addr::UNSPECIFIED),
        };
        let update = Update::parse(body, &checks)?;
        if let Some(fault) = update.fault() {
            self.peers[id.index()].counters.faults += 1;
            out.push(Output::Event(Event::Fault {
                neighbor: id,
                fault,
            }));
        }
        for net in update.withdrawn().map(Net::V4) {
            self.forget(Some(id), net);
        }
        let reach = update.attributes().reach;
        let in_reach = reach.map(|reach| reach.prefixes).unwrap_or_default();
        if update.treat_as_withdraw() {
            for net in update.announced().chain(in_reach).map(Net::V4) {
                self.forget(Some(id), net);
            }
            return Ok(());
        }
        let announced = (update.announced().count() + in_reach.count()) as u64;
        if announced > 0 && !self.peers[id.index()].counts(now, announced) {
            return Err(self.over_limit(id));
        }
        if !update.announced().is_empty() {
            let scan = update.attributes();
            let received = match scan.canonical() {
                Some(block) => self.interner.intern(block),
                None => self
                    .interner
                    .intern(&scan.attributes(scan.next_hop()).encode(true)),
            };
            self.learn(id, received, update.announced().map(Net::V4));
        }
        if let Some(reach) = reach {
            let block = update
                .attributes()
                .attributes(reach.next_hop.into())
                .encode(true);
            let received = self.interner.intern(&block);
            self.learn(id, received, reach.prefixes.map(Net::V4));
        }
        if self.peers[id.index()].within_limit() {
            Ok(())
        } else {
            Err(self.over_limit(id))
        }
    }

    /// RFC 4486 §4: the family and the limit.
    fn over_limit(&self, id: NeighborId) -> Notification {
        let limit = self.peers[id.index()]
            .settings
            .prefix_limit
            .map_or(u32::MAX, |limit| limit.max);
        let mut data = vec![0, 1, 1];
        data.extend_from_slice(&limit.to_be_bytes());
        Notification::new(code::CEASE, cease::PREFIXES, data)
    }

    /// Takes routes with one attribute set, whose reference it uses up.
    fn learn(&mut self, id: NeighborId, received: AttrId, prefixes: impl Iterator<Item = Net>) {
        let mut importer = Importer::default();
        for net in prefixes {
            let accepted = self.import(id, received, net, &mut importer);
            self.interner.retain(received);
            self.put(Some(id), net, received, accepted);
        }
        self.interner.release(received);
    }
}
