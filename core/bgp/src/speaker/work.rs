//! Long jobs in slices: routes of a neighbour that went or became stale, tables of new groups,
//! policies that changed, members that are behind. A slice takes about a millisecond and tells
//! [`Speaker::wake`] to come back, so that the shell serves its sockets between two of them.

use std::sync::Arc;

use super::Speaker;
use super::aggregates::AGGREGATE_PATH;
use super::telling::send;
use crate::bits::Bits;
use crate::export::{Encoder, UpdateGroup};
use crate::output::Output;
use crate::rib::{PrefixId, SourceId};
use crate::settings::NeighborId;
use crate::wire::capability::Family;
use crate::wire::refresh::{self, Subtype};
use crate::wire::update::end_of_rib;

/// Ages of routes are told apart up to 127.
const MARKS_MAX: u8 = 100;
/// Prefixes in a slice: at 100 to 200 ns for each, less than a millisecond.
const SLICE: usize = 4_096;
/// The most numbers of prefixes that are kept because members lag behind and must still hear that
/// they went. Beyond it those members are dropped.
pub(super) const DEAD_MAX: usize = 4_000_000;

/// What is to be done with the routes of a neighbour, prefix by prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chore {
    /// Take away those of an older epoch.
    Sweep,
    /// Make those of an older epoch long-lived (RFC 9494).
    LiveLong,
    /// Apply the import policy again.
    Import,
}

/// A chore and the prefixes that it has still to see.
#[derive(Debug)]
pub(crate) struct Job {
    neighbor: NeighborId,
    chore: Chore,
    /// Which families it is for: IPv4, IPv6.
    families: [bool; 2],
    /// By family: routes told before these epochs are stale to it. Later ones are not its own.
    epochs: [u8; 2],
    left: Bits,
}

impl Job {
    /// Whose routes it is about.
    pub(super) const fn neighbor(&self) -> NeighborId {
        self.neighbor
    }
}

/// What a member is sent once it has caught up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// RFC 4724 §2.
    EndOfRib {
        /// For the IPv6 routes.
        v6: bool,
    },
    /// RFC 7313 §4: EoRR.
    EndOfRefresh {
        /// For the IPv6 routes.
        v6: bool,
    },
}

const fn place(family: Family) -> usize {
    (family.afi == Family::IPV6_UNICAST.afi) as usize
}

/// One family among both.
pub(super) const fn only(family: Family) -> [bool; 2] {
    let v6 = place(family) == 1;
    [!v6, v6]
}

impl Speaker {
    /// Whether a slice is due.
    pub(super) fn has_work(&self) -> bool {
        if self.deferring() {
            return !self.jobs.is_empty();
        }
        let ready = |id: &NeighborId| {
            let peer = &self.peers[id.index()];
            !peer.blocked && peer.paced.until.is_none() && self.filled(peer.group)
        };
        !self.jobs.is_empty()
            || self
                .groups
                .iter()
                .flatten()
                .any(|group| !group.todo.is_empty())
            || self.lagging.iter().any(ready)
    }

    fn filled(&self, group: Option<usize>) -> bool {
        let group = group.and_then(|place| self.groups[place].as_ref());
        group.is_some_and(|group| group.todo.is_empty())
    }

    /// Does one slice of what is to be done.
    pub(super) fn work(&mut self, out: &mut Vec<Output>) {
        let mut budget = SLICE;
        while budget > 0 && self.has_work() {
            let before = budget;
            self.do_job(&mut budget, out);
            if !self.deferring() {
                self.fill_groups(&mut budget, out);
                self.serve_lagging(&mut budget, out);
            }
            if budget == before {
                break;
            }
        }
    }

    fn do_job(&mut self, budget: &mut usize, out: &mut Vec<Output>) {
        while let Some(mut job) = self.jobs.pop_front() {
            let mut from = 0;
            while *budget > 0
                && let Some(id) = job.left.next_from(from)
            {
                job.left.remove(id);
                from = id + 1;
                *budget = budget.saturating_sub(1);
                if id < self.rib.end() {
                    self.chore(&job, id);
                }
            }
            self.settle(out);
            if !job.left.is_empty() {
                self.jobs.push_front(job);
                return;
            }
        }
    }

    fn chore(&mut self, job: &Job, id: PrefixId) {
        if job.chore == Chore::Import {
            return self.import_again(job.neighbor, id);
        }
        let source = SourceId::of(job.neighbor);
        let mut at = 0;
        while let Some(route) = self.rib.entry(id).routes.get(at).copied() {
            let v6 = self.rib.entry(id).is_v6();
            let place = usize::from(v6);
            let age = job.epochs[place].wrapping_sub(route.epoch);
            let older = (1..=i8::MAX as u8).contains(&age);
            let stale = route.source == source && job.families[place] && older;
            if stale {
                match job.chore {
                    // An aggregate goes with its last contributor.
                    Chore::Sweep if route.path == AGGREGATE_PATH => {}
                    Chore::Sweep => self.drop_route(id, at),
                    Chore::LiveLong => self.live_long(id, at),
                    Chore::Import => {}
                }
            }
            // When something was done, the order may have changed.
            let same = self.rib.entry(id).routes.get(at) == Some(&route);
            at = if same { at + 1 } else { 0 };
        }
    }

    fn fill_groups(&mut self, budget: &mut usize, out: &mut Vec<Output>) {
        for place in 0..self.groups.len() {
            let Some(mut group) = self.groups[place].take() else {
                continue;
            };
            if *budget > 0 && !group.todo.is_empty() {
                let ids: Vec<PrefixId> = group.todo.iter().take(*budget).collect();
                *budget -= ids.len();
                for id in &ids {
                    group.todo.remove(*id);
                }
                let live: Vec<PrefixId> =
                    ids.into_iter().filter(|id| *id < self.rib.end()).collect();
                self.tell(&mut group, &live, out);
            }
            self.groups[place] = Some(group);
        }
    }

    /// Serves the members that are behind, each in its turn.
    fn serve_lagging(&mut self, budget: &mut usize, out: &mut Vec<Output>) {
        let members: Vec<NeighborId> = self
            .lagging
            .range(self.turn..)
            .chain(self.lagging.range(..self.turn))
            .copied()
            .collect();
        for id in members {
            let peer = &self.peers[id.index()];
            if *budget == 0 {
                self.turn = id;
                break;
            }
            if !peer.blocked && peer.paced.until.is_none() && self.filled(peer.group) {
                self.serve(id, budget, out);
            }
        }
        self.bury_dead();
    }

    fn serve(&mut self, id: NeighborId, budget: &mut usize, out: &mut Vec<Output>) {
        let peer = &mut self.peers[id.index()];
        if peer.pending.is_empty()
            && let Some(family) = peer.asked.iter().position(|asked| *asked)
        {
            peer.asked[family] = false;
            *budget = budget.saturating_sub((self.rib.end() as usize).max(1));
            self.resend(id, family == 1, out);
        }
        let peer = &mut self.peers[id.index()];
        let group = peer.group.and_then(|place| self.groups[place].as_ref());
        let (Some(group), Some(session)) = (
            group,
            peer.sessions
                .iter()
                .find(|s| s.phase == crate::session::Phase::Established),
        ) else {
            self.lagging.remove(&id);
            return;
        };
        let conn = session.conn;
        let room = peer.room(self.now);
        let (mut withdrawn, mut announced) = (Vec::new(), Vec::new());
        while *budget > 0 && !peer.pending.is_empty() && announced.len() < room {
            let Some(prefix) = peer.pending.next_from(peer.cursor) else {
                // All were told once; what came in behind the cursor is next.
                (peer.cursor, peer.fresh_from) = (0, PrefixId::MAX);
                continue;
            };
            *budget -= 1;
            peer.pending.remove(prefix);
            let fresh = prefix >= peer.fresh_from;
            peer.cursor = prefix + 1;
            if peer.fresh_from != PrefixId::MAX {
                peer.fresh_from = peer.cursor;
            }
            state(group, id, prefix, &mut announced);
            if !fresh {
                gone(group, peer, prefix, &announced, &mut withdrawn);
            }
        }
        peer.note_paced(self.now, &mut withdrawn, &announced);
        let encoder = Encoder {
            rib: &self.rib,
            interner: &self.interner,
            key: &group.key,
        };
        let full = announced.len() >= room;
        let (mut bytes, mut messages) = encoder.encode(withdrawn, announced);
        if peer.pending.is_empty() {
            messages += mark(&peer.markers, &mut bytes);
            peer.caught_up();
            if peer.asked == [false; 2] {
                self.lagging.remove(&id);
            }
        } else if full {
            peer.end_burst();
        }
        send(&mut peer.counters, conn, Arc::from(bytes), messages, out);
        self.arm(id);
    }

    /// A neighbour's routes of one family go, unless it tells them again: those told from now on
    /// stay.
    pub(super) fn purge_family(&mut self, id: NeighborId, family: Family) {
        self.mark_stale(id, family);
        self.sweep_stale(id, family);
    }

    /// From now on, what a neighbour told of a family is stale until it tells it again.
    /// What is stale already is on its way out, or is to be: every now and then it goes at once,
    /// so that no route gets so old that it looks young.
    pub(super) fn mark_stale(&mut self, id: NeighborId, family: Family) {
        let peer = &mut self.peers[id.index()];
        let marks = &mut peer.marks[place(family)];
        *marks += 1;
        if *marks == MARKS_MAX {
            *marks = 0;
            let job = Job {
                neighbor: id,
                chore: Chore::Sweep,
                families: only(family),
                epochs: peer.epochs,
                left: Bits::default(),
            };
            for prefix in peer.held.iter().collect::<Vec<_>>() {
                self.chore(&job, prefix);
            }
        }
        let epoch = &mut self.peers[id.index()].epochs[place(family)];
        *epoch = epoch.wrapping_add(1);
    }

    /// Takes away what is stale of a neighbour's routes of a family.
    pub(super) fn sweep_stale(&mut self, id: NeighborId, family: Family) {
        self.begin(id, Chore::Sweep, only(family));
    }

    /// Whether stale routes of a neighbour's family are still being taken away.
    pub(super) fn is_sweeping(&self, id: NeighborId, family: Family) -> bool {
        self.jobs.iter().any(|job| {
            job.neighbor == id && job.chore == Chore::Sweep && job.families[place(family)]
        })
    }

    /// Makes what is stale of a neighbour's routes of a family long-lived (RFC 9494 §4.3).
    pub(super) fn long_lived(&mut self, id: NeighborId, family: Family) {
        self.begin(id, Chore::LiveLong, only(family));
    }

    /// Applies the import policy again to everything a neighbour told.
    pub(super) fn import_all_again(&mut self, id: NeighborId) {
        self.begin(id, Chore::Import, [true; 2]);
    }

    fn begin(&mut self, neighbor: NeighborId, chore: Chore, families: [bool; 2]) {
        let epochs = self.peers[neighbor.index()].epochs;
        let left = self.peers[neighbor.index()].held.clone();
        if left.is_empty() {
            return;
        }
        // The same chore again begins again.
        self.jobs
            .retain(|job| (job.neighbor, job.chore, job.families) != (neighbor, chore, families));
        self.jobs.push_back(Job {
            neighbor,
            chore,
            families,
            epochs,
            left,
        });
        self.busy = true;
    }

    /// Looks again at what everybody is told of a neighbour's routes: its class changed.
    pub(super) fn tell_again(&mut self, id: NeighborId) {
        for group in self.groups.iter_mut().flatten() {
            group.todo.extend(&self.peers[id.index()].held);
        }
        self.busy = true;
    }

    /// End-of-RIB follows once the member was told everything.
    pub(super) fn end_of_rib_after(&mut self, id: NeighborId) {
        let wire = self.wire(id);
        let peer = &mut self.peers[id.index()];
        if peer.settings.graceful_restart.is_none() || self.deferred_until.is_some() {
            return;
        }
        for (v6, takes) in [(false, wire.ipv4), (true, wire.ipv6)] {
            if takes {
                peer.markers.push(Marker::EndOfRib { v6 });
            }
        }
        self.lagging.insert(id);
    }
}

/// What a member is told of a prefix now.
fn state(
    group: &UpdateGroup,
    member: NeighborId,
    prefix: PrefixId,
    announced: &mut Vec<crate::export::Told>,
) {
    let told = group.told(member, prefix);
    announced.extend(told.map(|(tag, attributes)| (attributes, prefix, tag)));
}

/// What a member may have been told of a prefix and is told no more.
fn gone(
    group: &UpdateGroup,
    peer: &mut crate::peer::Peer,
    prefix: PrefixId,
    announced: &[crate::export::Told],
    withdrawn: &mut Vec<(PrefixId, u16)>,
) {
    let now = |tag: u16| {
        let latest = announced.iter().rev();
        latest
            .take_while(|(_, id, _)| *id == prefix)
            .any(|(_, _, told)| *told == tag)
    };
    if !group.tells_paths() {
        if !now(0) {
            withdrawn.push((prefix, 0));
        }
        return;
    }
    let tags: Vec<u16> = peer
        .gone
        .range((prefix, 0)..=(prefix, u16::MAX))
        .map(|(_, tag)| *tag)
        .collect();
    for tag in tags {
        peer.gone.remove(&(prefix, tag));
        if !now(tag) {
            withdrawn.push((prefix, tag));
        }
    }
}

/// Appends the markers; gives how many messages they are.
fn mark(markers: &[Marker], bytes: &mut Vec<u8>) -> u64 {
    for marker in markers {
        match marker {
            Marker::EndOfRib { v6 } => end_of_rib(*v6, bytes),
            Marker::EndOfRefresh { v6 } => {
                bytes.extend_from_slice(&refresh::encode(family(*v6), Subtype::End));
            }
        }
    }
    markers.len() as u64
}

/// The family of a flag.
pub(super) const fn family(v6: bool) -> Family {
    if v6 {
        Family::IPV6_UNICAST
    } else {
        Family::IPV4_UNICAST
    }
}
