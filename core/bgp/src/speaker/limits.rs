//! Limits on what a neighbour may tell us: warnings, and the end of its session.

use super::Speaker;
use crate::output::{Event, Output};
use crate::settings::{NeighborId, PrefixLimit};
use crate::wire::notification::{Notification, code};

impl Speaker {
    /// The Cease for a neighbour beyond its limit, with the family and the limit (RFC 4486 §4).
    pub(super) fn over_limit(&mut self, id: NeighborId) -> Notification {
        let peer = &mut self.peers[id.index()];
        peer.exceeded = true;
        let limit = peer.settings.prefix_limit.unwrap_or(PrefixLimit::ALWAYS);
        let mut data = vec![0, 1, 1];
        data.extend_from_slice(&limit.max.to_be_bytes());
        Notification::new(code::CEASE, limit.subcode, data)
    }

    /// Says once in each session that a neighbour nears its limit.
    pub(super) fn warn_of_limit(&mut self, id: NeighborId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        if let Some(max) = peer.nears_limit() {
            let held = peer.routes;
            out.push(Output::Event(Event::PrefixLimit {
                neighbor: id,
                held,
                max,
            }));
        }
    }
}
