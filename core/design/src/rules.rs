//! What `check` looks for: one file for each rule.
//!
//! A rule is data and one function. Its texts are what the book and `explain` show; its two small
//! designs are its tests: one that passes and one that it must find something in.

mod duplicate_address;
mod forbidden_range;
mod ipv6_with_route_server;
mod nva_subnet_nsg;
mod overlapping_address_space;
mod reserved_asn;
mod route_server_peers;
mod route_server_subnet;
mod routes_per_peer;
mod site_without_region;
mod subnet_name;
mod subnet_size;
mod unreachable_region;

use crate::report::{Report, Severity, Span};
use crate::settle::Settled;

/// A rule of `check`.
#[derive(Debug)]
pub struct Rule {
    /// Stable kebab-case name.
    pub id: &'static str,
    /// How bad a finding is at worst.
    pub severity: Severity,
    /// What it finds, in one sentence.
    pub says: &'static str,
    /// Why that matters.
    pub because: &'static str,
    /// What to do.
    pub try_this: &'static str,
    /// The document it comes from.
    pub source: &'static str,
    /// A design without findings.
    pub passing: &'static str,
    /// A design that it finds something in.
    pub failing: &'static str,
    check: fn(&Self, &Settled, &mut Vec<Report>),
}

impl Rule {
    /// A finding of this rule. The place is that of the value if it is written, else of what has it.
    fn report(&self, places: &[Option<Span>], says: String) -> Report {
        Report {
            rule: self.id,
            severity: self.severity,
            at: places.iter().flatten().next().copied(),
            says,
            because: self.because.to_owned(),
            try_this: self.try_this.to_owned(),
            source: self.source,
            also: Vec::new(),
        }
    }
}

/// All rules, by name.
pub fn rules() -> &'static [&'static Rule] {
    &RULES
}

static RULES: [&Rule; 13] = [
    &duplicate_address::RULE,
    &forbidden_range::RULE,
    &ipv6_with_route_server::RULE,
    &nva_subnet_nsg::RULE,
    &overlapping_address_space::RULE,
    &reserved_asn::RULE,
    &route_server_peers::RULE,
    &route_server_subnet::RULE,
    &routes_per_peer::RULE,
    &site_without_region::RULE,
    &subnet_name::RULE,
    &subnet_size::RULE,
    &unreachable_region::RULE,
];

/// Runs every rule.
pub(crate) fn run(settled: &Settled, reports: &mut Vec<Report>) {
    for rule in rules() {
        (rule.check)(rule, settled, reports);
    }
}

/// Reports what keeps a Plan from being made.
pub(crate) fn run_needed(settled: &Settled, reports: &mut Vec<Report>) {
    for rule in [&site_without_region::RULE, &unreachable_region::RULE] {
        (rule.check)(rule, settled, reports);
    }
}

#[cfg(test)]
mod tests;
