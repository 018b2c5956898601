//! A link: the set of paths to one neighbour, and which of them a flow takes.

use inet::hash::mix;

/// A path's number, unique in its node. The caller chooses it; it is also the path's stable name in the flow hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(pub u32);

/// The paths to one neighbour.
#[derive(Clone, Debug, Default)]
pub struct Link {
    // INVARIANT: ordered by preference, then by identifier.
    paths: Vec<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    preference: u8,
    path: PathId,
    is_up: bool,
}

/// What a path's change means for its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// The first path came up: the neighbour can be reached.
    Up,
    /// The last path went down: the neighbour cannot be reached.
    Down,
    /// Other paths are used than before.
    Paths,
}

impl Link {
    /// A link over paths with their preferences, lowest first choice. All are down.
    pub fn new(paths: impl IntoIterator<Item = (PathId, u8)>) -> Self {
        let mut paths: Vec<Member> = paths
            .into_iter()
            .map(|(path, preference)| Member {
                preference,
                path,
                is_up: false,
            })
            .collect();
        paths.sort_unstable();
        Self { paths }
    }

    /// Takes note that a path is up or down. `None` when the flows go where they went before.
    pub fn set(&mut self, path: PathId, is_up: bool) -> Option<LinkChange> {
        let was_up = self.is_up();
        let before: Vec<PathId> = self.usable().collect();
        let member = self.paths.iter_mut().find(|member| member.path == path)?;
        member.is_up = is_up;
        match (was_up, self.is_up()) {
            (false, true) => Some(LinkChange::Up),
            (true, false) => Some(LinkChange::Down),
            _ => (!self.usable().eq(before)).then_some(LinkChange::Paths),
        }
    }

    /// Whether the neighbour can be reached by any path.
    pub fn is_up(&self) -> bool {
        self.paths.iter().any(|member| member.is_up)
    }

    /// The paths that flows are shared over: those of the lowest preference among the ones that are up.
    pub fn usable(&self) -> impl Iterator<Item = PathId> + Clone {
        let best = self
            .paths
            .iter()
            .find(|member| member.is_up)
            .map(|member| member.preference);
        self.paths
            .iter()
            .filter(move |member| member.is_up && Some(member.preference) == best)
            .map(|member| member.path)
    }

    /// The path that a flow with this hash takes, by rendezvous hashing. `None` when the link is down.
    pub fn choose(&self, flow_hash: u64) -> Option<PathId> {
        share(self.usable(), flow_hash)
    }

    /// Every path with its preference and whether it is up, best first.
    pub fn paths(&self) -> impl Iterator<Item = (PathId, u8, bool)> {
        self.paths
            .iter()
            .map(|member| (member.path, member.preference, member.is_up))
    }
}

/// Which of equal paths takes a flow with this hash: rendezvous hashing.
pub fn share(paths: impl Iterator<Item = PathId>, flow_hash: u64) -> Option<PathId> {
    paths.max_by_key(|path| (mix(flow_hash ^ mix(u64::from(path.0) + 1)), *path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MPLS: PathId = PathId(1);
    const ISP_A: PathId = PathId(2);
    const ISP_B: PathId = PathId(3);

    fn link() -> Link {
        Link::new([(ISP_B, 20), (MPLS, 10), (ISP_A, 20)])
    }

    #[test]
    fn a_link_without_a_living_path_chooses_nothing() {
        assert_eq!(link().choose(7), None);
        assert!(!link().is_up());
    }

    #[test]
    fn the_lowest_preference_that_is_up_takes_every_flow() {
        let mut link = link();
        assert_eq!(link.set(ISP_A, true), Some(LinkChange::Up));
        assert_eq!(link.choose(7), Some(ISP_A));
        assert_eq!(link.set(MPLS, true), Some(LinkChange::Paths));
        assert!((0..100).all(|hash| link.choose(hash) == Some(MPLS)));
        assert_eq!(link.set(ISP_B, true), None, "a spare path moves no flow");
        assert_eq!(link.set(MPLS, false), Some(LinkChange::Paths));
        assert_eq!(link.usable().collect::<Vec<_>>(), [ISP_A, ISP_B]);
        assert_eq!(link.set(ISP_A, false), Some(LinkChange::Paths));
        assert_eq!(link.set(ISP_B, false), Some(LinkChange::Down));
        assert_eq!(link.set(ISP_B, false), None);
    }

    #[test]
    fn equal_paths_share_the_flows_and_a_lost_one_moves_only_its_own() {
        let paths = [PathId(0), PathId(1), PathId(2)];
        let mut link = Link::new(paths.map(|path| (path, 5)));
        for path in paths {
            link.set(path, true);
        }
        let before: Vec<_> = (0..3_000).map(|hash| link.choose(mix(hash))).collect();
        for path in paths {
            let share = before
                .iter()
                .filter(|chosen| **chosen == Some(path))
                .count();
            assert!((900..1_100).contains(&share), "{share} flows on {path:?}");
        }
        link.set(PathId(1), false);
        for (hash, chosen) in before.into_iter().enumerate() {
            let after = link.choose(mix(hash as u64));
            assert!(chosen == Some(PathId(1)) || chosen == after);
        }
    }

    #[test]
    fn an_unknown_path_changes_nothing() {
        assert_eq!(link().set(PathId(99), true), None);
    }
}
