//! The route budget: which routes are announced when not all of them fit.
//!
//! [`choose`] is a pure function of the routes that are known and of the limit. All NVAs of a region
//! know the same routes through the overlay's BGP, so they choose the same ones without a word
//! about it, and together they stay within what the ExpressRoute gateway may pass on.
//!
//! When everything fits, everything is announced. Beyond the limit, in this order and only as far
//! as it takes:
//!
//! 1. Two halves of a prefix become the prefix, the least important and the longest first: what the
//!    prefix attracts, its halves attracted.
//! 2. What lies in a prefix that the operator allows to discard becomes that prefix.
//! 3. The least important are left out: first come the node's own prefixes (summaries and what it
//!    brings up for Route Server), then the operator's priorities in their order, then the rest; within each of
//!    these what no kept prefix covers, then the shorter ones.
//!
//! Each step is the same for the next limit and one step more: a route more or less changes about one
//! announcement. RFC 4271 §9.2.2.2 would have an aggregate say ATOMIC_AGGREGATE; Route Server makes nothing of it.

mod entries;
#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use design::plan::BudgetConfig;
use inet::Prefix;

use entries::Entries;

/// A choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What is announced: known routes and aggregates.
    pub(crate) kept: BTreeSet<Prefix>,
    /// What of it stands for others, and for which.
    pub(crate) aggregates: BTreeMap<Prefix, Vec<Prefix>>,
    /// What is not announced and in no aggregate.
    pub(crate) left_out: BTreeSet<Prefix>,
}

/// Chooses among routes. `own` are the node's own prefixes; `taken` are prefixes that the node
/// knows and may not announce, so that no aggregate takes their name.
pub(crate) fn choose(
    routes: &BTreeMap<Prefix, Own>,
    taken: &BTreeSet<Prefix>,
    limit: usize,
    rules: &BudgetConfig,
) -> Choice {
    let mut entries = Entries::new(routes, taken, rules);
    if rules.aggregate {
        entries.join_halves(limit);
        entries.discard(limit, &rules.discard);
    }
    entries.choice(limit)
}

/// Whether there is a budget at all.
pub(crate) const fn has_budget(rules: &BudgetConfig) -> bool {
    rules.route_server > 0 || rules.express_route > 0
}

/// What Route Server is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// For whom it passes routes on to as well.
    pub(crate) everywhere: BTreeSet<Prefix>,
    /// For its VNets only.
    pub(crate) vnets_only: BTreeSet<Prefix>,
    /// What of it stands for others, and for which.
    pub(crate) aggregates: BTreeMap<Prefix, Vec<Prefix>>,
    /// What it is not told.
    pub(crate) left_out: BTreeSet<Prefix>,
}

/// Whether a prefix is the node's own: a summary, or what it brings up for Route Server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// It is a route of others.
    No,
    /// It is.
    Yes,
}

/// The order of keeping: an importance, lower first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Importance {
    /// The node's own.
    Own,
    /// In the operator's priority of this number.
    Priority(u32),
    /// The rest.
    Rest,
}

impl Importance {
    fn of(prefix: Prefix, own: Own, rules: &BudgetConfig) -> Self {
        if own == Own::Yes {
            return Self::Own;
        }
        let mut priority = rules.priority.iter();
        match priority.position(|entry| entry.covers(prefix)) {
            Some(place) => Self::Priority(u32::try_from(place).unwrap_or(u32::MAX)),
            None => Self::Rest,
        }
    }
}
