//! Which paths carry application classes, by what probes measure.

use core::time::Duration;

use inet::Instant;
use path::PathId;

use super::{Node, index};
use crate::id::{ClassId, LinkId};
use crate::output::Output;
use crate::plane::change::{Kind, LinkPaths};

/// How often the probes of a path are looked through for what classes ask of it.
const JUDGE_EVERY: Duration = Duration::from_millis(500);

impl Node {
    /// Tells every class that a path came up or went down.
    pub(super) fn set_for_classes(
        &mut self,
        now: Instant,
        path: PathId,
        up: bool,
        out: &mut Vec<Output>,
    ) {
        let measured = self.paths[index(path)].prober.is_some();
        self.change_classes(path, out, |class, _| class.set(now, path, up, measured));
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
        let shapes = 0..state.shapes.len() as u8;
        let measured: Vec<_> = shapes.map(|shape| prober.judged(now, shape)).collect();
        self.change_classes(path, out, |class, shape| {
            class.judge(now, path, &measured[usize::from(shape)])
        });
    }

    /// A path is carried over TLS from now on, or no longer: others are better.
    pub(super) fn set_degraded(
        &mut self,
        now: Instant,
        path: PathId,
        degraded: bool,
        out: &mut Vec<Output>,
    ) {
        self.change_classes(path, out, |class, _| {
            class.set_degraded(now, path, degraded)
        });
        let link = self.link_of(path);
        self.links[link.index()].paths.set_degraded(path, degraded);
        let cause = match degraded {
            true => path::Cause::Degraded(path),
            false => path::Cause::Up(path),
        };
        self.tell_usable(now, link, cause, out);
        self.publish_link(link);
    }

    /// Changes all classes over the link of a path, and says which are carried differently now.
    fn change_classes(
        &mut self,
        path: PathId,
        out: &mut Vec<Output>,
        change: impl Fn(&mut path::ClassPaths, u8) -> Option<&path::Move>,
    ) {
        let link = self.link_of(path);
        let state = &mut self.links[link.index()];
        let classes = state.classes.iter_mut().zip(&state.shapes).enumerate();
        let moves = classes.filter_map(|(number, (class, shape))| {
            let moved = change(class, *shape)?;
            Some((ClassId(number as u16), moved.clone()))
        });
        let moves: Vec<_> = moves.collect();
        let has_moved = !moves.is_empty();
        for (class, moved) in moves {
            self.tell_move(link, Some(class), moved, out);
        }
        if has_moved {
            self.publish_link(link);
        }
    }

    /// Tells whoever forwards which paths of a link take packets now.
    pub(super) fn publish_link(&mut self, link: LinkId) {
        let state = &self.links[link.index()];
        let classes = state.classes.iter();
        let paths = LinkPaths {
            usable: state.paths.usable().collect(),
            classes: classes.map(|class| class.carrying().to_vec()).collect(),
            up: state
                .paths
                .paths()
                .filter(|(.., up)| *up)
                .map(|(path, ..)| path)
                .collect(),
        };
        if *self.tables.link(link) != paths {
            self.publish(Kind::Link { link, paths });
        }
    }
}
