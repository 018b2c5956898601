//! More prefixes than a Route Server handles: with [`OverTotal::Drop`] the session that brought one
//! too many ends. With [`OverTotal::Refuse`] the speaker takes no new prefix; see `policy`.

use bgp::{ConnId, NeighborId};
use design::plan::OverTotal;
use inet::Instant;

use super::RouteServer;

impl RouteServer {
    /// Ends the session on which one too many came.
    pub(super) fn shed(&mut self, now: Instant, on: ConnId, said: &mut Vec<bgp::Output>) {
        let most = self.config.limits.routes_total as usize;
        let drops = self.config.choices.over_total == OverTotal::Drop && most != 0;
        if drops
            && self.prefixes() > most
            && let Some(id) = self.established_on(on)
        {
            self.sessions_shed += 1;
            let reset = bgp::Command::Reset(id);
            self.instance.order(now, reset, said);
        }
    }

    /// Sessions that ended because there were too many prefixes in all.
    pub const fn sessions_shed(&self) -> u64 {
        self.sessions_shed
    }

    fn established_on(&self, conn: ConnId) -> Option<NeighborId> {
        let mut neighbors = self.speaker().neighbors();
        let found = neighbors.find(|one| {
            let session = one.session.as_ref();
            session.is_some_and(|session| session.conn == conn)
        });
        found.map(|one| one.id)
    }
}
