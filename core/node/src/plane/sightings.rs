//! Sightings: between which neighbours packets pass, told now and then to whatever decides about shortcuts.
//!
//! A hub wants to know which sites it relays between, a site which of its shortcuts are in use. Telling of every packet
//! would cost more than the packet, so each pair is told of once a second and all together within a budget; what is
//! left out is seen again with the next packet.

use core::time::Duration;

use inet::Instant;

use crate::id::LinkId;

/// Where a packet came from and where it went; `None` is the node's own kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) from: Option<LinkId>,
    pub(crate) to: Option<LinkId>,
}

/// What was told lately. Two pairs that share a place are told of more often, nothing worse.
#[derive(Clone, Debug)]
pub(crate) struct Sightings {
    told: Vec<Option<(Sighting, Instant)>>,
    /// Since when the budget is counted, and what of it is used.
    budget: (Instant, u32),
}

impl Sightings {
    pub(crate) const fn new() -> Self {
        Self {
            told: Vec::new(),
            budget: (Instant::ZERO, 0),
        }
    }

    /// Whether a sighting is to be told now.
    pub(crate) fn is_news(&mut self, now: Instant, sighting: Sighting) -> bool {
        if self.told.is_empty() {
            self.told = vec![None; PLACES];
        }
        let number = |link: Option<LinkId>| link.map_or(0, |link| link.index() + 1);
        let place = (number(sighting.from) * 31 + number(sighting.to)) % PLACES;
        let known =
            self.told[place].filter(|(known, at)| *known == sighting && now.since(*at) < SPACING);
        if known.is_some() {
            return false;
        }
        if now.since(self.budget.0) >= SPACING {
            self.budget = (now, 0);
        }
        if self.budget.1 >= BUDGET {
            return false;
        }
        self.budget.1 += 1;
        self.told[place] = Some((sighting, now));
        true
    }
}

/// How often a pair is told of.
pub(crate) const SPACING: Duration = Duration::from_secs(1);
const PLACES: usize = 256;
/// Sightings told within [`SPACING`].
const BUDGET: u32 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(from: u32, to: u32) -> Sighting {
        Sighting {
            from: Some(LinkId(from)),
            to: Some(LinkId(to)),
        }
    }

    #[test]
    fn a_pair_is_told_of_once_a_second() {
        let mut sightings = Sightings::new();
        let second = Instant::from_secs(1);
        assert!(sightings.is_news(second, sighting(1, 2)));
        assert!(!sightings.is_news(second, sighting(1, 2)));
        assert!(sightings.is_news(second, sighting(2, 1)));
        assert!(sightings.is_news(second + SPACING, sighting(1, 2)));
    }

    #[test]
    fn however_many_pairs_there_are_what_is_told_is_bounded() {
        let mut sightings = Sightings::new();
        let told = |sightings: &mut Sightings, at| {
            let all = (0..5_000).map(|n| sighting(n, n + 1));
            all.filter(|one| sightings.is_news(at, *one)).count()
        };
        assert_eq!(told(&mut sightings, Instant::from_secs(1)), BUDGET as usize);
        assert_eq!(told(&mut sightings, Instant::from_secs(2)), BUDGET as usize);
    }
}
