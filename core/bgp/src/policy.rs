//! Policies: ordered terms that accept, reject and rewrite routes.
//!
//! Matches see the route as it was before the policy; actions of the terms that matched are
//! applied in order when the route is accepted. So a policy is two pure steps, and the second is
//! shared by all prefixes that have the same attributes and matched the same terms.

mod action;
mod language;
mod matching;
mod pattern;
mod sets;

use std::sync::Arc;

use inet::{Asn, Net};

use crate::settings::{Group, NeighborId};
use crate::wire::attributes::Attributes;

pub use action::{Action, Private};
pub use language::{Fault, Program, Side, Surroundings, Use, suggestion};
pub use matching::Match;
pub use pattern::{AsPattern, PatternError};
pub use sets::{CommunityPattern, ExtPattern, LargePattern, PrefixSet, Range};

/// An ordered list of terms. Cheap to clone; equal policies make one update group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    terms: Arc<[Term]>,
    otherwise: Verdict,
}

/// What happens to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Take it, as rewritten so far.
    Accept,
    /// Go on with the next term. As a policy's last word it means `Reject`.
    Next,
    /// Refuse it.
    Reject,
}

/// When all of `when` match, do `then` and go by `verdict`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// All must match; an empty list matches every route.
    pub when: Vec<Match>,
    /// Rewrites, in order.
    pub then: Vec<Action>,
    /// What then.
    pub verdict: Verdict,
}

/// Where a route comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Our own.
    Local,
    /// A neighbour and its class.
    Neighbor(NeighborId, Group),
}

/// What a policy said about one route: the terms whose actions apply, or `None` for no.
pub(crate) type Applied = u128;

impl Policy {
    /// The most terms a policy can have.
    pub const TERMS_MAX: usize = 128;

    /// A policy of these terms, and what happens to a route that gets to the end. Terms behind
    /// [`Self::TERMS_MAX`] are refused: `None`.
    pub fn new(terms: Vec<Term>, otherwise: Verdict) -> Option<Self> {
        (terms.len() <= Self::TERMS_MAX).then(|| Self {
            terms: terms.into(),
            otherwise,
        })
    }

    /// Takes every route as it is.
    pub fn accept_all() -> Self {
        Self {
            terms: Arc::new([]),
            otherwise: Verdict::Accept,
        }
    }

    /// Refuses every route.
    pub fn reject_all() -> Self {
        Self {
            terms: Arc::new([]),
            otherwise: Verdict::Reject,
        }
    }

    /// The same with other numbers of neighbours, for a speaker that numbers them otherwise.
    #[must_use]
    pub fn renumbered(&self, number: &dyn Fn(NeighborId) -> NeighborId) -> Self {
        let mut terms = self.terms.to_vec();
        for holds in terms.iter_mut().flat_map(|term| &mut term.when) {
            holds.renumber(number);
        }
        Self {
            terms: terms.into(),
            otherwise: self.otherwise,
        }
    }

    /// The terms.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Which terms apply to a route; `None` when it is refused.
    pub(crate) fn judge(
        &self,
        net: Net,
        source: Source,
        attributes: &dyn Fn() -> Attributes,
    ) -> Option<Applied> {
        let mut applied = 0;
        let mut seen = None;
        for (index, term) in self.terms.iter().enumerate() {
            let holds = term
                .when
                .iter()
                .all(|m| m.holds(net, source, &mut seen, attributes));
            if !holds {
                continue;
            }
            applied |= 1 << index;
            match term.verdict {
                Verdict::Accept => return Some(applied),
                Verdict::Reject => return None,
                Verdict::Next => {}
            }
        }
        (self.otherwise == Verdict::Accept).then_some(applied)
    }

    /// What the policy makes of one route, for checks ahead of time: `None` when it refuses it. The
    /// route is a neighbour's, or our own; `local_as` is what prepending prepends.
    pub fn of_route(
        &self,
        net: Net,
        from: Option<(NeighborId, Group)>,
        attributes: &Attributes,
        local_as: Asn,
    ) -> Option<Attributes> {
        let source = from.map_or(Source::Local, |(neighbor, group)| {
            Source::Neighbor(neighbor, group)
        });
        let applied = self.judge(net, source, &|| attributes.clone())?;
        let mut changed = attributes.clone();
        for action in self.actions(applied) {
            action.apply(&mut changed, Some(local_as));
        }
        Some(changed)
    }

    /// Whether a term makes routes count under another prefix.
    pub(crate) fn aggregates(&self) -> bool {
        let mut actions = self.terms.iter().flat_map(|term| &term.then);
        actions.any(|action| matches!(action, Action::Aggregate(_)))
    }

    /// The prefix that a route counts under by the applied terms; the last one holds.
    pub(crate) fn aggregate(&self, applied: Applied) -> Option<Net> {
        let into = self.actions(applied).filter_map(|action| match action {
            Action::Aggregate(net) => Some(*net),
            _ => None,
        });
        into.last()
    }

    /// The actions of the applied terms, in order.
    pub(crate) fn actions(&self, applied: Applied) -> impl Iterator<Item = &Action> {
        self.terms
            .iter()
            .enumerate()
            .filter(move |(index, _)| applied & (1 << index) != 0)
            .flat_map(|(_, term)| &term.then)
    }
}
