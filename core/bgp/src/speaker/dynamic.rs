//! Neighbours that come from a range and go with their connection.

use core::net::{IpAddr, SocketAddr};

use inet::Instant;

use super::Speaker;
use crate::output::{Event, Output};
use crate::peer::Peer;
use crate::peer::stale::Stale;
use crate::session::open_as;
use crate::settings::{ConnectMode, Neighbor, NeighborId};
use crate::wire::open::Open;

impl Speaker {
    /// Makes a neighbour for somebody who connects from a range with room; `None` otherwise. The
    /// place of one that has gone is used again, so that floods do not make the speaker grow.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        out: &mut Vec<Output>,
    ) -> Option<NeighborId> {
        let address = remote.ip().to_canonical();
        if self.half_open.len() >= self.settings.half_open_max as usize {
            return None;
        }
        let range = self.range_of(address)?;
        let ranges = &self.settings.dynamic[range];
        let members = self.peers.iter();
        let members = members
            .filter(|peer| peer.dynamic == Some(range) && (!peer.removed || !peer.held.is_empty()));
        if members.count() >= ranges.limit as usize {
            return None;
        }
        let template = &ranges.template;
        let neighbor = Neighbor {
            name: format!("{} {address}", template.name),
            local_address: local.ip().to_canonical(),
            address,
            connect: ConnectMode::Passive,
            start_enabled: true,
            ..template.clone()
        };
        let mut peer = Peer::new(neighbor, now);
        peer.dynamic = Some(range);
        peer.start_at = None;
        let id = self.place(peer);
        self.addresses.insert(address, id);
        out.push(Output::Event(Event::Added { neighbor: id }));
        Some(id)
    }

    fn place(&mut self, peer: Peer) -> NeighborId {
        let free = |peer: &Peer| {
            peer.removed && peer.dynamic.is_some() && peer.held.is_empty() && peer.armed.is_none()
        };
        let place = self.peers.iter().position(free);
        let place = place.unwrap_or(self.peers.len());
        if place == self.peers.len() {
            self.peers.push(peer);
        } else {
            self.peers[place] = peer;
        }
        let id = NeighborId(u32::try_from(place).expect("fewer than 2^32 neighbours"));
        // What was to be done with the routes of the one before is not for this one.
        self.jobs.retain(|job| job.neighbor() != id);
        self.set_origin(id);
        id
    }

    fn range_of(&self, address: IpAddr) -> Option<usize> {
        let ranges = self.settings.dynamic.iter().enumerate();
        ranges
            .filter(|(_, range)| range.prefix.contains(address))
            .max_by_key(|(_, range)| range.prefix.len())
            .map(|(place, _)| place)
    }

    /// A neighbour from a range has the AS that its OPEN says, if the range allows it.
    pub(super) fn take_as(&mut self, id: NeighborId, open: &Open) {
        let peer = &mut self.peers[id.index()];
        let Some(range) = peer
            .dynamic
            .and_then(|range| self.settings.dynamic.get(range))
        else {
            return;
        };
        let asn = open_as(open, &peer.settings);
        if range.remote_as.contains(&asn) {
            peer.settings.remote_as = asn;
            self.set_origin(id);
        }
    }

    /// Forgets a neighbour from a range that has neither connection nor routes.
    pub(super) fn dismiss(&mut self, id: NeighborId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        let gone = peer.sessions.is_empty() && peer.stale == [Stale::None; 2];
        if peer.dynamic.is_none() || peer.removed || !gone {
            return;
        }
        peer.removed = true;
        peer.start_at = None;
        let address = peer.settings.address;
        if self.addresses.get(&address) == Some(&id) {
            self.addresses.remove(&address);
        }
        out.push(Output::Event(Event::Removed { neighbor: id }));
    }
}
