//! From words to the tree: statements, conditions and actions.

use super::parser::{Failed, Parsed, Parser};
use super::tree::{Condition, Do, Entries, Field, Kind, Set, Statement, Step};
use super::{Fault, words};
use crate::community;
use crate::policy::{Action, Match, Private, Range};
use crate::settings::Group;
use crate::wire::attributes::Origin;

/// Conditions inside each other over this are refused.
const DEPTH_MAX: usize = 32;

/// The words that a statement can begin with.
const STATEMENTS: &[&str] = &[
    "accept",
    "add",
    "aggregate",
    "as-override",
    "call",
    "if",
    "prepend",
    "reject",
    "remove",
    "replace",
    "return",
    "set",
];

/// The words that a condition can begin with.
const CONDITIONS: &[&str] = &[
    "as-path",
    "community",
    "ext-community",
    "family",
    "from",
    "large-community",
    "local-pref",
    "med",
    "neighbor-as",
    "next-hop",
    "not",
    "origin",
    "origin-as",
    "prefix",
];

impl Parser<'_> {
    /// Statements up to `}`.
    pub(super) fn statements(&mut self) -> Vec<Statement> {
        let mut all = Vec::new();
        while !self.ends() {
            let first = self.place();
            let statement = match self.takes("if") {
                true => self.conditional(first),
                false => self.unconditional(first),
            };
            match statement {
                Ok(statement) => all.push(statement),
                Err(Failed) => self.skip_to_statement(first),
            }
        }
        all
    }

    fn ends(&self) -> bool {
        matches!(
            self.word().kind,
            words::Kind::End | words::Kind::Sign("}") | words::Kind::Plain("policy")
        )
    }

    /// To the next word that a statement can begin with; braces are kept in pairs.
    fn skip_to_statement(&mut self, before: usize) {
        if self.place() == before {
            self.step();
        }
        let mut open = 0_usize;
        while self.word().kind != words::Kind::End {
            match self.word().kind {
                words::Kind::Sign("{") => open += 1,
                words::Kind::Sign("}") if open == 0 => return,
                words::Kind::Sign("}") => {
                    open -= 1;
                    if open == 0 {
                        self.step();
                        return;
                    }
                }
                words::Kind::Plain(word) if open == 0 && STATEMENTS.contains(&word) => return,
                _ => {}
            }
            self.step();
        }
    }

    fn conditional(&mut self, first: usize) -> Parsed<Statement> {
        let when = self.condition()?;
        self.require("{")?;
        let mut then = Vec::new();
        let mut end = None;
        while !self.takes("}") {
            if end.is_some() {
                return self.expected("`}` behind the verdict", "");
            }
            if self.plain() == Some("if") {
                let advice = "join the conditions with `and`, or `call` another policy";
                return self.fail("an `if` has no `if` inside", advice);
            }
            end = self.end();
            if end.is_none() {
                then.push(self.action()?);
            }
        }
        Ok(Statement {
            when: Some(when),
            then,
            end,
            span: self.span_from(first),
        })
    }

    /// Actions up to a verdict, an `if`, or the end.
    fn unconditional(&mut self, first: usize) -> Parsed<Statement> {
        let mut then = Vec::new();
        let mut end = None;
        while !self.ends() && end.is_none() && self.plain() != Some("if") {
            end = self.end();
            if end.is_none() {
                then.push(self.action()?);
            }
        }
        Ok(Statement {
            when: None,
            then,
            end,
            span: self.span_from(first),
        })
    }

    /// `a and b or c`: `and` binds closer.
    fn condition(&mut self) -> Parsed<Condition> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            self.depth -= 1;
            return self.fail(
                "conditions are nested over 32 deep",
                "name parts of it as sets",
            );
        }
        let mut any = vec![self.all()?];
        while self.takes("or") {
            any.push(self.all()?);
        }
        self.depth -= 1;
        Ok(match any.len() {
            1 => any.remove(0),
            _ => Condition::Any(any),
        })
    }

    fn all(&mut self) -> Parsed<Condition> {
        let mut all = vec![self.one()?];
        while self.takes("and") {
            all.push(self.one()?);
        }
        Ok(match all.len() {
            1 => all.remove(0),
            _ => Condition::All(all),
        })
    }

    fn one(&mut self) -> Parsed<Condition> {
        if self.takes("not") {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return self.fail("conditions are nested over 32 deep", "");
            }
            let inner = self.one()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.takes("(") {
            let inner = self.condition()?;
            self.require(")")?;
            return Ok(inner);
        }
        let Some(word) = self.plain().filter(|word| CONDITIONS.contains(word)) else {
            return self.unknown("a condition", CONDITIONS);
        };
        self.step();
        match word {
            "prefix" => self.of_prefix(),
            "as-path" => self.of_as_path(),
            "family" => self.family(),
            "neighbor-as" => self.of_as(Field::NeighborAs),
            "origin-as" => self.of_as(Field::OriginAs),
            "community" => self.of_community(),
            "large-community" => self.carries(Field::LargeCommunity, |parser| {
                Ok(Entries::LargeCommunities(vec![parser.large_community()?]))
            }),
            "ext-community" => self.carries(Field::ExtCommunity, |parser| {
                Ok(Entries::ExtCommunities(vec![parser.ext_community()?]))
            }),
            "next-hop" => self.of_next_hop(),
            "med" => self.compared(Match::Med),
            "local-pref" => self.compared(Match::LocalPref),
            "origin" => {
                self.require("=")?;
                self.origin()
                    .map(|origin| Condition::Is(Match::Origin(origin)))
            }
            _ => self.from(),
        }
    }

    fn of_prefix(&mut self) -> Parsed<Condition> {
        if self.takes("length") {
            return self.compared(Match::Length);
        }
        if self.takes("=") {
            let one = self.prefix()?;
            return Ok(Condition::In(
                Field::Prefix,
                Set::Here(Entries::Prefixes(vec![one])),
            ));
        }
        self.in_set(Field::Prefix, &["in", "=", "length"])
    }

    fn in_set(&mut self, field: Field, known: &[&str]) -> Parsed<Condition> {
        if !self.takes("in") {
            return self.unknown("a comparison", known);
        }
        Ok(Condition::In(field, self.set(field.kind())?))
    }

    fn of_as_path(&mut self) -> Parsed<Condition> {
        if self.takes("length") {
            return self.compared(Match::AsPathLength);
        }
        if self.takes("contains") {
            return Ok(Condition::Is(Match::AsPathContains(self.asn()?)));
        }
        if self.takes("is") {
            let asns = self.list(Self::asn)?;
            return Ok(Condition::Is(Match::AsPathIs(asns)));
        }
        if self.takes("matches") {
            let one = Entries::AsPaths(vec![self.pattern()?]);
            return Ok(Condition::In(Field::AsPath, Set::Here(one)));
        }
        self.in_set(
            Field::AsPath,
            &["contains", "in", "is", "length", "matches"],
        )
    }

    fn of_as(&mut self, field: Field) -> Parsed<Condition> {
        if self.takes("=") {
            let one = Entries::Asns(vec![Range::one(self.asn()?.0)]);
            return Ok(Condition::In(field, Set::Here(one)));
        }
        self.in_set(field, &["=", "in"])
    }

    fn of_community(&mut self) -> Parsed<Condition> {
        if self.takes("is") {
            let list = self.list(Self::one_community)?;
            return Ok(Condition::Is(Match::CommunitiesAre(list)));
        }
        self.carries(Field::Community, |parser| {
            Ok(Entries::Communities(vec![parser.community()?]))
        })
    }

    fn carries(
        &mut self,
        field: Field,
        one: impl Fn(&mut Self) -> Parsed<Entries>,
    ) -> Parsed<Condition> {
        if self.takes("has") {
            return Ok(Condition::In(field, Set::Here(one(self)?)));
        }
        let known: &[&str] = match field {
            Field::Community => &["has", "in", "is"],
            _ => &["has", "in"],
        };
        self.in_set(field, known)
    }

    fn of_next_hop(&mut self) -> Parsed<Condition> {
        if self.takes("=") {
            let net = inet::Net::host(self.address()?);
            let one = Entries::Prefixes(vec![(net, net.len(), net.len())]);
            return Ok(Condition::In(Field::NextHop, Set::Here(one)));
        }
        self.in_set(Field::NextHop, &["=", "in"])
    }

    fn family(&mut self) -> Parsed<Condition> {
        let v6 = Condition::Is(Match::Ipv6);
        if self.takes("ipv6") {
            return Ok(v6);
        }
        if self.takes("ipv4") {
            return Ok(Condition::Not(Box::new(v6)));
        }
        self.unknown("a family", &["ipv4", "ipv6"])
    }

    fn from(&mut self) -> Parsed<Condition> {
        if self.takes("local") {
            return Ok(Condition::Is(Match::Local));
        }
        if self.takes("neighbor") {
            return self.neighbor().map(Condition::From);
        }
        if self.takes("group") {
            let number = self.number()?;
            let Ok(group) = u8::try_from(number) else {
                return self.fail("a group is a number up to 255", "");
            };
            return Ok(Condition::Is(Match::FromGroup(Group(group))));
        }
        self.unknown("where it is from", &["group", "local", "neighbor"])
    }

    /// The name of a neighbour, as in the configuration.
    fn neighbor(&mut self) -> Parsed<super::tree::Name> {
        let Some(text) = self.plain() else {
            return self.expected("the name of a neighbour", "");
        };
        let name = super::tree::Name {
            text: text.to_owned(),
            span: self.word().span.clone(),
        };
        self.step();
        Ok(name)
    }

    /// A comparison with a number.
    fn compared(&mut self, of: impl Fn(Range) -> Match) -> Parsed<Condition> {
        let words::Kind::Sign(sign) = self.word().kind else {
            if self.takes("in") {
                let range = self.range()?;
                return Ok(Condition::Is(of(range)));
            }
            return self.expected("a comparison", "known here: =, !=, <, <=, >, >=, in");
        };
        if !matches!(sign, "=" | "!=" | "<" | "<=" | ">" | ">=") {
            return self.expected("a comparison", "known here: =, !=, <, <=, >, >=, in");
        }
        self.step();
        let number = self.number()?;
        let never = "no number is smaller than 0 or greater than 4294967295";
        let range = match sign {
            "<" => number.checked_sub(1).map(|max| Range { min: 0, max }),
            "<=" => Some(Range {
                min: 0,
                max: number,
            }),
            ">" => number.checked_add(1).map(|min| Range { min, ..Range::ALL }),
            ">=" => Some(Range {
                min: number,
                ..Range::ALL
            }),
            _ => Some(Range::one(number)),
        };
        let Some(range) = range else {
            return self.fail(never, "");
        };
        let holds = Condition::Is(of(range));
        Ok(match sign {
            "!=" => Condition::Not(Box::new(holds)),
            _ => holds,
        })
    }

    /// `16-24`.
    fn range(&mut self) -> Parsed<Range> {
        let range = self.plain().and_then(|text| {
            let (min, max) = text.split_once('-')?;
            let (min, max) = (min.parse().ok()?, max.parse().ok()?);
            (min <= max).then_some(Range { min, max })
        });
        match range {
            Some(range) => {
                self.step();
                Ok(range)
            }
            None => self.expected("a range", "such as 16-24"),
        }
    }

    fn origin(&mut self) -> Parsed<Origin> {
        let origin = match self.plain() {
            Some("igp") => Origin::Igp,
            Some("egp") => Origin::Egp,
            Some("incomplete") => Origin::Incomplete,
            _ => return self.unknown("an origin", &["egp", "igp", "incomplete"]),
        };
        self.step();
        Ok(origin)
    }

    /// One action with its place.
    fn action(&mut self) -> Parsed<Step> {
        let first = self.place();
        let Some(word) = self.plain().filter(|word| STATEMENTS.contains(word)) else {
            return self.unknown("an action or verdict", STATEMENTS);
        };
        self.step();
        let what = match word {
            "set" => self.set_action()?,
            "add" => self.add()?,
            "remove" => self.remove()?,
            "prepend" => self.prepend()?,
            "replace" => self.replace()?,
            "aggregate" => {
                if !self.takes("into") {
                    return self.expected("`into`", "aggregate into 10.0.0.0/8");
                }
                Do::Act(Action::Aggregate(self.net()?))
            }
            "as-override" => Do::AsOverride,
            "call" => Do::Call(self.name("the name of a policy")?),
            _ => return self.unknown("an action", STATEMENTS),
        };
        let span = self.span_from(first);
        self.takes(";");
        Ok(Step { what, span })
    }

    fn set_action(&mut self) -> Parsed<Do> {
        let known = [
            "as-path",
            "communities",
            "ext-communities",
            "large-communities",
            "local-pref",
            "med",
            "next-hop",
            "origin",
        ];
        let Some(word) = self.plain().filter(|word| known.contains(word)) else {
            return self.unknown("what to set", &known);
        };
        self.step();
        Ok(Do::Act(match word {
            "local-pref" => Action::LocalPref(self.number()?),
            "med" if self.takes("none") => Action::RemoveMed,
            "med" => Action::Med(self.number()?),
            "origin" => Action::Origin(self.origin()?),
            "next-hop" if self.takes("self") => return Ok(Do::NextHopSelf),
            "next-hop" if self.takes("peer") => return Ok(Do::NextHopPeer),
            "next-hop" => Action::NextHop(self.address()?),
            "as-path" => Action::SetAsPath(self.list(Self::asn)?),
            "communities" => Action::SetCommunities(self.list(Self::one_community)?),
            "ext-communities" => Action::SetExtCommunities(self.list(Self::one_ext_community)?),
            _ => Action::SetLargeCommunities(self.list(Self::one_large_community)?),
        }))
    }

    fn add(&mut self) -> Parsed<Do> {
        Ok(Do::Act(if self.takes("community") {
            Action::AddCommunity(self.one_community()?)
        } else if self.takes("large-community") {
            Action::AddLargeCommunity(self.one_large_community()?)
        } else if self.takes("ext-community") {
            Action::AddExtCommunity(self.one_ext_community()?)
        } else if self.takes("med") {
            Action::AddMed(self.number()?)
        } else {
            let known = ["community", "ext-community", "large-community", "med"];
            return self.unknown("what to add", &known);
        }))
    }

    fn remove(&mut self) -> Parsed<Do> {
        if self.takes("private-as") {
            if self.takes("leading") {
                return Ok(Do::Act(Action::RemovePrivate(Private::Leading)));
            }
            return Ok(Do::Act(Action::RemovePrivate(Private::All)));
        }
        let kinds = [
            ("as", Kind::Asns),
            ("community", Kind::Communities),
            ("ext-community", Kind::ExtCommunities),
            ("large-community", Kind::LargeCommunities),
        ];
        let found = kinds
            .into_iter()
            .find(|(word, _)| self.plain() == Some(word));
        let Some((_, kind)) = found else {
            let known = [
                "as",
                "community",
                "ext-community",
                "large-community",
                "private-as",
            ];
            return self.unknown("what to remove", &known);
        };
        self.step();
        if self.takes("in") {
            return self.set(kind).map(Do::Remove);
        }
        let one = match kind {
            Kind::Communities => Entries::Communities(vec![self.community()?]),
            Kind::ExtCommunities => Entries::ExtCommunities(vec![self.ext_community()?]),
            Kind::LargeCommunities => Entries::LargeCommunities(vec![self.large_community()?]),
            _ => Entries::Asns(vec![Range::one(self.asn()?.0)]),
        };
        Ok(Do::Remove(Set::Here(one)))
    }

    fn prepend(&mut self) -> Parsed<Do> {
        if self.word().kind == words::Kind::Sign("[") {
            let asns = self.list(Self::asn)?;
            return Ok(Do::Act(Action::PrependAs(asns)));
        }
        let before = self.word().span.clone();
        let number = self.number()?;
        match u8::try_from(number) {
            Ok(times) if times <= PREPEND_MAX => Ok(Do::Act(Action::Prepend { times })),
            _ => {
                let says = format!("{number} times is more than any network takes");
                let advice = format!("up to {PREPEND_MAX}; to prepend that AS write [{number}]");
                self.faults
                    .push(Fault::error(before, says).try_this(advice));
                Err(Failed)
            }
        }
    }

    fn replace(&mut self) -> Parsed<Do> {
        if self.takes("private-as") {
            return Ok(Do::Act(Action::RemovePrivate(Private::Replace)));
        }
        if !self.takes("as") {
            return self.unknown("what to replace", &["as", "private-as"]);
        }
        let from = self.asn()?;
        if !self.takes("with") {
            return self.expected("`with`", "replace as 65001 with self");
        }
        if self.takes("self") {
            return Ok(Do::ReplaceBySelf(from));
        }
        let to = self.asn()?;
        Ok(Do::Act(Action::ReplaceAs { from, to }))
    }

    /// A community without wildcards.
    fn one_community(&mut self) -> Parsed<u32> {
        let value = self.plain().and_then(community::community);
        self.exactly(value, "a community", "such as 65001:100 or no-export")
    }

    fn one_large_community(&mut self) -> Parsed<[u32; 3]> {
        let value = self.plain().and_then(community::large_community);
        self.exactly(value, "a large community", "such as 65001:1:2")
    }

    fn one_ext_community(&mut self) -> Parsed<u64> {
        let value = self.plain().and_then(community::ext_community);
        self.exactly(value, "an extended community", "such as rt:65001:100")
    }

    fn exactly<T>(&mut self, value: Option<T>, what: &str, advice: &str) -> Parsed<T> {
        match value {
            Some(value) => {
                self.step();
                Ok(value)
            }
            None => self.expected(what, advice),
        }
    }
}

/// The most that a path is prepended: longer paths are cut or refused on the way.
const PREPEND_MAX: u8 = 32;
