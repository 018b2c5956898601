//! Which paths are in use: what sees packets tells at the first one and once a second after that, since probes of a path in
//! use come more often.

use inet::Instant;
use path::{PathId, USED_EVERY};

/// When the use of each path was told the last time.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    /// By [`PathId`].
    told: Vec<Option<Instant>>,
}

impl Usage {
    pub(crate) fn new(paths: usize) -> Self {
        Self {
            told: vec![None; paths],
        }
    }

    /// Notes that a packet went through a path. Whether to tell it.
    pub(crate) fn note(&mut self, now: Instant, path: PathId) -> bool {
        let Some(told) = self.told.get_mut(path.0 as usize) else {
            return false;
        };
        if told.is_some_and(|told| now.since(told) < USED_EVERY) {
            return false;
        }
        *told = Some(now);
        true
    }
}
