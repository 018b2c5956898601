//! UPDATE messages as they arrive: what they withdraw, what they announce, and the limits.

use core::net::{IpAddr, Ipv4Addr};

use inet::{Instant, Net};
use smallvec::SmallVec;

use super::Speaker;
use super::aggregates::AGGREGATE_PATH;
use super::import::Told;
use crate::interner::AttrId;
use crate::output::{Event, Output};
use crate::rib::{PrefixId, SourceId};
use crate::settings::NeighborId;
use crate::wire::attributes::Session as Checks;
use crate::wire::notification::Notification;
use crate::wire::update::Update;

impl Speaker {
    /// What the checks of an UPDATE need to know of its session.
    fn checks(&self, id: NeighborId) -> Checks {
        let peer = &self.peers[id.index()];
        let external = peer.settings.remote_as != self.settings.local_as;
        Checks {
            external,
            four_octet: peer.agreed.four_octet,
            first_as: (external && peer.settings.enforce_first_as)
                .then_some(peer.settings.remote_as),
            local_address: peer.settings.next_hop_v4().unwrap_or(Ipv4Addr::UNSPECIFIED),
            local_address_v6: match peer.settings.local_address {
                IpAddr::V6(address) => Some(address),
                IpAddr::V4(_) => peer.settings.local_address_v6,
            },
            add_path: peer.agreed.add_path_in,
            extended_next_hop: peer.agreed.extended_next_hop,
            inside: false,
        }
    }

    /// Takes an UPDATE; the error is the NOTIFICATION that ends the session.
    pub(super) fn update(
        &mut self,
        now: Instant,
        id: NeighborId,
        body: &[u8],
        out: &mut Vec<Output>,
    ) -> Result<(), Notification> {
        let checks = self.checks(id);
        let update = Update::parse(body, &checks)?;
        if let Some(fault) = update.fault() {
            self.peers[id.index()].counters.faults += 1;
            out.push(Output::Event(Event::Fault {
                neighbor: id,
                fault,
            }));
        }
        if let Some(family) = update.end_of_rib() {
            self.end_of_rib(id, family, out);
            return Ok(());
        }
        let source = SourceId::of(id);
        let withdrawn = update.withdrawn().filter(|(_, path)| is_theirs(*path));
        for (net, path) in withdrawn {
            self.forget(source, net, path);
        }
        let reach = update.attributes().reach;
        let in_reach = reach.map(|reach| reach.prefixes).unwrap_or_default();
        if update.treat_as_withdraw() {
            let announced = update.announced().chain(in_reach);
            for (net, path) in announced.filter(|(_, path)| is_theirs(*path)) {
                self.forget(source, net, path);
            }
            return Ok(());
        }
        let announced = (update.announced().count() + in_reach.count()) as u64;
        if announced == 0 {
            return Ok(());
        }
        if !self.peers[id.index()].counts(now, announced) {
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
            self.learn(id, received, update.announced());
        }
        if let Some(reach) = reach {
            let block = update.attributes().attributes(reach.next_hop).encode(true);
            let received = self.interner.intern(&block);
            self.learn(id, received, reach.prefixes);
        }
        self.warn_of_limit(id, out);
        if self.peers[id.index()].within_limit() {
            Ok(())
        } else {
            Err(self.over_limit(id))
        }
    }

    /// Takes routes with one attribute set, whose reference it uses up.
    fn learn(
        &mut self,
        id: NeighborId,
        received: AttrId,
        prefixes: impl Iterator<Item = (Net, u32)>,
    ) {
        let peer = &self.peers[id.index()];
        let epochs = peer.epochs;
        let keeps_v6 = peer.agreed.ipv6 && peer.settings.accept_ipv6;
        let keeps = [peer.agreed.ipv4, keeps_v6];
        let mut importer = self.importer(id, received);
        let mut nets: SmallVec<[Net; 32]> = SmallVec::new();
        let mut paths: SmallVec<[u32; 32]> = SmallVec::new();
        for (net, path) in
            prefixes.filter(|(net, path)| keeps[usize::from(net.is_v6())] && is_theirs(*path))
        {
            nets.push(net);
            paths.push(path);
        }
        let mut places: SmallVec<[PrefixId; 32]> = SmallVec::new();
        self.rib.add_all(&nets, &mut places);
        for ((place, net), path) in places.into_iter().zip(nets).zip(paths) {
            let taken = self.import(net, &mut importer);
            self.interner.retain(received);
            let told = Told {
                source: SourceId::of(id),
                path,
                received,
                taken,
                epoch: epochs[usize::from(net.is_v6())],
            };
            self.take(place, net, told, importer.into);
        }
        self.interner.release(received);
    }
}

/// Whether a path identifier is one that a neighbour can use: the last one marks our own aggregates
/// of its routes, and what comes with it is passed over.
const fn is_theirs(path: u32) -> bool {
    path != AGGREGATE_PATH
}
