//! Which paths carry application classes, by what probes measure.

use core::time::Duration;

use inet::Instant;
use path::PathId;

use super::{Node, index};
use crate::id::{ClassId, LinkId};
use crate::output::{Event, Output};
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
        let mut moved = false;
        for (number, class) in self.links[link.index()].classes.iter_mut().enumerate() {
            let before: Vec<PathId> = class.carrying().collect();
            change(class);
            if !class.carrying().eq(before) {
                let class = ClassId(number as u16);
                out.push(Output::Event(Event::ClassMoved { link, class }));
                moved = true;
            }
        }
        if moved {
            self.publish_link(link);
        }
    }

    /// Tells whoever forwards which paths of a link take packets now.
    pub(super) fn publish_link(&mut self, link: LinkId) {
        let state = &self.links[link.index()];
        let classes = state.classes.iter();
        let paths = LinkPaths {
            usable: state.paths.usable().collect(),
            classes: classes.map(|class| class.carrying().collect()).collect(),
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
