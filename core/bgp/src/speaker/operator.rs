//! What the operator changes while the speaker runs: neighbours and their settings, up, down,
//! reset.

use core::time::Duration;

use inet::Instant;

use super::Speaker;
use crate::output::{Ended, Output};
use crate::peer::Peer;
use crate::settings::{
    AsPathRule, ConnectMode, Group, MedRule, Neighbor, NeighborId, NextHopRule, Settings,
};
use crate::wire::notification::{Notification, cease};

impl Speaker {
    /// A further neighbour.
    pub(super) fn add(&mut self, now: Instant, neighbor: Neighbor) {
        let id = NeighborId(u32::try_from(self.peers.len()).expect("fewer than 2^32 neighbours"));
        self.addresses.insert(neighbor.address, id);
        self.peers.push(Peer::new(neighbor, now));
        self.set_origin(id);
        self.arm(id);
    }

    /// Deconfigures a neighbour.
    pub(super) fn remove(&mut self, now: Instant, id: NeighborId, out: &mut Vec<Output>) {
        self.down(now, id, &Notification::cease(cease::DECONFIGURED), out);
        let peer = &mut self.peers[id.index()];
        peer.removed = true;
        let address = peer.settings.address;
        if self.addresses.get(&address) == Some(&id) {
            self.addresses.remove(&address);
        }
    }

    /// Replaces a neighbour's settings.
    pub(super) fn set_neighbor(
        &mut self,
        now: Instant,
        id: NeighborId,
        neighbor: Neighbor,
        out: &mut Vec<Output>,
    ) {
        let peer = &mut self.peers[id.index()];
        if peer.removed {
            return;
        }
        let old = core::mem::replace(&mut peer.settings, neighbor);
        let new = &peer.settings;
        if old.address != new.address {
            if self.addresses.get(&old.address) == Some(&id) {
                self.addresses.remove(&old.address);
            }
            self.addresses.insert(new.address, id);
        }
        if session_settings(&old) != session_settings(new) {
            self.reset(now, id, cease::CONFIGURATION, out);
            return;
        }
        let peer = &self.peers[id.index()];
        if peer.enabled && peer.sessions.is_empty() && peer.start_at.is_none() {
            self.start(now, id, out);
        }
        self.set_origin(id);
        self.import_all_again(id);
        if old.group != self.peers[id.index()].settings.group {
            self.tell_again(id);
        }
        self.regroup_as_set(id, out);
        self.arm(id);
    }

    /// Puts an established neighbour where its settings belong.
    fn regroup_as_set(&mut self, id: NeighborId, out: &mut Vec<Output>) {
        if self.peers[id.index()].established().is_some() {
            let key = self.group_key(id);
            self.regroup(id, key, out);
        }
    }

    /// Replaces the settings of the speaker itself; neighbours have commands of their own. Another
    /// AS or router ID ends all sessions, everything else keeps them.
    pub(super) fn set_settings(
        &mut self,
        now: Instant,
        mut settings: Settings,
        out: &mut Vec<Output>,
    ) {
        settings.neighbors = Vec::new();
        let old = core::mem::replace(&mut self.settings, settings);
        let new = &self.settings;
        let is_other = (old.local_as, old.router_id) != (new.local_as, new.router_id);
        let decides_otherwise = decision_settings(&old) != decision_settings(new);
        let reflects_otherwise = old.cluster() != new.cluster();
        let ranges = old.dynamic != new.dynamic;
        for id in (0..).map(NeighborId).take(self.peers.len()) {
            self.set_origin(id);
            let peer = &self.peers[id.index()];
            if is_other || ranges && peer.dynamic.is_some() {
                self.reset(now, id, cease::CONFIGURATION, out);
            } else if reflects_otherwise {
                self.import_all_again(id);
                self.tell_again(id);
            }
        }
        if decides_otherwise {
            self.decide_everything();
        }
    }

    /// Asks a neighbour, or everybody, to use other ways soon, or takes that back (RFC 8326).
    pub(super) fn drain(&mut self, neighbor: Option<NeighborId>, on: bool, out: &mut Vec<Output>) {
        for id in (0..).map(NeighborId).take(self.peers.len()) {
            if neighbor.is_none_or(|only| only == id) {
                self.peers[id.index()].graceful_shutdown = on;
                self.regroup_as_set(id, out);
            }
        }
    }

    /// Lets a session run and connects at once.
    pub(super) fn up(&mut self, now: Instant, id: NeighborId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        if peer.removed {
            return;
        }
        peer.enabled = true;
        peer.refreshed();
        if peer.sessions.is_empty() {
            self.start(now, id, out);
        }
        self.arm(id);
    }

    /// Ends all connections and stays down.
    pub(super) fn down(
        &mut self,
        now: Instant,
        id: NeighborId,
        reason: &Notification,
        out: &mut Vec<Output>,
    ) {
        self.end_all(now, id, reason, out);
        let peer = &mut self.peers[id.index()];
        peer.enabled = false;
        peer.start_at = None;
        self.arm(id);
    }

    /// Ends all connections and starts again.
    pub(super) fn reset(
        &mut self,
        now: Instant,
        id: NeighborId,
        subcode: u8,
        out: &mut Vec<Output>,
    ) {
        self.restart(now, id, &Notification::cease(subcode), out);
    }

    /// The same with any Cease.
    pub(super) fn restart(
        &mut self,
        now: Instant,
        id: NeighborId,
        reason: &Notification,
        out: &mut Vec<Output>,
    ) {
        self.end_all(now, id, reason, out);
        self.arm(id);
    }

    /// Liveness detection lost a neighbour that it watches (RFC 5882 §4.2, RFC 9384).
    pub(super) fn bfd_down(&mut self, now: Instant, id: NeighborId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        if peer.settings.bfd && !peer.removed {
            peer.bfd_down = true;
            self.restart(now, id, &Notification::cease(cease::BFD_DOWN), out);
            self.peers[id.index()].start_at = None;
            self.arm(id);
        }
    }

    /// Liveness detection has the neighbour again: no reason to wait.
    pub(super) fn bfd_up(&mut self, now: Instant, id: NeighborId, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        if core::mem::take(&mut peer.bfd_down) && peer.enabled {
            self.up(now, id, out);
        }
    }

    fn end_all(
        &mut self,
        now: Instant,
        id: NeighborId,
        reason: &Notification,
        out: &mut Vec<Output>,
    ) {
        let is_away = self.peers[id.index()].established().is_none();
        while let Some(session) = self.peers[id.index()].sessions.first() {
            let conn = session.conn;
            self.end(now, conn, Ended::Sent(reason.clone()), out);
        }
        if is_away || reason.is_final() {
            self.give_up(id, out);
        }
    }
}

/// What a session was agreed on with: a change ends it. What is left out here takes effect on the
/// session that runs.
fn session_settings(neighbor: &Neighbor) -> Neighbor {
    Neighbor {
        name: String::new(),
        group: Group(0),
        interior_cost: 0,
        prefix_limit: None,
        pace: None,
        import: None,
        export: None,
        next_hop: NextHopRule::Standard,
        local_address_v4: None,
        local_address_v6: None,
        route_reflector_client: false,
        as_override: false,
        own_as_allowed: 0,
        enforce_first_as: true,
        require_policy: true,
        graceful_shutdown: false,
        start_enabled: true,
        connect: ConnectMode::Both,
        connect_retry: Duration::ZERO,
        idle_hold: Duration::ZERO,
        delay_open: Duration::ZERO,
        send_hold_time: Duration::ZERO,
        bfd: false,
        ..neighbor.clone()
    }
}

/// What the decision depends on.
const fn decision_settings(settings: &Settings) -> (u8, AsPathRule, MedRule, bool) {
    (
        settings.multipath_max,
        settings.multipath_as_path,
        settings.med,
        settings.compare_origin,
    )
}
