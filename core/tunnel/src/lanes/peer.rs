//! A peer as a shard knows it: where its packets go, its keys, what waits for keys, and the activity not yet reported.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::Duration;

use inet::Instant;

use super::pair::Pair;
use crate::change::Activity;
use crate::{Notice, PeerId};

/// One peer.
pub(super) struct Remote {
    pub(super) endpoint: Option<SocketAddrV4>,
    /// Whether what comes from elsewhere moves the endpoint there.
    pub(super) roams: bool,
    /// The lane it has as long as nothing else is agreed, unless it may have several.
    pub(super) plain_lane: Option<u8>,
    /// Few: in use, before it, not yet confirmed.
    pub(super) pairs: Vec<Pair>,
    /// The index of the keys to send with.
    pub(super) sending: Option<u32>,
    pub(super) held: VecDeque<Vec<u8>>,
    pub(super) activity: Activity,
    last_report: Option<Instant>,
    /// Whether it stands in the list of late reports.
    is_late: bool,
}

/// What is to be reported: at once after a while of quiet, and then not again before [`Reports::spacing`] has passed.
pub(super) struct Reports {
    pub(super) notices: Vec<Notice>,
    pub(super) spacing: Duration,
    /// Peers with something unreported, and when it is due; in that order.
    pub(super) late: VecDeque<(Instant, PeerId)>,
}

impl Remote {
    pub(super) fn new(
        id: PeerId,
        (endpoint, roams): (Option<SocketAddrV4>, bool),
        plain_lane: Option<u8>,
    ) -> Self {
        Self {
            endpoint,
            roams,
            plain_lane,
            pairs: Vec::new(),
            sending: None,
            held: VecDeque::new(),
            activity: Activity::new(id),
            last_report: None,
            is_late: false,
        }
    }

    /// The keys to send with, unless they are too old.
    pub(super) fn usable(&mut self, now: Instant) -> Option<&mut Pair> {
        let index = self.sending?;
        self.pairs
            .iter_mut()
            .find(|pair| pair.local_index == index)
            .filter(|pair| pair.is_young(now))
    }

    /// Reports what has gathered, now or soon.
    pub(super) fn settle(&mut self, now: Instant, is_urgent: bool, reports: &mut Reports) {
        let is_due = self
            .last_report
            .is_none_or(|last| now.since(last) >= reports.spacing);
        if is_urgent || is_due && !self.is_late {
            self.report(now, reports);
        } else if !self.is_late {
            self.is_late = true;
            reports
                .late
                .push_back((now + reports.spacing, self.activity.peer));
        }
    }

    /// Reports what was put off, if a report in between has not done so.
    pub(super) fn settle_late(&mut self, now: Instant, reports: &mut Reports) {
        self.is_late = false;
        if self.activity != Activity::new(self.activity.peer) {
            self.report(now, reports);
        }
    }

    fn report(&mut self, now: Instant, reports: &mut Reports) {
        self.last_report = Some(now);
        let anew = Activity::new(self.activity.peer);
        let activity = core::mem::replace(&mut self.activity, anew);
        reports.notices.push(Notice::Activity(activity));
    }

    /// Drops what was held.
    pub(super) fn drop_held(&mut self) {
        self.activity.counters.queue_drops += self.held.len() as u64;
        self.held.clear();
    }
}
