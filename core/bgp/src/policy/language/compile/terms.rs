//! Statements as terms, for one use of a policy at one neighbour.

use std::collections::BTreeMap;

use super::super::tree::{Condition, Do, End, Entries, Field, Name, Named, Set, Step};
use super::super::{Fault, Program, Side, Surroundings, Use, suggestion};
use crate::policy::{Action, Match, Policy, PrefixSet, Term, Verdict};
use crate::settings::NeighborId;

/// Writes the terms of a policy and of those that it calls.
pub(super) struct Writer<'a> {
    program: &'a Program,
    index: &'a BTreeMap<&'a str, &'a Named>,
    place: Use<'a>,
    surroundings: Surroundings<'a>,
    terms: Vec<Term>,
    faults: Vec<Fault>,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(
        program: &'a Program,
        index: &'a BTreeMap<&'a str, &'a Named>,
        place: Use<'a>,
        surroundings: Surroundings<'a>,
    ) -> Self {
        Self {
            program,
            index,
            place,
            surroundings,
            terms: Vec::new(),
            faults: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> (Vec<Term>, Vec<Fault>) {
        (self.terms, self.faults)
    }

    /// The policy itself; gives its last word.
    pub(super) fn whole(&mut self, policy: &Named) -> Option<Verdict> {
        match self.statements(policy, &[], 0) {
            Some(End::Accept) => Some(Verdict::Accept),
            Some(End::Reject) => Some(Verdict::Reject),
            Some(End::Return) | None => {
                let says = format!("`{}` leaves its verdict to a caller", policy.name.text);
                let advice = "end it with `accept` or `reject`, or `call` it from one that does";
                self.fault(Fault::error(policy.name.span.clone(), says).try_this(advice));
                None
            }
        }
    }

    fn fault(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// The terms of a policy, all under `when`; gives its last word.
    fn statements(&mut self, policy: &Named, when: &[Match], depth: usize) -> Option<End> {
        // A cycle, or more than a policy can be, is reported when the text is read.
        if depth > Policy::TERMS_MAX {
            return None;
        }
        for statement in &policy.statements {
            if self.terms.len() > Policy::TERMS_MAX {
                return None;
            }
            let mut when = when.to_vec();
            if let Some(condition) = &statement.when {
                match self.condition(condition) {
                    Match::All(all) => when.extend(all),
                    one => when.push(one),
                }
            }
            let mut then = Vec::new();
            for step in &statement.then {
                if let Do::Call(name) = &step.what {
                    let said = core::mem::take(&mut then);
                    self.term(&when, said, Verdict::Next);
                    self.call(name, &when, depth);
                } else {
                    then.extend(self.action(step));
                }
            }
            let Some(end) = statement.end else {
                self.term(&when, then, Verdict::Next);
                continue;
            };
            if end == End::Reject {
                then.clear();
            }
            let unconditional = statement.when.is_none();
            let last = unconditional && depth == 0;
            match end.verdict() {
                verdict if !last && verdict != Verdict::Next => self.term(&when, then, verdict),
                _ => self.term(&when, then, Verdict::Next),
            }
            if unconditional {
                return Some(end);
            }
        }
        None
    }

    fn call(&mut self, name: &Name, when: &[Match], depth: usize) {
        if let Some(called) = self.index.get(name.text.as_str()).copied() {
            self.statements(called, when, depth + 1);
        }
    }

    /// Adds a term, unless it says nothing.
    fn term(&mut self, when: &[Match], then: Vec<Action>, verdict: Verdict) {
        if then.is_empty() && verdict == Verdict::Next {
            return;
        }
        self.terms.push(Term {
            when: when.to_vec(),
            then,
            verdict,
        });
    }

    fn condition(&mut self, condition: &Condition) -> Match {
        match condition {
            Condition::All(all) => Match::All(all.iter().map(|c| self.condition(c)).collect()),
            Condition::Any(any) => Match::Any(any.iter().map(|c| self.condition(c)).collect()),
            Condition::Not(inner) => Match::Not(Box::new(self.condition(inner))),
            Condition::In(field, set) => match self.entries(set) {
                Some(entries) => in_entries(*field, entries),
                None => Match::Any(Vec::new()),
            },
            Condition::From(name) => self.from(name),
            Condition::Is(holds) => holds.clone(),
        }
    }

    /// What a set holds; an unknown one is reported when the text is read.
    fn entries<'b>(&self, set: &'b Set) -> Option<&'b Entries>
    where
        'a: 'b,
    {
        match set {
            Set::Here(entries) => Some(entries),
            Set::Named(kind, name) => self
                .program
                .sets
                .iter()
                .find(|set| set.name == *name && set.entries.kind() == *kind)
                .map(|set| &set.entries),
        }
    }

    fn from(&mut self, name: &Name) -> Match {
        let known = self.surroundings.neighbors;
        let place = known.iter().position(|known| *known == name.text);
        match place.and_then(|place| u32::try_from(place).ok()) {
            Some(place) => Match::From(NeighborId(place)),
            None => {
                let says = format!("there is no neighbour `{}`", name.text);
                let advice = suggestion(&name.text, known.iter().copied());
                self.fault(Fault::error(name.span.clone(), says).try_this(advice));
                Match::Any(Vec::new())
            }
        }
    }

    /// An action as this neighbour has it; `None` when it has no effect there.
    fn action(&mut self, step: &Step) -> Option<Action> {
        let Use { side, neighbor } = self.place;
        let external = neighbor.is_external(self.surroundings.local_as);
        let (remote, own) = (neighbor.remote_as, self.surroundings.local_as);
        let name = &neighbor.name;
        let idle = |says: String| Fault::warning(step.span.clone(), says);
        Some(match &step.what {
            Do::Act(Action::LocalPref(_)) if external && side == Side::Export => {
                self.fault(idle(format!(
                    "`{name}` is external and is told no LOCAL_PREF (RFC 4271 §5.1.5): no effect"
                )));
                return None;
            }
            Do::Act(Action::Prepend { .. }) if !external && side == Side::Export => {
                self.fault(idle(format!(
                    "towards the internal neighbour `{name}` our AS is not prepended: no effect"
                )));
                return None;
            }
            Do::Act(action) => action.clone(),
            Do::AsOverride if !external || side == Side::Import => {
                let says = "`as-override` is for routes told to external neighbours";
                let advice = format!("`replace as {remote} with self` changes them on import");
                self.fault(Fault::error(step.span.clone(), says).try_this(advice));
                return None;
            }
            Do::AsOverride => Action::ReplaceAs {
                from: remote,
                to: own,
            },
            Do::ReplaceBySelf(from) => Action::ReplaceAs {
                from: *from,
                to: own,
            },
            Do::NextHopSelf => Action::NextHop(neighbor.local_address),
            Do::NextHopPeer => Action::NextHop(neighbor.address),
            Do::Remove(set) => match self.entries(set)? {
                Entries::Asns(list) => Action::RemoveAs(list.clone()),
                Entries::Communities(list) => Action::RemoveCommunities(list.clone()),
                Entries::ExtCommunities(list) => Action::RemoveExtCommunities(list.clone()),
                Entries::LargeCommunities(list) => Action::RemoveLargeCommunities(list.clone()),
                Entries::AsPaths(_) | Entries::Prefixes(_) => return None,
            },
            Do::Call(_) => return None,
        })
    }
}

fn in_entries(field: Field, entries: &Entries) -> Match {
    match (field, entries) {
        (Field::NextHop, Entries::Prefixes(list)) => {
            Match::NextHopIn(PrefixSet::new(list.iter().copied()))
        }
        (_, Entries::Prefixes(list)) => Match::PrefixIn(PrefixSet::new(list.iter().copied())),
        (Field::NeighborAs, Entries::Asns(list)) => Match::NeighborAs(list.clone()),
        (_, Entries::Asns(list)) => Match::OriginAs(list.clone()),
        (_, Entries::Communities(list)) => Match::CommunityIn(list.clone()),
        (_, Entries::ExtCommunities(list)) => Match::ExtCommunityIn(list.clone()),
        (_, Entries::LargeCommunities(list)) => Match::LargeCommunityIn(list.clone()),
        (_, Entries::AsPaths(list)) => match list.as_slice() {
            [one] => Match::AsPathMatches(one.clone()),
            many => Match::Any(many.iter().cloned().map(Match::AsPathMatches).collect()),
        },
    }
}
