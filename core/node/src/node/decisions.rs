//! Which traffic was moved to other paths of late, and why: the last [`MOVES_KEPT`] moves of a node.

use path::{Cause, Move, PathId};

use super::{Node, index};
use crate::id::{ClassId, LinkId};
use crate::output::{Event, Output};
use crate::view::MoveView;

/// Moves that are remembered; the oldest makes room.
const MOVES_KEPT: usize = 256;

impl Node {
    /// The last moves of traffic between the paths to a neighbour, oldest first.
    pub fn moves(&self) -> impl ExactSizeIterator<Item = &MoveView> {
        self.moves.iter()
    }

    /// What a path is called among those to its neighbour: by the underlay of the site's end, or by the other side's locator.
    pub fn path_name(&self, path: PathId) -> &str {
        let settings = &self.settings.paths[index(path)];
        match settings.underlay.as_str() {
            "" => &settings.remote,
            underlay => underlay,
        }
    }

    /// Tells of a move of a class, or of what is of no class, and remembers it.
    pub(super) fn tell_move(
        &mut self,
        link: LinkId,
        class: Option<ClassId>,
        moved: Move,
        out: &mut Vec<Output>,
    ) {
        let names = |paths: &[PathId]| {
            let paths = paths.iter();
            paths.map(|path| self.path_name(*path).to_owned()).collect()
        };
        let class = class.map(|class| &self.settings.classes[class.index()]);
        let view = MoveView {
            at: moved.at,
            neighbor: self.settings.links[link.index()].neighbor.clone(),
            class: class.map(|class| class.name.clone()),
            from: names(&moved.from),
            to: names(&moved.to),
            path: self.path_name(moved.cause.path()).to_owned(),
            cause: moved.cause,
            hold: class.map_or(path::HOLD_MIN, |class| class.paths.hold),
            dead_after: self.settings.probe_dead_after,
        };
        if self.moves.len() >= MOVES_KEPT {
            self.moves.pop_front();
        }
        self.moves.push_back(view.clone());
        out.push(Output::Event(Event::Moved(view)));
    }

    /// Traffic of no class takes the usable paths of a link: tells when they are others than were published.
    pub(super) fn tell_usable(
        &mut self,
        now: inet::Instant,
        link: LinkId,
        cause: Cause,
        out: &mut Vec<Output>,
    ) {
        let to: Vec<PathId> = self.links[link.index()].paths.usable().collect();
        let from = self.tables.link(link).usable.clone();
        if from != to {
            let moved = Move {
                at: now,
                from,
                to,
                cause,
            };
            self.tell_move(link, None, moved, out);
        }
    }
}
