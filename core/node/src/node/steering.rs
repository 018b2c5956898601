//! Application classes: which one a packet belongs to, and which paths carry it.
//!
//! A packet is classified once, where it enters the overlay or is relayed, by the first class that
//! matches it; failing that by the first that matches its reverse, so that replies are carried as
//! requests are. Traffic of no class takes what [`path::Link`] says, as without any classes.

use core::time::Duration;

use inet::packet::Ipv4;
use inet::{FiveTuple, Instant};
use path::PathId;

use super::{Node, index};
use crate::id::{ClassId, LinkId};
use crate::output::{Event, Output};
use crate::view::DropReason;

/// How often the probes of a path are looked through for what classes ask of it.
const JUDGE_EVERY: Duration = Duration::from_millis(500);

impl Node {
    /// The class of a packet. The overlay's own, such as BGP between loopbacks, has none: no class
    /// may take a link down.
    pub(super) fn class_of(&self, packet: &Ipv4<'_>, flow: FiveTuple) -> Option<ClassId> {
        let is_own =
            |address| address == self.settings.loopback || self.loopbacks.contains_key(&address);
        if self.settings.classes.is_empty() || is_own(flow.source) && is_own(flow.destination) {
            return None;
        }
        self.classify(flow, packet.dscp())
    }

    /// The class of a flow with a code point.
    pub(super) fn classify(&self, flow: FiveTuple, dscp: u8) -> Option<ClassId> {
        let first = |flow: FiveTuple| {
            let mut classes = self.settings.classes.iter();
            classes.position(|class| class.contains(flow, dscp))
        };
        let place = first(flow).or_else(|| first(flow.reversed()))?;
        Some(ClassId(place as u16))
    }

    /// Which path to a neighbour takes a flow of a class.
    pub(super) fn path_in(
        &self,
        link: LinkId,
        flow: FiveTuple,
        class: Option<ClassId>,
    ) -> Result<PathId, DropReason> {
        let link = &self.links[link.index()];
        let hash = flow.hash(self.flow_seed);
        match class {
            Some(class) if link.paths.is_up() => link.classes[class.index()]
                .choose(hash)
                .ok_or(DropReason::NoPathForClass),
            _ => link.paths.choose(hash).ok_or(DropReason::LinkDown),
        }
    }

    /// Tells every class that a path came up or went down.
    pub(super) fn set_for_classes(
        &mut self,
        now: Instant,
        path: PathId,
        up: bool,
        out: &mut Vec<Output>,
    ) {
        let measured = self.paths[index(path)].prober.is_some();
        self.change_classes(path, out, |class| {
            class.set(now, path, up);
            if !measured {
                class.trust(path);
            }
        });
    }

    /// Tells every class what the probes of a path say, when it is time to.
    pub(super) fn judge(&mut self, now: Instant, path: PathId, out: &mut Vec<Output>) {
        let state = &mut self.paths[index(path)];
        let Some(prober) = state.prober.as_ref().filter(|prober| prober.is_up()) else {
            return;
        };
        if self.settings.classes.is_empty() || now.since(state.judged) < JUDGE_EVERY {
            return;
        }
        state.judged = now;
        let measured = prober.statistics(now);
        self.change_classes(path, out, |class| class.judge(now, path, &measured));
    }

    /// Changes all classes over the link of a path, and says which are carried differently now.
    fn change_classes(
        &mut self,
        path: PathId,
        out: &mut Vec<Output>,
        change: impl Fn(&mut path::ClassPaths),
    ) {
        let link = self.link_of(path);
        for (number, class) in self.links[link.index()].classes.iter_mut().enumerate() {
            let before: Vec<PathId> = class.carrying().collect();
            change(class);
            if !class.carrying().eq(before) {
                let class = ClassId(number as u16);
                out.push(Output::Event(Event::ClassMoved { link, class }));
            }
        }
    }
}
