//! What was found out about a design, and whether it holds.
//!
//! A step is measured against the first design: what did not work there does not count against a
//! step, and what worked there must work at every step.

use core::fmt;
use std::collections::BTreeSet;

use serde::Serialize;

/// What rules and a simulation found out about a design.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Findings of `check`.
    pub findings: Vec<Finding>,
    /// Why the simulation has not converged, if it has not.
    pub unsettled: Option<String>,
    /// Milliseconds of virtual time until the network had converged.
    pub converged_ms: u64,
    /// Ordered pairs of hosts that were tried.
    pub pairs: usize,
    /// Those whose packets do not arrive.
    pub lost: Vec<Lost>,
    /// Hosts that exist.
    #[serde(skip)]
    pub hosts: BTreeSet<String>,
    /// Routes of sessions that have a limit.
    pub budgets: Vec<Budget>,
}

/// A finding of `check`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The rule's name.
    pub rule: String,
    /// Whether the design breaks with it.
    pub error: bool,
    /// What is wrong.
    pub says: String,
}

/// A pair of hosts whose packets do not arrive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Lost {
    /// Who sends.
    pub source: String,
    /// Who does not hear.
    pub destination: String,
    /// The device at which packets end, or the devices of a loop.
    pub at: String,
    /// Why.
    pub because: String,
    /// Whether they go round and round.
    pub loops: bool,
}

/// Routes of a session against what the platform allows there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Budget {
    /// Whose: `nva1.westeurope to rs0.westeurope`.
    pub session: String,
    /// Routes.
    pub used: u32,
    /// At most.
    pub limit: u32,
}

/// Why a design does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "objection")]
pub enum Objection {
    /// A rule, as an error.
    Rule(Finding),
    /// The network does not come to rest.
    Unsettled {
        /// What is still moving.
        why: String,
    },
    /// Packets go round and round.
    Loop(Lost),
    /// A pair that reached each other no longer does.
    Lost(Lost),
    /// More routes than the platform allows.
    Budget(Budget),
}

impl Evidence {
    /// Why the design does not hold, compared with the first one of the migration.
    pub fn objections(&self, first: &Self) -> Vec<Objection> {
        let mut all = Vec::new();
        let excused: BTreeSet<(&str, &str)> = first
            .findings
            .iter()
            .map(|one| (one.rule.as_str(), one.says.as_str()))
            .collect();
        for finding in self.findings.iter().filter(|finding| finding.error) {
            if !excused.contains(&(finding.rule.as_str(), finding.says.as_str())) {
                all.push(Objection::Rule(finding.clone()));
            }
        }
        if let Some(why) = &self.unsettled {
            all.push(Objection::Unsettled { why: why.clone() });
        }
        let silent: BTreeSet<(&str, &str)> = first.lost.iter().map(Lost::pair).collect();
        for lost in self
            .lost
            .iter()
            .filter(|lost| !silent.contains(&lost.pair()))
        {
            all.push(if lost.loops {
                Objection::Loop(lost.clone())
            } else {
                Objection::Lost(lost.clone())
            });
        }
        let over = self
            .budgets
            .iter()
            .filter(|budget| budget.used > budget.limit);
        all.extend(over.cloned().map(Objection::Budget));
        all
    }

    /// The session that is closest to its limit.
    pub fn tightest(&self) -> Option<&Budget> {
        let share =
            |budget: &&Budget| u64::from(budget.used) * 1_000_000 / u64::from(budget.limit.max(1));
        self.budgets.iter().rev().max_by_key(share)
    }
}

impl Lost {
    fn pair(&self) -> (&str, &str) {
        (&self.source, &self.destination)
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(finding) => write!(f, "check: {}: {}", finding.rule, finding.says),
            Self::Unsettled { why } => write!(f, "the network does not come to rest: {why}"),
            Self::Loop(lost) => write!(
                f,
                "packets from {} to {} go round: {}",
                lost.source, lost.destination, lost.at
            ),
            Self::Lost(lost) => write!(
                f,
                "{} no longer reaches {}: they end at {} ({})",
                lost.source, lost.destination, lost.at, lost.because
            ),
            Self::Budget(budget) => write!(
                f,
                "{}: {} routes, and {} are allowed",
                budget.session, budget.used, budget.limit
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(source: &str, destination: &str, loops: bool) -> Lost {
        Lost {
            source: source.to_owned(),
            destination: destination.to_owned(),
            at: "core.paris".to_owned(),
            because: "no route".to_owned(),
            loops,
        }
    }

    #[test]
    fn a_pair_that_was_silent_before_is_no_objection() {
        let first = Evidence {
            lost: vec![lost("a", "b", false)],
            ..Evidence::default()
        };
        let later = Evidence {
            lost: vec![lost("a", "b", false), lost("b", "a", false)],
            ..Evidence::default()
        };
        assert_eq!(
            later.objections(&first),
            [Objection::Lost(lost("b", "a", false))]
        );
    }

    #[test]
    fn loops_limits_and_errors_of_rules_are_objections() {
        let finding = |error| Finding {
            rule: "duplicate-address".to_owned(),
            error,
            says: "twice".to_owned(),
        };
        let evidence = Evidence {
            findings: vec![finding(false), finding(true)],
            unsettled: Some("core.paris".to_owned()),
            lost: vec![lost("a", "b", true)],
            budgets: vec![Budget {
                session: "ergw0.westeurope to ams".to_owned(),
                used: 1001,
                limit: 1000,
            }],
            ..Evidence::default()
        };
        let said: Vec<String> = evidence
            .objections(&Evidence::default())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            said,
            [
                "check: duplicate-address: twice",
                "the network does not come to rest: core.paris",
                "packets from a to b go round: core.paris",
                "ergw0.westeurope to ams: 1001 routes, and 1000 are allowed",
            ]
        );
    }
}
