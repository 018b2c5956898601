//! Restarts: of a neighbour, whose routes are kept as stale ones for a while (RFC 4724 §4.2,
//! RFC 8538, RFC 9494), and of ourselves, who tell nothing before the neighbours have told us
//! everything (RFC 4724 §4.1). Enhanced route refresh (RFC 7313) has the same marks at its ends.

use core::time::Duration;

use inet::Instant;

use super::Speaker;
use super::work::DEAD_MAX;
use crate::output::{Ended, Event, Output};
use crate::peer::Peer;
use crate::peer::stale::Stale;
use crate::session::Negotiated;
use crate::settings::{Neighbor, NeighborId};
use crate::wire::capability::Family;
use crate::wire::refresh::Subtype;

const FAMILIES: [Family; 2] = [Family::IPV4_UNICAST, Family::IPV6_UNICAST];

/// How long a neighbour that began a refresh may take to its end (RFC 7313 §4 asks for a bound).
const REFRESH_TIME_MAX: Duration = Duration::from_secs(360);

impl Speaker {
    /// The session ended: its routes stay as stale ones where both sides agreed on that, and go
    /// otherwise.
    pub(super) fn part(
        &mut self,
        now: Instant,
        id: NeighborId,
        negotiated: Option<&Negotiated>,
        reason: &Ended,
    ) {
        let settings = &self.peers[id.index()].settings;
        let kept = negotiated.filter(|agreed| keeps(agreed, settings, reason));
        for (place, family) in FAMILIES.into_iter().enumerate() {
            let times = kept.and_then(|agreed| stale_times(agreed, family));
            let peer = &mut self.peers[id.index()];
            peer.long_lived[place] = times.map_or(Duration::ZERO, |(_, long)| long);
            let was_stale = peer.stale[place] != Stale::None;
            let Some((time, _)) = times else {
                peer.stale[place] = Stale::None;
                self.purge_family(id, family);
                continue;
            };
            peer.stale[place] = Stale::Away(now + time);
            if was_stale {
                // RFC 4724 §4.2: what is stale from an earlier restart goes now.
                self.sweep_stale(id, family);
            }
            self.mark_stale(id, family);
        }
    }

    /// A session stands: routes of families that the neighbour did not keep go, the others wait
    /// for its End-of-RIB.
    pub(super) fn rejoin(&mut self, now: Instant, id: NeighborId) {
        let peer = &self.peers[id.index()];
        let patience = peer.settings.graceful_restart.map(|ours| ours.stale_time);
        let forwards = FAMILIES.map(|family| peer.negotiated().is_some_and(|n| kept_by(n, family)));
        for (place, family) in FAMILIES.into_iter().enumerate() {
            let stale = self.peers[id.index()].stale[place];
            if !stale.is_away() {
                continue;
            }
            self.peers[id.index()].stale[place] = match patience {
                Some(patience) if forwards[place] => Stale::Returning(now + patience),
                _ => {
                    self.sweep_stale(id, family);
                    Stale::None
                }
            };
        }
        self.peers[id.index()].complete = [false; 2];
    }

    /// A neighbour has told all its routes of a family.
    pub(super) fn end_of_rib(&mut self, id: NeighborId, family: Family, out: &mut Vec<Output>) {
        let Some(place) = FAMILIES.iter().position(|known| *known == family) else {
            return;
        };
        let peer = &mut self.peers[id.index()];
        peer.complete[place] = true;
        if let Stale::Returning(_) = peer.stale[place] {
            peer.stale[place] = Stale::None;
            self.sweep_stale(id, family);
        }
        let v6 = place == 1;
        out.push(Output::Event(Event::EndOfRib { neighbor: id, v6 }));
        self.resume_if_complete(out);
    }

    /// A neighbour begins or ends telling its routes of a family again (RFC 7313 §4).
    pub(super) fn refreshed(
        &mut self,
        now: Instant,
        id: NeighborId,
        family: Family,
        said: Subtype,
    ) {
        let Some(place) = FAMILIES.iter().position(|known| *known == family) else {
            return;
        };
        let stale = self.peers[id.index()].stale[place];
        match (said, stale) {
            (Subtype::Begin, Stale::None) if !self.is_sweeping(id, family) => {
                self.mark_stale(id, family);
                self.peers[id.index()].stale[place] = Stale::Refreshing(now + REFRESH_TIME_MAX);
            }
            (Subtype::End, Stale::Refreshing(_)) => {
                self.peers[id.index()].stale[place] = Stale::None;
                self.sweep_stale(id, family);
            }
            // Before End-of-RIB there is nothing to refresh; a second beginning and an end
            // without a beginning say nothing new. While an earlier refresh is still swept up, a
            // neighbour cannot make that begin again.
            (Subtype::Begin | Subtype::End | Subtype::Request, _) => {}
        }
    }

    /// A neighbour that is away is not waited for any more: its routes go.
    pub(super) fn give_up(&mut self, id: NeighborId, out: &mut Vec<Output>) {
        for (place, family) in FAMILIES.into_iter().enumerate() {
            let stale = core::mem::take(&mut self.peers[id.index()].stale[place]);
            if stale != Stale::None {
                self.sweep_stale(id, family);
            }
        }
        self.dismiss(id, out);
    }

    /// Stale routes whose time is over: long-lived for a while, or gone.
    pub(super) fn stale_due(&mut self, now: Instant, id: NeighborId, out: &mut Vec<Output>) {
        for (place, family) in FAMILIES.into_iter().enumerate() {
            let peer = &mut self.peers[id.index()];
            let stale = peer.stale[place];
            if stale.until().is_none_or(|at| at > now) {
                continue;
            }
            let long = peer.long_lived[place];
            if matches!(stale, Stale::Away(_)) && !long.is_zero() {
                peer.stale[place] = Stale::LongLived(now + long);
                self.long_lived(id, family);
            } else {
                peer.stale[place] = Stale::None;
                self.sweep_stale(id, family);
                let v6 = place == 1;
                out.push(Output::Event(Event::StaleExpired { neighbor: id, v6 }));
            }
        }
        self.dismiss(id, out);
    }

    /// Whether we have restarted and wait for the neighbours' routes before we tell ours.
    pub(super) const fn deferring(&self) -> bool {
        self.deferred_until.is_some()
    }

    /// Tells everything if all neighbours that will say so have told theirs.
    pub(super) fn resume_if_complete(&mut self, out: &mut Vec<Output>) {
        let waits = |peer: &Peer| peer.enabled && !peer.removed && !peer.is_complete();
        if self.deferring() && !self.peers.iter().any(waits) {
            self.resume(out);
        }
    }

    /// Ends the wait when more prefixes changed than are kept until its end.
    pub(super) fn resume_if_full(&mut self, out: &mut Vec<Output>) {
        if self.dirty.len() > DEAD_MAX {
            self.resume(out);
        }
    }

    /// The wait after a restart of ours is over (RFC 4724 §4.1, Selection_Deferral_Timer).
    pub(super) fn resume(&mut self, out: &mut Vec<Output>) {
        if self.deferred_until.take().is_none() {
            return;
        }
        self.settle(out);
        for id in (0..).map(NeighborId).take(self.peers.len()) {
            if self.peers[id.index()].established().is_some() {
                self.end_of_rib_after(id);
            }
        }
        self.busy = true;
        out.push(Output::Event(Event::Resumed));
    }
}

impl Peer {
    /// Whether nothing more is to be awaited of it after a restart of ours: it has said End-of-RIB
    /// for all families, never will, or has restarted itself.
    fn is_complete(&self) -> bool {
        let Some(negotiated) = self.negotiated() else {
            return self.settings.graceful_restart.is_none();
        };
        let Some(theirs) = &negotiated.graceful_restart else {
            return true;
        };
        let told = |(place, spoken): (usize, bool)| !spoken || self.complete[place];
        let spoken = [negotiated.agreed.ipv4, negotiated.agreed.ipv6];
        theirs.restarted || spoken.into_iter().enumerate().all(told)
    }
}

/// Whether the end of a session leaves its routes (RFC 4724 §4.2, RFC 8538 §4).
fn keeps(negotiated: &Negotiated, settings: &Neighbor, reason: &Ended) -> bool {
    let survives = negotiated.survives_notifications(settings);
    match reason {
        Ended::Closed | Ended::Replaced => true,
        Ended::Sent(said) => survives && !said.is_final(),
        Ended::Received(said) => survives && !said.is_hard_reset(),
        Ended::Malformed | Ended::ConnectFailed => false,
    }
}

/// How long routes of a family are kept while the neighbour is away, and beyond that as long-lived
/// ones; `None` when they are not.
fn stale_times(negotiated: &Negotiated, family: Family) -> Option<(Duration, Duration)> {
    let theirs = negotiated.graceful_restart.as_ref()?;
    let listed = theirs.families.iter().any(|(listed, _)| *listed == family);
    let time = match listed {
        true => Duration::from_secs(u64::from(theirs.restart_time_s)),
        false => Duration::ZERO,
    };
    let long = negotiated.long_lived_time(family);
    (listed || !long.is_zero()).then_some((time, long))
}

/// Whether the neighbour kept the forwarding state of a family (F of RFC 4724 or RFC 9494).
fn kept_by(negotiated: &Negotiated, family: Family) -> bool {
    let graceful = negotiated.graceful_restart.iter();
    let graceful = graceful.flat_map(|offer| &offer.families).copied();
    let long_lived = negotiated.long_lived.iter();
    graceful
        .chain(long_lived.map(|one| (one.family, one.forwarding)))
        .any(|kept| kept == (family, true))
}
