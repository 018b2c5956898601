//! A way from the first design to the second on which every design holds.
//!
//! The order of people is followed as long as it holds. Where a design does not, its edit waits and
//! the next that is possible is tried; after each edit that holds, those that wait come first
//! again. So an edit that needs another one finds its place behind it, and a migration that no
//! order allows ends with the edits that are left and what is wrong with each.

use std::collections::{BTreeMap, BTreeSet};

use design::document::Value;
use design::plan::Plan;

use crate::between::Migration;
use crate::edit::{Edit, Stage};
use crate::evidence::{Evidence, Objection};

/// A design that the planner wants to have proven.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Numbers of the edits that it has, in their order.
    pub done: Vec<usize>,
}

/// What became of a proof.
#[derive(Clone, Debug)]
struct Proof {
    evidence: Evidence,
    plan: Option<Plan>,
    objections: Vec<Objection>,
}

/// The search for an order.
#[derive(Clone, Debug)]
pub struct Planner {
    migration: Migration,
    first: Option<(Evidence, Option<Plan>)>,
    done: Vec<usize>,
    rest: Vec<usize>,
    /// How many of `rest` were tried since the last edit that holds.
    tried: usize,
    proofs: BTreeMap<Vec<usize>, Proof>,
    asked: BTreeSet<Vec<usize>>,
    spent: usize,
    outcome: Option<Outcome>,
    steps: Vec<Proven>,
    waited: Vec<Waited>,
}

/// A step that holds.
#[derive(Clone, Debug)]
pub struct Proven {
    /// What is done.
    pub edit: Edit,
    /// The design after it.
    pub design: Value,
    /// Its devices.
    pub plan: Option<Plan>,
    /// What was found out about it.
    pub evidence: Evidence,
}

/// An edit that did not hold where it was tried first.
#[derive(Clone, Debug)]
pub struct Waited {
    /// What would have been done.
    pub edit: Edit,
    /// After how many steps it was tried.
    pub after: usize,
    /// What was wrong.
    pub objections: Vec<Objection>,
}

/// An edit that no order allows.
#[derive(Clone, Debug)]
pub struct Stuck {
    /// What would be done.
    pub edit: Edit,
    /// What would be wrong.
    pub objections: Vec<Objection>,
}

/// How the search ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was found out about the first design.
    pub first: Evidence,
    /// Its devices.
    pub first_plan: Option<Plan>,
    /// The steps that hold, in order.
    pub steps: Vec<Proven>,
    /// Edits that had to wait.
    pub waited: Vec<Waited>,
    /// The edits that are left; empty when the second design is reached.
    pub stuck: Vec<Stuck>,
}

impl Planner {
    /// A planner that has proven nothing so far.
    pub fn new(migration: Migration) -> Self {
        let rest = (0..migration.edits.len()).collect();
        Self {
            migration,
            first: None,
            done: Vec::new(),
            rest,
            tried: 0,
            proofs: BTreeMap::new(),
            asked: BTreeSet::new(),
            spent: 0,
            outcome: None,
            steps: Vec::new(),
            waited: Vec::new(),
        }
    }

    /// Up to `most` designs that are worth proving now and that nobody was given before: those on
    /// the way ahead, if all goes well. The first design comes first.
    pub fn wanted(&mut self, most: usize) -> Vec<Candidate> {
        let mut ahead = Vec::new();
        if self.outcome.is_some() {
            return ahead;
        }
        if self.first.is_none() {
            self.ask(Vec::new(), &mut ahead);
        }
        let mut done = self.done.clone();
        let mut rest: Vec<usize> = self.rest.clone();
        rest.rotate_left(self.tried.min(self.rest.len()));
        while ahead.len() < most {
            let Some(next) = rest.iter().position(|edit| self.possible(*edit, &done)) else {
                break;
            };
            done.push(rest.remove(next));
            if !self.proofs.contains_key(&done) {
                self.ask(done.clone(), &mut ahead);
            }
        }
        ahead.truncate(most);
        ahead
    }

    fn ask(&mut self, done: Vec<usize>, ahead: &mut Vec<Candidate>) {
        if self.asked.insert(done.clone()) {
            ahead.push(Candidate { done });
        }
    }

    /// The design of a candidate.
    pub fn design(&self, candidate: &Candidate) -> Value {
        self.migration.compose(&candidate.done)
    }

    /// Takes what was found out about a candidate. A design that could not be built has no Plan.
    pub fn prove(&mut self, candidate: &Candidate, evidence: Evidence, plan: Option<Plan>) {
        self.spent += 1;
        if candidate.done.is_empty() {
            self.first = Some((evidence, plan));
        } else {
            let proof = Proof {
                evidence,
                plan,
                objections: Vec::new(),
            };
            self.proofs.insert(candidate.done.clone(), proof);
        }
        self.advance();
    }

    /// How many steps hold, and how many there are.
    pub fn progress(&self) -> (usize, usize) {
        (self.steps.len(), self.migration.edits.len())
    }

    /// How it ended, once it has.
    pub const fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Goes on as far as the proofs reach.
    fn advance(&mut self) {
        let Some((first, first_plan)) = self.first.clone() else {
            return;
        };
        loop {
            if self.rest.is_empty() {
                return self.end(first, first_plan, Vec::new());
            }
            while self
                .rest
                .get(self.tried)
                .is_some_and(|edit| !self.possible(*edit, &self.done))
            {
                self.tried += 1;
            }
            let Some(&edit) = self.rest.get(self.tried) else {
                let stuck = self.stuck();
                return self.end(first, first_plan, stuck);
            };
            let mut done = self.done.clone();
            done.push(edit);
            let Some(mut proof) = self.proofs.remove(&done) else {
                return;
            };
            proof.objections = proof.evidence.objections(&first);
            if proof.objections.is_empty() {
                self.hold(done, edit, proof);
            } else {
                self.wait(done, edit, proof);
                if self.spent > self.proofs_max() {
                    let stuck = self.stuck();
                    return self.end(first, first_plan, stuck);
                }
            }
        }
    }

    /// An edit holds: those that wait are possible again.
    fn hold(&mut self, done: Vec<usize>, edit: usize, proof: Proof) {
        self.rest.retain(|other| *other != edit);
        self.steps.push(Proven {
            edit: self.migration.edits[edit].clone(),
            design: self.migration.compose(&done),
            plan: proof.plan,
            evidence: proof.evidence,
        });
        self.done = done;
        self.tried = 0;
        // What was proven on another way ahead is of no use any more, and is large.
        let length = self.done.len();
        let on_the_way = self.done.clone();
        self.proofs
            .retain(|other, _| other.len() > length && other.starts_with(&on_the_way));
    }

    /// An edit waits.
    fn wait(&mut self, done: Vec<usize>, edit: usize, mut proof: Proof) {
        let after = self.steps.len();
        let edit = &self.migration.edits[edit];
        if !self.waited.iter().any(|one| one.edit == *edit) {
            self.waited.push(Waited {
                edit: edit.clone(),
                after,
                objections: proof.objections.clone(),
            });
        }
        proof.plan = None;
        self.proofs.insert(done, proof);
        self.tried += 1;
    }

    fn stuck(&self) -> Vec<Stuck> {
        let left = self.rest.iter().map(|edit| {
            let mut done = self.done.clone();
            done.push(*edit);
            let proof = self.proofs.get(&done);
            Stuck {
                edit: self.migration.edits[*edit].clone(),
                objections: proof
                    .map(|proof| proof.objections.clone())
                    .unwrap_or_default(),
            }
        });
        left.collect()
    }

    fn end(&mut self, first: Evidence, first_plan: Option<Plan>, stuck: Vec<Stuck>) {
        self.outcome = Some(Outcome {
            first,
            first_plan,
            steps: core::mem::take(&mut self.steps),
            waited: core::mem::take(&mut self.waited),
            stuck,
        });
    }

    /// Whether an edit may come next: a site goes through its stages in order, and the rest of the
    /// difference comes last.
    fn possible(&self, edit: usize, done: &[usize]) -> bool {
        let earlier = |other: &usize| !done.contains(other);
        let all = 0..self.migration.edits.len();
        match &self.migration.edits[edit] {
            Edit::Finish => all.filter(earlier).all(|other| other == edit),
            Edit::Site { site, stage } if *stage != Stage::New => !all
                .filter(earlier)
                .filter(|other| *other < edit)
                .any(|other| {
                    matches!(&self.migration.edits[other], Edit::Site { site: same, .. } if same == site)
                }),
            _ => true,
        }
    }

    /// An order is looked for with this many proofs: enough for each edit to wait a few times.
    fn proofs_max(&self) -> usize {
        self.migration.edits.len() * PROOFS_PER_EDIT + 20
    }
}

/// So many proofs for each edit before no order is taken to exist.
const PROOFS_PER_EDIT: usize = 6;

#[cfg(test)]
mod tests;
