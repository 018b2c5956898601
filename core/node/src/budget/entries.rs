//! The routes while a choice is made: each with its importance and what it stands for.

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use design::plan::BudgetConfig;
use inet::Prefix;

use super::{Choice, Importance, Own};

/// A route or an aggregate.
struct Entry {
    importance: Importance,
    /// The routes that an aggregate stands for; empty when it is none.
    parts: Vec<Prefix>,
}

/// All of them.
pub(super) struct Entries<'a> {
    entries: BTreeMap<Prefix, Entry>,
    routes: &'a BTreeMap<Prefix, Own>,
    taken: &'a BTreeSet<Prefix>,
}

/// Where two halves could be joined: the least important and longest come first.
type Joint = (Reverse<Importance>, Reverse<u8>, Prefix);

impl<'a> Entries<'a> {
    pub(super) fn new(
        routes: &'a BTreeMap<Prefix, Own>,
        taken: &'a BTreeSet<Prefix>,
        rules: &BudgetConfig,
    ) -> Self {
        let entries = routes.iter().map(|(prefix, own)| {
            let entry = Entry {
                importance: Importance::of(*prefix, *own, rules),
                parts: Vec::new(),
            };
            (*prefix, entry)
        });
        Self {
            entries: entries.collect(),
            routes,
            taken,
        }
    }

    /// Joins halves until the rest fits the limit.
    pub(super) fn join_halves(&mut self, limit: usize) {
        if self.entries.len() <= limit {
            return;
        }
        let lower = self.entries.keys().filter_map(|half| parent(*half));
        let mut joints: BTreeSet<Joint> = lower.filter_map(|whole| self.joint(whole)).collect();
        while self.entries.len() > limit
            && let Some((.., whole)) = joints.pop_first()
        {
            // It may be in an aggregate itself since it was put there.
            if self.joint(whole).is_none() {
                continue;
            }
            self.join(whole, halves(whole).into_iter().flatten().collect());
            joints.extend(parent(whole).and_then(|above| self.joint(above)));
        }
    }

    /// Where both halves of a prefix are, and nothing keeps them from being joined.
    fn joint(&self, whole: Prefix) -> Option<Joint> {
        if !self.can_be(whole) {
            return None;
        }
        let mut importance = None;
        for half in halves(whole)? {
            let entry = self.entries.get(&half)?;
            if entry.importance == Importance::Own {
                return None;
            }
            importance = importance.into_iter().chain([entry.importance]).min();
        }
        Some((Reverse(importance?), Reverse(whole.len()), whole))
    }

    /// Whether an aggregate can bear this name: nothing else does, nor is it in an aggregate itself.
    fn can_be(&self, whole: Prefix) -> bool {
        let is_inside = self.routes.contains_key(&whole) && !self.entries.contains_key(&whole);
        whole.len() > 0 && !is_inside && !self.taken.contains(&whole)
    }

    /// Replaces entries by one that covers them; what is known under its name stays known.
    fn join(&mut self, whole: Prefix, members: Vec<Prefix>) {
        let mut parts = Vec::new();
        let mut importance = Importance::Rest;
        for member in members {
            if let Some(entry) = self.entries.remove(&member) {
                importance = importance.min(entry.importance);
                match entry.parts.is_empty() {
                    true => parts.push(member),
                    false => {
                        // An aggregate that bears the name of a route stands for that as well.
                        parts.extend(self.routes.contains_key(&member).then_some(member));
                        parts.extend(entry.parts);
                    }
                }
            }
        }
        let known = self.entries.entry(whole).or_insert(Entry {
            importance,
            parts: Vec::new(),
        });
        known.importance = known.importance.min(importance);
        known.parts.extend(parts);
        known.parts.sort_unstable();
    }

    /// Puts prefixes that may be discarded in place of what lies in them, until the rest fits.
    pub(super) fn discard(&mut self, limit: usize, allowed: &[Prefix]) {
        let mut allowed = allowed.to_vec();
        allowed.sort_unstable();
        allowed.dedup();
        for whole in allowed {
            if self.entries.len() <= limit {
                return;
            }
            let inside = self.entries.iter().filter(|(prefix, entry)| {
                **prefix != whole && whole.covers(**prefix) && entry.importance != Importance::Own
            });
            let inside: Vec<Prefix> = inside.map(|(prefix, _)| *prefix).collect();
            let gains = inside.len() > usize::from(!self.entries.contains_key(&whole));
            if gains && self.can_be(whole) {
                self.join(whole, inside);
            }
        }
    }

    /// Keeps as many as fit, the most important first.
    pub(super) fn choice(self, limit: usize) -> Choice {
        let mut order: Vec<_> = self
            .entries
            .iter()
            .map(|(prefix, entry)| {
                let covered = self.is_covered(*prefix, entry.importance);
                (entry.importance, covered, prefix.len(), *prefix)
            })
            .collect();
        order.sort_unstable();
        let mut choice = Choice::default();
        for (place, (.., prefix)) in order.into_iter().enumerate() {
            let parts = &self.entries[&prefix].parts;
            if place >= limit {
                let known = self.routes.contains_key(&prefix).then_some(prefix);
                choice.left_out.extend(known);
                choice.left_out.extend(parts);
                continue;
            }
            choice.kept.insert(prefix);
            if !parts.is_empty() {
                choice.aggregates.insert(prefix, parts.clone());
            }
        }
        choice
    }

    /// Whether a shorter prefix that is kept whenever this one is covers it.
    fn is_covered(&self, prefix: Prefix, importance: Importance) -> bool {
        (0..prefix.len()).any(|len| {
            Prefix::around(prefix.address(), len)
                .and_then(|shorter| self.entries.get(&shorter))
                .is_some_and(|entry| entry.importance <= importance)
        })
    }
}

/// The prefix of one bit less.
fn parent(prefix: Prefix) -> Option<Prefix> {
    Prefix::around(prefix.address(), prefix.len().checked_sub(1)?)
}

/// Both halves of a prefix; none of a host's.
fn halves(whole: Prefix) -> Option<[Prefix; 2]> {
    let len = whole.len() + 1;
    let half = |index| whole.subnet(len, index);
    Some([half(0)?, half(1)?])
}
