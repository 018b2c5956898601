//! Random texts and routes: printing loses nothing, and policies mean what a naive reading says.

use proptest::prelude::*;

use inet::{Asn, Net};

use super::super::super::Source;
use super::super::tree::{
    Condition, Definition, Do, End, Entries, Field, Name, Named, Set, Statement, Step,
};
use super::super::{Program, Side, Surroundings, Use};
use super::{OURS, neighbor};
use crate::policy::{Action, CommunityPattern, LargePattern, Match, Private, Range};
use crate::settings::{Group, NeighborId};
use crate::wire::attributes::{AsPath, Attributes, Origin};

fn name(text: &str) -> Name {
    Name {
        text: text.to_owned(),
        span: 0..0,
    }
}

fn arb_range(most: u32) -> impl Strategy<Value = Range> {
    (0..=most, 0..=most).prop_map(|(a, b)| Range {
        min: a.min(b),
        max: a.max(b),
    })
}

fn arb_prefix() -> impl Strategy<Value = (Net, u8, u8)> {
    (any::<u32>(), 0..=4u8, any::<bool>(), any::<(u8, u8)>()).prop_map(
        |(bits, len, six, (a, b))| {
            let address: std::net::IpAddr = match six {
                true => std::net::Ipv6Addr::from_bits(u128::from(bits) << 96).into(),
                false => std::net::Ipv4Addr::from_bits(bits).into(),
            };
            let most = if six { 128 } else { 32 };
            let net = Net::around(address, len).expect("a short prefix");
            let (a, b) = (a.clamp(len, most), b.clamp(len, most));
            (net, a.min(b), a.max(b))
        },
    )
}

fn arb_entries(field: Field) -> BoxedStrategy<Entries> {
    let few = 1..4usize;
    match field {
        Field::AsPath => prop::collection::vec(
            prop::sample::select(vec!["^1 .*$", "2", "[1-3]+$", "^(1|2)? 3{1,2}"]),
            few,
        )
        .prop_map(|texts| {
            Entries::AsPaths(
                texts
                    .iter()
                    .map(|t| t.parse().expect("a pattern"))
                    .collect(),
            )
        })
        .boxed(),
        Field::Community => {
            let one = (arb_range(3), arb_range(3));
            let one = one.prop_map(|(high, low)| CommunityPattern { high, low });
            prop::collection::vec(one, few)
                .prop_map(Entries::Communities)
                .boxed()
        }
        Field::LargeCommunity => {
            let one = (arb_range(2), arb_range(2), arb_range(2));
            let one = one.prop_map(|(a, b, c)| LargePattern([a, b, c]));
            prop::collection::vec(one, few)
                .prop_map(Entries::LargeCommunities)
                .boxed()
        }
        Field::NeighborAs | Field::OriginAs => prop::collection::vec(arb_range(4), few)
            .prop_map(Entries::Asns)
            .boxed(),
        _ => prop::collection::vec(arb_prefix(), few)
            .prop_map(Entries::Prefixes)
            .boxed(),
    }
}

fn arb_leaf() -> impl Strategy<Value = Condition> {
    let fields = vec![
        Field::AsPath,
        Field::Community,
        Field::LargeCommunity,
        Field::NeighborAs,
        Field::OriginAs,
        Field::Prefix,
        Field::NextHop,
    ];
    let sets = prop::sample::select(fields).prop_flat_map(|field| {
        prop_oneof![
            4 => arb_entries(field).prop_map(Set::Here),
            1 => Just(Set::Named(field.kind(), name("known"))),
        ]
        .prop_map(move |set| Condition::In(field, set))
    });
    let plain = prop_oneof![
        (1..4u32).prop_map(|asn| Match::AsPathContains(Asn(asn))),
        arb_range(4).prop_map(Match::AsPathLength),
        arb_range(128).prop_map(Match::Length),
        arb_range(3).prop_map(Match::Med),
        arb_range(200).prop_map(Match::LocalPref),
        Just(Match::Ipv6),
        Just(Match::Local),
        (0..2u8).prop_map(|group| Match::FromGroup(Group(group))),
        Just(Match::Origin(Origin::Egp)),
        prop::collection::vec(0..3u32, 0..3).prop_map(Match::CommunitiesAre),
    ];
    let from = prop::sample::select(vec!["bird1", "frr1"]).prop_map(|n| Condition::From(name(n)));
    prop_oneof![5 => sets, 4 => plain.prop_map(Condition::Is), 1 => from]
}

fn arb_condition() -> impl Strategy<Value = Condition> {
    arb_leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    })
}

fn arb_do() -> impl Strategy<Value = Do> {
    let plain = prop_oneof![
        (0..4u32).prop_map(Action::Med),
        (0..4u32).prop_map(Action::AddMed),
        Just(Action::RemoveMed),
        (0..300u32).prop_map(Action::LocalPref),
        any::<u32>().prop_map(Action::AddCommunity),
        any::<u64>().prop_map(Action::AddExtCommunity),
        any::<[u32; 3]>().prop_map(Action::AddLargeCommunity),
        (0..4u8).prop_map(|times| Action::Prepend { times }),
        prop::collection::vec((0..9u32).prop_map(Asn), 0..3).prop_map(Action::PrependAs),
        prop::collection::vec((0..9u32).prop_map(Asn), 0..3).prop_map(Action::SetAsPath),
        prop::collection::vec(any::<u32>(), 0..3).prop_map(Action::SetCommunities),
        Just(Action::RemovePrivate(Private::Leading)),
        Just(Action::Origin(Origin::Incomplete)),
        (1..4u32, 1..4u32).prop_map(|(from, to)| Action::ReplaceAs {
            from: Asn(from),
            to: Asn(to),
        }),
    ];
    prop_oneof![
        8 => plain.prop_map(Do::Act),
        1 => arb_entries(Field::Community).prop_map(|entries| Do::Remove(Set::Here(entries))),
        1 => arb_entries(Field::NeighborAs).prop_map(|entries| Do::Remove(Set::Here(entries))),
        1 => Just(Do::NextHopSelf),
        1 => Just(Do::Call(name("called"))),
    ]
}

fn arb_statement() -> impl Strategy<Value = Statement> {
    let end = prop_oneof![
        2 => Just(None),
        1 => Just(Some(End::Accept)),
        1 => Just(Some(End::Reject)),
    ];
    let steps = prop::collection::vec(arb_do(), 0..3);
    (arb_condition(), steps, end).prop_map(|(when, then, end)| Statement {
        when: Some(when),
        then: steps_of(then),
        end,
        span: 0..0,
    })
}

fn steps_of(then: Vec<Do>) -> Vec<Step> {
    let step = |what| Step { what, span: 0..0 };
    then.into_iter().map(step).collect()
}

fn last(end: End) -> Statement {
    Statement {
        when: None,
        then: Vec::new(),
        end: Some(end),
        span: 0..0,
    }
}

/// A policy `p` that may call `called`, with a set `known` of each kind.
fn arb_program() -> impl Strategy<Value = Program> {
    let fields = [
        Field::AsPath,
        Field::Community,
        Field::LargeCommunity,
        Field::NeighborAs,
        Field::Prefix,
    ];
    let sets = fields.map(|field| {
        arb_entries(field).prop_map(|entries| Definition {
            name: name("known"),
            entries,
        })
    });
    let statements = || prop::collection::vec(arb_statement(), 0..4);
    (sets, statements(), statements(), any::<bool>()).prop_map(
        |(sets, mut own, mut called, accepts)| {
            own.push(last(if accepts { End::Accept } else { End::Reject }));
            // What is called calls nothing.
            for statement in &mut called {
                statement
                    .then
                    .retain(|step| !matches!(step.what, Do::Call(_)));
            }
            called.push(last(End::Return));
            let named = |text: &str, statements| Named {
                name: name(text),
                statements,
            };
            Program {
                sets: sets.into(),
                policies: vec![named("p", own), named("called", called)],
            }
        },
    )
}

fn arb_route() -> impl Strategy<Value = (Net, Source, Attributes)> {
    let source = prop_oneof![
        Just(Source::Local),
        (0..2u32, 0..2u8).prop_map(|(id, group)| Source::Neighbor(NeighborId(id), Group(group))),
    ];
    let attributes = (
        prop::collection::vec(1..4u32, 0..4),
        prop::collection::vec(0..3u32, 0..3),
        prop::collection::vec([0..3u32, 0..3u32, 0..3u32], 0..2),
        prop::option::of(0..4u32),
        prop::option::of(prop::sample::select(vec![0, 100, 200u32])),
    );
    (arb_prefix(), source, attributes).prop_map(
        |((net, ge, _), source, (path, communities, large, med, local_pref))| {
            let mut attributes = Attributes::new(std::net::Ipv4Addr::new(192, 0, 2, 2));
            attributes.as_path = AsPath::sequence(path.into_iter().map(Asn));
            attributes.communities = communities;
            attributes.large_communities = large;
            attributes.med = med;
            attributes.local_pref = local_pref;
            let net = Net::around(net.address(), ge).expect("a length of the family");
            (net, source, attributes)
        },
    )
}

/// The policy as a person reads it: one statement after the other, conditions about the route as
/// it came, changes kept until somebody accepts.
struct RefReader<'a> {
    program: &'a Program,
    net: Net,
    source: Source,
    came: &'a Attributes,
    changed: Attributes,
}

impl RefReader<'_> {
    /// `Some` when the route was accepted or rejected.
    fn read(&mut self, policy: &str) -> Option<bool> {
        let named = self.program.policies.iter().find(|p| p.name.text == policy);
        for statement in &named.expect("it is there").statements {
            if statement
                .when
                .as_ref()
                .is_some_and(|when| !self.holds(when))
            {
                continue;
            }
            for step in &statement.then {
                match &step.what {
                    Do::Call(name) => {
                        if let Some(verdict) = self.read(&name.text) {
                            return Some(verdict);
                        }
                    }
                    Do::Act(action) => action.apply(&mut self.changed, Some(OURS)),
                    Do::NextHopSelf => self.changed.next_hop = neighbor(1).local_address,
                    Do::Remove(Set::Here(Entries::Communities(list))) => self
                        .changed
                        .communities
                        .retain(|c| !list.iter().any(|pattern| pattern.matches(*c))),
                    Do::Remove(Set::Here(Entries::Asns(list))) => {
                        Action::RemoveAs(list.clone()).apply(&mut self.changed, None);
                    }
                    other => unreachable!("{other:?} is not made"),
                }
            }
            match statement.end {
                Some(End::Accept) => return Some(true),
                Some(End::Reject) => return Some(false),
                Some(End::Return) => return None,
                None => {}
            }
        }
        None
    }

    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::All(all) => all.iter().all(|c| self.holds(c)),
            Condition::Any(any) => any.iter().any(|c| self.holds(c)),
            Condition::Not(inner) => !self.holds(inner),
            Condition::From(name) => {
                let id = NeighborId(u32::from(name.text == "frr1"));
                matches!(self.source, Source::Neighbor(from, _) if from == id)
            }
            Condition::Is(holds) => {
                holds.holds(self.net, self.source, &mut None, &|| self.came.clone())
            }
            Condition::In(field, Set::Here(entries)) => self.is_in(*field, entries),
            Condition::In(field, Set::Named(kind, _)) => {
                let sets = &self.program.sets;
                let set = sets.iter().find(|set| set.entries.kind() == *kind);
                self.is_in(*field, &set.expect("one of each kind").entries)
            }
        }
    }

    fn is_in(&self, field: Field, entries: &Entries) -> bool {
        let path: Vec<Asn> = self.came.as_path.asns().collect();
        let inside = |net: Net, list: &[(Net, u8, u8)]| {
            list.iter().any(|(around, ge, le)| {
                around.is_v6() == net.is_v6()
                    && around.contains(net.address())
                    && (*ge..=*le).contains(&net.len())
            })
        };
        let asn = |asn: Option<&Asn>, list: &[Range]| {
            asn.is_some_and(|asn| list.iter().any(|range| range.contains(asn.0)))
        };
        match (field, entries) {
            (Field::Prefix, Entries::Prefixes(list)) => inside(self.net, list),
            (_, Entries::Prefixes(list)) => inside(Net::host(self.came.next_hop), list),
            (Field::NeighborAs, Entries::Asns(list)) => asn(path.first(), list),
            (_, Entries::Asns(list)) => asn(path.last(), list),
            (_, Entries::Communities(list)) => self
                .came
                .communities
                .iter()
                .any(|c| list.iter().any(|p| p.matches(*c))),
            (_, Entries::LargeCommunities(list)) => self
                .came
                .large_communities
                .iter()
                .any(|c| list.iter().any(|p| p.matches(*c))),
            (_, Entries::AsPaths(list)) => list.iter().any(|p| p.matches(&self.came.as_path)),
            (_, Entries::ExtCommunities(_)) => unreachable!("not made"),
        }
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(program in arb_program()) {
        let text = program.to_string();
        let (again, faults) = Program::parse(&text);
        prop_assert!(faults.iter().all(|fault| fault.warning), "{text}\n{faults:?}");
        prop_assert_eq!(&again, &program, "{}", text);
        prop_assert_eq!(again.to_string(), text);
    }

    #[test]
    fn a_policy_does_what_a_naive_reading_says(
        program in arb_program(),
        routes in prop::collection::vec(arb_route(), 8),
    ) {
        let neighbor = neighbor(65_001);
        let place = Use { side: Side::Import, neighbor: &neighbor };
        let surroundings = Surroundings { local_as: OURS, neighbors: &["bird1", "frr1"] };
        let (policy, faults) = program.policy("p", place, surroundings);
        prop_assert!(faults.iter().all(|fault| fault.warning), "{:?}", faults);
        let policy = policy.expect("no errors");
        for (net, source, came) in routes {
            let mut reader = RefReader {
                program: &program,
                net,
                source,
                came: &came,
                changed: came.clone(),
            };
            let expected = reader.read("p").expect("a verdict").then_some(reader.changed);
            let judged = policy.judge(net, source, &|| came.clone()).map(|applied| {
                let mut changed = came.clone();
                for action in policy.actions(applied) {
                    action.apply(&mut changed, Some(OURS));
                }
                changed
            });
            prop_assert_eq!(judged, expected, "{}\n{}", program, net);
        }
    }

    #[test]
    fn no_text_panics(text in "[a-z0-9./:=!<>\\[\\]{}()\" ,;*+-]{0,200}") {
        let _ = Program::parse(&text);
    }
}
