//! Protection against loss in a node that forwards by itself, and how much parity there is in any node.

use design::plan::ProtectConfig;
use fec::{Message, Report, State};
use inet::Instant;
use inet::packet::Ipv4;
use path::PathId;

use super::Node;
use super::egress::Held;
use crate::id::ClassId;
use crate::output::{Event, Output};
use crate::plane::change::Kind;
use crate::plane::label::Label;
use crate::plane::protect::{Marking, Recovered};
use crate::timers::Part;
use crate::view::DropReason;

impl Node {
    /// Puts a packet with its label into the tunnel of its path, and what follows from that behind it.
    pub(super) fn put(&mut self, now: Instant, mut held: Held, out: &mut Vec<Output>) {
        self.copy(now, &mut held, out);
        let Held {
            path,
            class,
            mut bytes,
            marking,
            ..
        } = held;
        let way = (path, class);
        let mut marker = self.senders.marker(now, &self.tables, way, marking);
        let label = marker.label(&bytes);
        marking.count(1, &mut self.counters);
        label.extend(&mut bytes);
        self.seal(now, path, &bytes, out);
        if marking == Marking::Fresh && label.mark.is_some() {
            self.send_sums(now, way, out);
        }
    }

    /// Where a class asks for it, sends a copy by another path.
    fn copy(&mut self, now: Instant, held: &mut Held, out: &mut Vec<Output>) {
        let protection = self.tables.protection(held.path, held.class);
        let (Some(class), ProtectConfig::Duplicate) = (held.class, protection) else {
            return;
        };
        if held.marking != Marking::Fresh {
            return;
        }
        held.marking = self
            .senders
            .reserve(now, (self.link_of(held.path), class), 1);
        let flow = Ipv4::parse(&held.bytes).map(|view| view.flow());
        let hash = flow.map_or(0, |flow| flow.hash(self.tables.facts.flow_seed));
        let second = self.tables.second(held.path, class, hash);
        let fits = |path: &PathId| held.bytes.len() <= self.tables.mtu(*path);
        if let Some(second) = second.filter(fits) {
            let way = (second, Some(class));
            let copy = Held::new(way, held.bytes.clone(), held.marking.second());
            self.hold(now, copy, out);
        }
    }

    /// Sends the sums that follow packets which were marked.
    fn send_sums(
        &mut self,
        now: Instant,
        (path, class): (PathId, Option<ClassId>),
        out: &mut Vec<Output>,
    ) {
        for packet in self.senders.settle(&self.tables, path, class) {
            let sum = Held::new((path, class), packet, Marking::Bare);
            self.hold(now, sum, out);
        }
        self.timers.set(Part::Protect, self.senders.wake());
    }

    /// Closes blocks that were open for long enough.
    pub(super) fn close_blocks(&mut self, now: Instant, out: &mut Vec<Output>) {
        while let Some((path, class)) = self.senders.close(now) {
            self.send_sums(now, (path, Some(class)), out);
        }
    }

    /// Whether a packet that came out of a tunnel goes on: it did not come before.
    pub(super) fn accept(
        &mut self,
        now: Instant,
        (path, label): (PathId, Label),
        view: &Ipv4<'_>,
    ) -> bool {
        let (Some(class), Some(mark)) = (label.class, label.mark) else {
            return true;
        };
        let came = (path, class, mark);
        let is_new = self.receivers.accept(now, &self.tables, came, view.bytes());
        self.counters.duplicates += u64::from(!is_new);
        is_new
    }

    /// A sum over packets, or a report about them.
    pub(super) fn on_protection(
        &mut self,
        now: Instant,
        path: PathId,
        view: &Ipv4<'_>,
        out: &mut Vec<Output>,
    ) {
        match self.tables.protection_message(path, view) {
            Some(Message::Parity {
                class,
                stream,
                parity,
            }) => self.receivers.on_parity(now, path, (class, stream), parity),
            Some(Message::Report {
                class,
                stream,
                report,
            }) => {
                let way = (path, ClassId(u16::from(class)));
                self.on_protection_report(now, way, (stream, report), out);
            }
            None => self.counters.drop(DropReason::StrayProbe),
        }
    }

    /// Lets packets go on that were brought back, and tells the senders what came.
    pub(super) fn bring_back(&mut self, now: Instant, out: &mut Vec<Output>) {
        while let Some(Recovered {
            path,
            class,
            packet,
        }) = self.receivers.recovered()
        {
            self.counters.recovered += 1;
            let reason = match Ipv4::parse(&packet) {
                Ok(_) if self.tables.is_own_packet(&packet) => DropReason::StrayProbe,
                Ok(view) => {
                    self.pass_in(now, path, &view, Label::of(Some(class)), out);
                    continue;
                }
                Err(_) => DropReason::Malformed,
            };
            self.counters.drop(reason);
        }
        while let Some((path, report)) = self.receivers.report() {
            self.seal(now, path, &report, out);
        }
    }

    /// What the other side of a path says came of a stream of a class.
    pub(crate) fn on_protection_report(
        &mut self,
        now: Instant,
        (path, class): (PathId, ClassId),
        (stream, report): (u8, Report),
        out: &mut Vec<Output>,
    ) {
        if self.tables.protection(path, Some(class)) != ProtectConfig::Fec {
            self.counters.drop(DropReason::StrayProbe);
            return;
        }
        let regulator = self.regulators.entry((path, class)).or_default();
        if !regulator.on_report(now, stream, report) {
            return;
        }
        let level = regulator.level();
        out.push(Output::Event(Event::Parity {
            path,
            class,
            lost_ppm: regulator.loss_ppm(),
            made_for_ppm: level.loss_ppm(),
            is_useless: matches!(regulator.state(), State::Useless { .. }),
        }));
        self.publish(Kind::Protect { path, class, level });
    }
}
