//! The tree as text. What is printed is read back as the same tree.

use core::fmt::{self, Display, Formatter, Write};

use super::Program;
use super::tree::{
    Condition, Definition, Do, End, Entries, Field, Kind, Named, PrefixRange, Set, Statement,
};
use crate::community::{ShowCommunity, ShowExt, ShowLarge};
use crate::policy::{Action, Match, Private, Range};
use crate::wire::attributes::Origin;

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for Definition { name, entries } in &self.sets {
            let word = entries.kind().word();
            writeln!(f, "{between}{word} {} = {}", name.text, List(entries))?;
            between = "";
        }
        if !self.sets.is_empty() {
            between = "\n";
        }
        for Named { name, statements } in &self.policies {
            writeln!(f, "{between}policy {} {{", name.text)?;
            for statement in statements {
                statement.fmt(f)?;
            }
            writeln!(f, "}}")?;
            between = "\n";
        }
        Ok(())
    }
}

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let lead = match &self.when {
            Some(when) => {
                writeln!(f, "    if {when} {{")?;
                "        "
            }
            None => "    ",
        };
        for step in &self.then {
            writeln!(f, "{lead}{}", step.what)?;
        }
        match self.end {
            Some(End::Accept) => writeln!(f, "{lead}accept")?,
            Some(End::Reject) => writeln!(f, "{lead}reject")?,
            Some(End::Return) => writeln!(f, "{lead}return")?,
            None => {}
        }
        match self.when {
            Some(_) => writeln!(f, "    }}"),
            None => Ok(()),
        }
    }
}

/// Values between brackets.
struct List<'a>(&'a Entries);

impl Display for List<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Entries::AsPaths(list) => listed(f, list, |f, one| write!(f, "\"{one}\"")),
            Entries::Asns(list) => listed(f, list, |f, one| as_range(f, *one)),
            Entries::Communities(list) => listed(f, list, |f, one| one.fmt(f)),
            Entries::ExtCommunities(list) => listed(f, list, |f, one| one.fmt(f)),
            Entries::LargeCommunities(list) => listed(f, list, |f, one| one.fmt(f)),
            Entries::Prefixes(list) => listed(f, list, |f, one| prefix(f, *one)),
        }
    }
}

fn listed<T>(
    f: &mut Formatter<'_>,
    list: &[T],
    one: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_char('[')?;
    for (place, value) in list.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        one(f, value)?;
    }
    f.write_char(']')
}

fn as_range(f: &mut Formatter<'_>, range: Range) -> fmt::Result {
    match range.min == range.max {
        true => write!(f, "{}", range.min),
        false => write!(f, "{}-{}", range.min, range.max),
    }
}

fn prefix(f: &mut Formatter<'_>, (net, ge, le): PrefixRange) -> fmt::Result {
    let longest = if net.is_v6() { 128 } else { 32 };
    match (ge == net.len(), le) {
        (true, le) if le == net.len() => write!(f, "{net}"),
        (true, le) if le == longest => write!(f, "{net}+"),
        _ => write!(f, "{net} ge {ge} le {le}"),
    }
}

/// A comparison with a number.
struct Compared(Range);

impl Display for Compared {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Range { min, max } if min == max => write!(f, "= {min}"),
            Range { min: 0, max } => write!(f, "<= {max}"),
            Range { min, max: u32::MAX } => write!(f, ">= {min}"),
            Range { min, max } => write!(f, "in {min}-{max}"),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(all) => joined(f, all, " and ", |inner| {
                matches!(inner, Self::All(_) | Self::Any(_))
            }),
            Self::Any(any) => joined(f, any, " or ", |inner| matches!(inner, Self::Any(_))),
            Self::Not(inner) => match &**inner {
                Self::Is(Match::Ipv6) => f.write_str("family ipv4"),
                Self::All(_) | Self::Any(_) => write!(f, "not ({inner})"),
                _ => write!(f, "not {inner}"),
            },
            Self::In(field, set) => compared_with_set(f, *field, set),
            Self::From(name) => write!(f, "from neighbor {}", name.text),
            Self::Is(holds) => plain_match(f, holds),
        }
    }
}

fn joined(
    f: &mut Formatter<'_>,
    parts: &[Condition],
    between: &str,
    grouped: impl Fn(&Condition) -> bool,
) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(between)?;
        }
        match grouped(part) {
            true => write!(f, "({part})")?,
            false => part.fmt(f)?,
        }
    }
    Ok(())
}

fn compared_with_set(f: &mut Formatter<'_>, field: Field, set: &Set) -> fmt::Result {
    let word = field.word();
    match set {
        Set::Named(_, name) => write!(f, "{word} in {}", name.text),
        Set::Here(entries) => match (entries, one(entries)) {
            (Entries::Prefixes(list), Some(text)) => match (field, list.as_slice()) {
                (Field::NextHop, [(net, ge, le)]) if net.len() == *ge && is_host(*net, *le) => {
                    write!(f, "{word} = {}", net.address())
                }
                (Field::NextHop, _) => write!(f, "{word} in [{text}]"),
                _ => write!(f, "{word} = {text}"),
            },
            (Entries::Asns(list), Some(text)) if list[0].min == list[0].max => {
                write!(f, "{word} = {text}")
            }
            (Entries::AsPaths(_), Some(text)) => write!(f, "{word} matches {text}"),
            (
                Entries::Communities(_) | Entries::ExtCommunities(_) | Entries::LargeCommunities(_),
                Some(text),
            ) => write!(f, "{word} has {text}"),
            _ => write!(f, "{word} in {}", List(entries)),
        },
    }
}

fn is_host(net: inet::Net, le: u8) -> bool {
    net.len() == le && net.len() == if net.is_v6() { 128 } else { 32 }
}

/// The entry of a set of one.
fn one(entries: &Entries) -> Option<String> {
    let len = match entries {
        Entries::AsPaths(list) => list.len(),
        Entries::Asns(list) => list.len(),
        Entries::Communities(list) => list.len(),
        Entries::ExtCommunities(list) => list.len(),
        Entries::LargeCommunities(list) => list.len(),
        Entries::Prefixes(list) => list.len(),
    };
    let text = List(entries).to_string();
    (len == 1).then(|| text[1..text.len() - 1].to_owned())
}

/// Matches that a condition holds as they are.
fn plain_match(f: &mut Formatter<'_>, holds: &Match) -> fmt::Result {
    match holds {
        Match::AsPathContains(asn) => write!(f, "as-path contains {asn}"),
        Match::AsPathIs(asns) => {
            f.write_str("as-path is ")?;
            listed(f, asns, |f, asn| asn.fmt(f))
        }
        Match::AsPathLength(range) => write!(f, "as-path length {}", Compared(*range)),
        Match::CommunitiesAre(list) => {
            f.write_str("community is ")?;
            listed(f, list, |f, one| ShowCommunity(*one).fmt(f))
        }
        Match::FromGroup(group) => write!(f, "from group {}", group.0),
        Match::Ipv6 => f.write_str("family ipv6"),
        Match::Length(range) => write!(f, "prefix length {}", Compared(*range)),
        Match::Local => f.write_str("from local"),
        Match::LocalPref(range) => write!(f, "local-pref {}", Compared(*range)),
        Match::Med(range) => write!(f, "med {}", Compared(*range)),
        Match::Origin(origin) => write!(f, "origin = {}", origin_word(*origin)),
        other => unreachable!("the parser makes no plain {other:?}"),
    }
}

const fn origin_word(origin: Origin) -> &'static str {
    match origin {
        Origin::Igp => "igp",
        Origin::Egp => "egp",
        Origin::Incomplete => "incomplete",
    }
}

impl Display for Do {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Act(action) => plain_action(f, action),
            Self::AsOverride => f.write_str("as-override"),
            Self::Call(name) => write!(f, "call {}", name.text),
            Self::NextHopSelf => f.write_str("set next-hop self"),
            Self::NextHopPeer => f.write_str("set next-hop peer"),
            Self::ReplaceBySelf(asn) => write!(f, "replace as {asn} with self"),
            Self::Remove(set) => {
                let (kind, text) = match set {
                    Set::Named(kind, name) => (*kind, format!("in {}", name.text)),
                    Set::Here(entries) => (entries.kind(), removed(entries)),
                };
                let word = match kind {
                    Kind::Communities => "community",
                    Kind::ExtCommunities => "ext-community",
                    Kind::LargeCommunities => "large-community",
                    Kind::AsPaths | Kind::Asns | Kind::Prefixes => "as",
                };
                write!(f, "remove {word} {text}")
            }
        }
    }
}

fn removed(entries: &Entries) -> String {
    match (entries, one(entries)) {
        (Entries::Asns(list), Some(_)) if list[0].min != list[0].max => {
            format!("in {}", List(entries))
        }
        (_, Some(text)) => text,
        _ => format!("in {}", List(entries)),
    }
}

/// Actions that a step holds as they are.
fn plain_action(f: &mut Formatter<'_>, action: &Action) -> fmt::Result {
    match action {
        Action::AddCommunity(one) => write!(f, "add community {}", ShowCommunity(*one)),
        Action::AddExtCommunity(one) => write!(f, "add ext-community {}", ShowExt(*one)),
        Action::AddLargeCommunity(one) => write!(f, "add large-community {}", ShowLarge(*one)),
        Action::AddMed(more) => write!(f, "add med {more}"),
        Action::Aggregate(net) => write!(f, "aggregate into {net}"),
        Action::LocalPref(value) => write!(f, "set local-pref {value}"),
        Action::Med(value) => write!(f, "set med {value}"),
        Action::RemoveMed => f.write_str("set med none"),
        Action::NextHop(address) => write!(f, "set next-hop {address}"),
        Action::Origin(origin) => write!(f, "set origin {}", origin_word(*origin)),
        Action::Prepend { times } => write!(f, "prepend {times}"),
        Action::PrependAs(asns) => {
            f.write_str("prepend ")?;
            listed(f, asns, |f, asn| asn.fmt(f))
        }
        Action::RemovePrivate(Private::All) => f.write_str("remove private-as"),
        Action::RemovePrivate(Private::Leading) => f.write_str("remove private-as leading"),
        Action::RemovePrivate(Private::Replace) => f.write_str("replace private-as"),
        Action::ReplaceAs { from, to } => write!(f, "replace as {from} with {to}"),
        Action::SetAsPath(asns) => {
            f.write_str("set as-path ")?;
            listed(f, asns, |f, asn| asn.fmt(f))
        }
        Action::SetCommunities(list) => {
            f.write_str("set communities ")?;
            listed(f, list, |f, one| ShowCommunity(*one).fmt(f))
        }
        Action::SetExtCommunities(list) => {
            f.write_str("set ext-communities ")?;
            listed(f, list, |f, one| ShowExt(*one).fmt(f))
        }
        Action::SetLargeCommunities(list) => {
            f.write_str("set large-communities ")?;
            listed(f, list, |f, one| ShowLarge(*one).fmt(f))
        }
        other => unreachable!("the parser makes no plain {other:?}"),
    }
}
