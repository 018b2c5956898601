//! The compiled classifier finds what the classes as written say.

use design::plan::{ClassConfig, ClassMatch, PrefixSet};
use inet::{FiveTuple, Prefix, Rng};

use super::*;

/// The class by the words of the plan alone.
pub(crate) fn ref_class(
    classes: &[ClassConfig],
    sets: &[PrefixSet],
    flow: FiveTuple,
    dscp: u8,
) -> Option<usize> {
    let takes = |one: &ClassMatch, flow: FiveTuple| {
        let within = |all: &[Prefix], address| all.iter().any(|prefix| prefix.contains(address));
        let between = |ports: Option<(u16, u16)>, port| {
            ports.is_none_or(|(low, high)| (low..=high).contains(&port))
        };
        let named = |set: &&PrefixSet| one.sets.contains(&set.name);
        (one.dscp.is_empty() || one.dscp.contains(&dscp))
            && one.protocol.is_none_or(|number| number == flow.protocol)
            && between(one.ports, flow.destination_port)
            && between(one.source_ports, flow.source_port)
            && (one.sources.is_empty() || within(&one.sources, flow.source))
            && (one.destinations.is_empty() || within(&one.destinations, flow.destination))
            && (one.sets.is_empty()
                || (sets.iter().filter(named)).any(|set| within(&set.prefixes, flow.destination)))
            && one.domains.is_empty()
    };
    let first = |flow| {
        let mut all = classes.iter();
        all.position(|class| class.matches.iter().any(|one| takes(one, flow)))
    };
    first(flow).or_else(|| first(flow.reversed()))
}

/// Addresses lie close together, so that prefixes meet them.
fn arb_address(rng: &mut Rng) -> Ipv4Addr {
    let near = 0x0a00_0000 | (rng.next_u64() as u32 & 0x0003_0307);
    Ipv4Addr::from_bits(match rng.below(20) {
        0 => rng.next_u64() as u32,
        1 => 0,
        2 => u32::MAX,
        _ => near,
    })
}

fn arb_prefixes(rng: &mut Rng, most: u64) -> Vec<Prefix> {
    let count = rng.below(most + 1);
    let one = |rng: &mut Rng| {
        let len = [0, 8, 14, 16, 22, 24, 30, 32][rng.below(8) as usize];
        Prefix::around(arb_address(rng), len).expect("a length up to 32")
    };
    (0..count).map(|_| one(rng)).collect()
}

/// Some classes and the sets that they name.
pub(crate) fn arb_classes(rng: &mut Rng) -> (Vec<ClassConfig>, Vec<PrefixSet>) {
    let sets = (0..4).map(|number| PrefixSet {
        name: format!("s{number}"),
        prefixes: arb_prefixes(rng, 30),
    });
    let sets = sets.collect();
    let count = 1 + rng.below(12) as usize;
    let classes = (0..count).map(|number| arb_class(rng, number));
    (classes.collect(), sets)
}

fn arb_ports(rng: &mut Rng) -> Option<(u16, u16)> {
    let low = rng.below(6) as u16;
    (rng.below(3) == 0).then(|| (low, low + rng.below(3) as u16))
}

fn arb_class(rng: &mut Rng, number: usize) -> ClassConfig {
    let one = |rng: &mut Rng| ClassMatch {
        dscp: match rng.below(3) {
            0 => vec![rng.below(4) as u8, 46],
            _ => Vec::new(),
        },
        protocol: (rng.below(2) == 0).then(|| [6, 17, 1][rng.below(3) as usize]),
        ports: arb_ports(rng),
        source_ports: arb_ports(rng),
        sources: arb_prefixes(rng, 1),
        destinations: arb_prefixes(rng, 2),
        sets: match rng.below(3) {
            0 => vec![format!("s{}", rng.below(4))],
            _ => Vec::new(),
        },
        domains: Vec::new(),
    };
    ClassConfig {
        name: format!("c{number}"),
        matches: (0..=rng.below(2)).map(|_| one(rng)).collect(),
        ..ClassConfig::default()
    }
}

pub(crate) fn arb_flow(rng: &mut Rng) -> FiveTuple {
    FiveTuple {
        source: arb_address(rng),
        destination: arb_address(rng),
        protocol: [6, 17, 1][rng.below(3) as usize],
        source_port: rng.below(8) as u16,
        destination_port: rng.below(8) as u16,
    }
}

#[test]
fn compiled_classes_take_what_the_classes_as_written_take() {
    let (mut found, mut seen) = (0, 0);
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let (classes, sets) = arb_classes(&mut rng);
        let classifier = Classifier::new(&classes, &sets);
        for _ in 0..2_000 {
            let (flow, dscp) = (arb_flow(&mut rng), rng.below(64) as u8);
            let class = classifier.class_of(flow, dscp, None);
            assert_eq!(
                class,
                ref_class(&classes, &sets, flow, dscp),
                "{seed}: {flow:?} {dscp}"
            );
            seen += 1;
            found += u32::from(class.is_some());
        }
    }
    assert!(
        (seen / 10..seen).contains(&found),
        "{found} of {seen} have a class"
    );
}

#[test]
fn a_domain_takes_names_below_it_and_no_others() {
    let class = |domain: &str| ClassConfig {
        matches: vec![ClassMatch {
            domains: vec![domain.to_owned()],
            ..ClassMatch::default()
        }],
        ..ClassConfig::default()
    };
    let classes = [class("Example.com."), class("teams.example.com")];
    let classifier = Classifier::new(&classes, &[]);
    let classes_of = |name: &str| -> Vec<u16> {
        let domains = classifier.domains_of(name.as_bytes());
        classifier
            .classes_of(domains)
            .map(|class| class.0)
            .collect()
    };
    assert_eq!(classes_of("example.com"), [0]);
    assert_eq!(classes_of("www.example.com"), [0]);
    assert_eq!(classes_of("eu.teams.example.com"), [0, 1]);
    assert!(classes_of("badexample.com").is_empty());
    assert!(classes_of("com").is_empty());
    let server = Ipv4Addr::new(192, 0, 2, 1);
    let flow = FiveTuple {
        source: Ipv4Addr::new(10, 0, 0, 1),
        destination: server,
        protocol: 6,
        source_port: 50_000,
        destination_port: 443,
    };
    let known = classifier.domains_of(b"eu.teams.example.com");
    let names = |address| {
        if address == server {
            known
        } else {
            DomainSet::NONE
        }
    };
    assert_eq!(classifier.classify(flow, 0, names), Some(ClassId(0)));
    assert_eq!(
        classifier.classify(flow.reversed(), 0, names),
        Some(ClassId(0)),
        "replies"
    );
    assert_eq!(classifier.class_of(flow, 0, None), None);
    assert_eq!(
        classifier.class_of(flow, 0, Some("EU.teams.Example.com.")),
        Some(0)
    );
}

#[test]
fn without_classes_and_with_unknown_sets_nothing_has_a_class() {
    let flow = arb_flow(&mut Rng::new(1));
    assert_eq!(Classifier::new(&[], &[]).class_of(flow, 46, None), None);
    let lost = ClassConfig {
        matches: vec![ClassMatch {
            sets: vec!["gone".to_owned()],
            ..ClassMatch::default()
        }],
        ..ClassConfig::default()
    };
    assert_eq!(Classifier::new(&[lost], &[]).class_of(flow, 46, None), None);
}
