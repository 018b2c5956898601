//! The text of policies: read with every error in one run, printed, and made into [`Policy`] values.
//!
//! The grammar and the meaning of every word are in `docs/policy.md`. A text goes through three
//! steps: words with their places, a tree that mirrors the text, and, for each use at a neighbour, a
//! [`Policy`] in which names, called policies, and what only the neighbour knows are written out.

mod compile;
mod fault;
mod parser;
mod print;
mod statements;
mod tree;
mod words;

use std::collections::BTreeMap;

use super::Policy;
use crate::settings::Neighbor;
use inet::Asn;

pub use fault::{Fault, suggestion};

/// A text of sets and policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    sets: Vec<tree::Definition>,
    policies: Vec<tree::Named>,
}

/// Which way a policy's routes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// From the neighbour to us.
    Import,
    /// From us to the neighbour.
    Export,
}

/// Where a policy is used.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// Which way.
    pub side: Side,
    /// At which neighbour.
    pub neighbor: &'a Neighbor,
}

/// What policies can refer to outside of their text.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// Our AS.
    pub local_as: Asn,
    /// The names of the neighbours, in the order of their IDs.
    pub neighbors: &'a [&'a str],
}

/// The longest text.
const TEXT_MAX: usize = 1 << 20;

impl Program {
    /// Reads a text. Findings that are no warnings leave something out of the program.
    pub fn parse(text: &str) -> (Self, Vec<Fault>) {
        if text.len() > TEXT_MAX {
            let fault = Fault::error(0..0, "a text of policies has at most a mebibyte");
            return (Self::default(), vec![fault]);
        }
        let (program, mut faults) = parser::parse(text);
        compile::check(&program, &mut faults);
        faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
        (program, faults)
    }

    /// The names of the policies.
    pub fn policies(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().map(|policy| policy.name.text.as_str())
    }

    /// Makes a policy for its use at a neighbour. Warnings come with the policy, errors without;
    /// what [`Self::parse`] found wrong is not repeated.
    pub fn policy(
        &self,
        name: &str,
        place: Use<'_>,
        surroundings: Surroundings<'_>,
    ) -> (Option<Policy>, Vec<Fault>) {
        compile::policy(self, name, place, surroundings)
    }

    fn index(&self) -> BTreeMap<&str, &tree::Named> {
        let named = |policy| (policy_name(policy), policy);
        self.policies.iter().map(named).collect()
    }
}

fn policy_name(policy: &tree::Named) -> &str {
    &policy.name.text
}

#[cfg(test)]
mod tests;
