//! From the tree to policies: names looked up, called policies written out, types checked.

mod terms;

use std::collections::BTreeMap;

use super::tree::{Condition, Do, End, Kind, Name, Named, Set, Statement};
use super::{Fault, Program, Surroundings, Use, suggestion};
use crate::policy::Policy;

/// Names that every policy file has without defining them.
const BUILT_IN: [&str; 2] = ["accept", "reject"];

/// Checks what does not depend on where a policy is used.
pub(super) fn check(program: &Program, faults: &mut Vec<Fault>) {
    duplicates(program, faults);
    for policy in &program.policies {
        if BUILT_IN.contains(&policy.name.text.as_str()) {
            let says = format!("`{}` is built in", policy.name.text);
            faults.push(Fault::error(policy.name.span.clone(), says).try_this("take another name"));
        }
        statements(program, policy, faults);
        ending(policy, faults);
    }
    let mut sizes = BTreeMap::new();
    for policy in &program.policies {
        let size = size(program, policy, &mut sizes, faults);
        if size > Policy::TERMS_MAX {
            let most = Policy::TERMS_MAX;
            let says = format!("with all it calls this policy has over {most} statements");
            let advice = "name sets, and join conditions that do the same";
            faults.push(Fault::error(policy.name.span.clone(), says).try_this(advice));
        }
    }
}

fn duplicates(program: &Program, faults: &mut Vec<Fault>) {
    let mut seen = std::collections::BTreeSet::new();
    let sets = program.sets.iter();
    let sets = sets.map(|set| (set.entries.kind().word(), &set.name));
    let policies = program.policies.iter().map(|p| ("policy", &p.name));
    for (kind, name) in sets.chain(policies) {
        if !seen.insert((kind, name.text.as_str())) {
            let says = format!("`{kind} {}` is here twice", name.text);
            faults.push(Fault::error(name.span.clone(), says));
        }
    }
}

fn statements(program: &Program, policy: &Named, faults: &mut Vec<Fault>) {
    let mut ended = false;
    for statement in &policy.statements {
        if ended {
            let says = "nothing gets here: the verdict before it has no condition";
            faults.push(Fault::warning(statement.span.clone(), says));
            ended = false;
        }
        ended |= statement.when.is_none() && statement.end.is_some();
        if let Some(when) = &statement.when {
            names(program, when, faults);
            if statement.end == Some(End::Return) {
                let advice = "`return` is a policy's last word; let the rest depend on `not (…)`";
                let says = "an `if` cannot `return`";
                faults.push(Fault::error(statement.span.clone(), says).try_this(advice));
            }
        }
        for step in &statement.then {
            match &step.what {
                Do::Remove(Set::Named(kind, name)) => known_set(program, *kind, name, faults),
                Do::Call(name) => known_policy(program, name, faults),
                _ => {}
            }
        }
        let acts = |step: &super::tree::Step| !matches!(step.what, Do::Call(_));
        if statement.end == Some(End::Reject) && statement.then.iter().any(acts) {
            let says = "a route that is rejected is not changed: these actions have no effect";
            faults.push(Fault::warning(statement.span.clone(), says));
        }
    }
}

fn names(program: &Program, condition: &Condition, faults: &mut Vec<Fault>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            for part in parts {
                names(program, part, faults);
            }
        }
        Condition::Not(inner) => names(program, inner, faults),
        Condition::In(_, Set::Named(kind, name)) => known_set(program, *kind, name, faults),
        Condition::In(_, Set::Here(_)) | Condition::From(_) | Condition::Is(_) => {}
    }
}

fn known_set(program: &Program, kind: Kind, name: &Name, faults: &mut Vec<Fault>) {
    let named = |set: &&super::tree::Definition| set.name == *name;
    let mut same = program.sets.iter().filter(named).peekable();
    let Some(first) = same.peek() else {
        let known = program.sets.iter();
        let known = known.filter(|set| set.entries.kind() == kind);
        let advice = suggestion(&name.text, known.map(|set| set.name.text.as_str()));
        let says = format!("there is no set `{} {}`", kind.word(), name.text);
        faults.push(Fault::error(name.span.clone(), says).try_this(advice));
        return;
    };
    let found = first.entries.kind();
    if !same.any(|set| set.entries.kind() == kind) {
        let says = format!(
            "`{}` is a set of {}, and {} are compared here",
            name.text,
            found.word(),
            kind.word()
        );
        faults.push(Fault::error(name.span.clone(), says));
    }
}

fn known_policy(program: &Program, name: &Name, faults: &mut Vec<Fault>) {
    if program.policies.iter().all(|policy| policy.name != *name) {
        let says = format!("there is no policy `{}`", name.text);
        let advice = suggestion(&name.text, program.policies());
        faults.push(Fault::error(name.span.clone(), says).try_this(advice));
    }
}

/// The last word of a policy says what becomes of a route that gets there.
fn ending(policy: &Named, faults: &mut Vec<Fault>) {
    let ends = |statement: &Statement| statement.when.is_none() && statement.end.is_some();
    if !policy.statements.iter().any(ends) {
        let says = format!(
            "`{}` does not say what happens at its end",
            policy.name.text
        );
        let advice = "end it with `accept` or `reject`, or with `return` when others call it";
        faults.push(Fault::error(policy.name.span.clone(), says).try_this(advice));
    }
}

/// How many terms a policy has with all that it calls; a cycle is reported.
fn size<'a>(
    program: &'a Program,
    policy: &'a Named,
    sizes: &mut BTreeMap<&'a str, Option<usize>>,
    faults: &mut Vec<Fault>,
) -> usize {
    let name = policy.name.text.as_str();
    match sizes.get(name) {
        Some(Some(known)) => return *known,
        Some(None) => return 0,
        None => {}
    }
    sizes.insert(name, None);
    let mut total = 0_usize;
    for statement in &policy.statements {
        total = total.saturating_add(1);
        for step in &statement.then {
            let Do::Call(called) = &step.what else {
                continue;
            };
            if sizes.get(called.text.as_str()) == Some(&None) {
                let says = format!("`{}` calls itself through this", called.text);
                faults.push(Fault::error(step.span.clone(), says));
            } else if let Some(called) = program.policies.iter().find(|p| p.name == *called) {
                if sizes.len() > CALLS_MAX {
                    let says = "policies call each other over 200 deep";
                    faults.push(Fault::error(step.span.clone(), says));
                    return total;
                }
                let inner = size(program, called, sizes, faults);
                total = total.saturating_add(inner).saturating_add(1);
            }
        }
    }
    sizes.insert(name, Some(total));
    total
}

/// Policies over this are not counted: nobody writes so many, and counting goes down a call for
/// each.
const CALLS_MAX: usize = 200;

/// Makes a policy for its use at a neighbour.
pub(super) fn policy(
    program: &Program,
    name: &str,
    place: Use<'_>,
    surroundings: Surroundings<'_>,
) -> (Option<Policy>, Vec<Fault>) {
    match name {
        "accept" => return (Some(Policy::accept_all()), Vec::new()),
        "reject" => return (Some(Policy::reject_all()), Vec::new()),
        _ => {}
    }
    let index = program.index();
    let Some(named) = index.get(name) else {
        let known = index.keys().copied().chain(BUILT_IN);
        let says = format!("there is no policy `{name}`");
        let fault = Fault::error(0..0, says).try_this(suggestion(name, known));
        return (None, vec![fault]);
    };
    let mut writer = terms::Writer::new(program, &index, place, surroundings);
    let otherwise = writer.whole(named);
    let (terms, faults) = writer.finish();
    let wrong = faults.iter().any(|fault| !fault.warning);
    let policy = otherwise.and_then(|otherwise| Policy::new(terms, otherwise));
    (policy.filter(|_| !wrong), faults)
}
