//! Route budgets of NVAs: how far they are used, and what does not fit.

use inet::Prefix;
use serde::{Deserialize, Serialize};

use crate::FormatVersion;

/// The route budgets of one or more NVAs, ordered by device. Those without a budget are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budgets {
    /// Always 1.
    pub format_version: FormatVersion,
    /// The budgets.
    pub budgets: Vec<Budget>,
}

/// The route budget of an NVA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// The device that was asked.
    pub device: String,
    /// How far it is used.
    pub attachments: Vec<BudgetUse>,
    /// What is announced in the place of several routes.
    pub aggregates: Vec<Aggregate>,
    /// What Route Server is told for its VNets only, since it does not fit the circuits.
    pub vnets_only: Vec<Prefix>,
    /// What is not told at all.
    pub left_out: Vec<Prefix>,
}

/// How far a budget is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetUse {
    /// What the budget is for: `route-server`, one session with it; `express-route`, the circuits
    /// behind the region's gateway, all NVAs and the address space together.
    pub attachment: String,
    /// Routes that there are to tell.
    pub wanted: u32,
    /// Routes that are told.
    pub told: u32,
    /// The budget.
    pub limit: u32,
    /// `within`, `near` (at the threshold or above) or `over`.
    pub level: String,
}

/// A route in the place of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aggregate {
    /// What is announced.
    pub prefix: Prefix,
    /// What it stands for.
    pub parts: Vec<Prefix>,
}

impl Budgets {
    /// Answers of several devices as one.
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut budgets: Vec<Budget> = parts.into_iter().flat_map(|part| part.budgets).collect();
        budgets.sort_by(|a, b| a.device.cmp(&b.device));
        Self {
            format_version: FormatVersion,
            budgets,
        }
    }
}
