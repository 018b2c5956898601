//! Policies from real life, what is refused, and what is printed.

use inet::{Asn, Net};

use super::super::{Policy, Source};
use super::{Fault, Program, Side, Surroundings, Use};
use crate::settings::{Group, Neighbor, NeighborId};
use crate::wire::attributes::{AsPath, Attributes};

mod documented;
mod random;

const OURS: Asn = Asn(65_000);

fn neighbor(asn: u32) -> Neighbor {
    let address = |text: &str| text.parse::<std::net::Ipv4Addr>().expect("an address");
    Neighbor::new(
        "bird1",
        address("192.0.2.1"),
        address("192.0.2.2"),
        Asn(asn),
    )
}

fn errors(text: &str) -> Vec<Fault> {
    Program::parse(text).1
}

fn compiled(text: &str, name: &str, side: Side) -> (Option<Policy>, Vec<Fault>) {
    let (program, faults) = Program::parse(text);
    assert!(faults.is_empty(), "{faults:?}");
    let neighbor = neighbor(65_001);
    let place = Use {
        side,
        neighbor: &neighbor,
    };
    let surroundings = Surroundings {
        local_as: OURS,
        neighbors: &["bird1", "frr1"],
    };
    program.policy(name, place, surroundings)
}

fn policy(text: &str, side: Side) -> Policy {
    let (policy, faults) = compiled(text, "p", side);
    assert!(faults.is_empty(), "{faults:?}");
    policy.expect("a policy")
}

/// A route of AS 65001 with this path.
fn route(path: &[u32]) -> Attributes {
    let mut attributes = Attributes::new(std::net::Ipv4Addr::new(192, 0, 2, 2));
    attributes.as_path = AsPath::sequence(path.iter().map(|asn| Asn(*asn)));
    attributes
}

/// What a policy makes of a route from the first neighbour; `None` when it is rejected.
fn judged(policy: &Policy, net: &str, attributes: &Attributes) -> Option<Attributes> {
    let net: Net = net.parse().expect("a prefix");
    let source = Source::Neighbor(NeighborId(0), Group(0));
    let applied = policy.judge(net, source, &|| attributes.clone())?;
    let mut changed = attributes.clone();
    for action in policy.actions(applied) {
        action.apply(&mut changed, Some(OURS));
    }
    Some(changed)
}

fn path(attributes: &Attributes) -> Vec<u32> {
    attributes.as_path.asns().map(|asn| asn.0).collect()
}

#[test]
fn bogons_and_too_long_prefixes_are_rejected() {
    let policy = policy(
        "prefixes bogons = [0.0.0.0/0, 10.0.0.0/8+, 192.168.0.0/16+, ::/0, fc00::/7+]
         policy p {
             if prefix in bogons { reject }
             if family ipv4 and prefix length > 24 { reject }
             if family ipv6 and prefix length > 48 { reject }
             accept
         }",
        Side::Import,
    );
    for (net, taken) in [
        ("0.0.0.0/0", false),
        ("10.1.0.0/16", false),
        ("11.0.0.0/8", true),
        ("198.51.100.0/24", true),
        ("198.51.100.0/25", false),
        ("2001:db8::/32", true),
        ("2001:db8::/64", false),
        ("fd00::/8", false),
    ] {
        assert_eq!(judged(&policy, net, &route(&[1])).is_some(), taken, "{net}");
    }
}

#[test]
fn customers_are_tagged_and_preferred() {
    let policy = policy(
        "asns private = [64512-65534, 4200000000-4294967294]
         as-paths customers = [\"^65001+ [65010 65011]*$\"]
         policy p {
             if not as-path in customers { reject }
             if community in [65000:1-9] { remove community 65000:*; add community no-export }
             set local-pref 200
             add community 65000:100
             add large-community 65000:1:65001
             accept
         }",
        Side::Import,
    );
    let mut attributes = route(&[65_001, 65_001, 65_010]);
    attributes.communities = vec![0xfde8_0005, 7];
    let changed = judged(&policy, "198.51.100.0/24", &attributes).expect("taken");
    assert_eq!(changed.local_pref, Some(200));
    assert_eq!(changed.communities, [7, 0xffff_ff01, 0xfde8_0064]);
    assert_eq!(changed.large_communities, [[65_000, 1, 65_001]]);
    assert!(judged(&policy, "198.51.100.0/24", &route(&[65_001, 3])).is_none());
}

#[test]
fn as_override_puts_our_as_in_place_of_the_neighbours() {
    let policy = policy("policy p { as-override accept }", Side::Export);
    let changed = judged(&policy, "10.0.0.0/8", &route(&[1, 65_001, 2])).expect("told");
    assert_eq!(path(&changed), [1, 65_000, 2]);
}

#[test]
fn private_ases_are_removed_all_or_leading_or_replaced() {
    for (how, expected) in [
        ("remove private-as", &[3, 4][..]),
        ("remove private-as leading", &[3, 65_002, 4]),
        ("replace private-as", &[65_000, 3, 65_000, 4]),
    ] {
        let policy = policy(&format!("policy p {{ {how} accept }}"), Side::Export);
        let changed = judged(&policy, "10.0.0.0/8", &route(&[65_001, 3, 65_002, 4]));
        assert_eq!(path(&changed.expect("told")), expected, "{how}");
    }
}

#[test]
fn a_blackhole_community_sends_a_host_route_to_the_sink() {
    let policy = policy(
        "policy p {
             if community has blackhole and prefix length = 32 {
                 set next-hop 192.0.2.254
                 add community no-export
                 accept
             }
             if prefix length > 24 { reject }
             accept
         }",
        Side::Import,
    );
    let mut attributes = route(&[65_001]);
    assert!(judged(&policy, "198.51.100.7/32", &attributes).is_none());
    attributes.communities = vec![0xffff_029a];
    let changed = judged(&policy, "198.51.100.7/32", &attributes).expect("taken");
    assert_eq!(changed.next_hop.to_string(), "192.0.2.254");
    assert_eq!(changed.communities.len(), 2);
}

#[test]
fn a_customer_asks_by_community_for_prepending_in_a_region() {
    let policy = policy(
        "policy p {
             if community has 65000:3001 { prepend 1 }
             if community has 65000:3002 { prepend 2 }
             if community has 65000:3000 { reject }
             remove community 65000:3000-3009
             accept
         }",
        Side::Export,
    );
    let mut attributes = route(&[65_001]);
    attributes.communities = vec![0xfde8_0bba, 9];
    let changed = judged(&policy, "198.51.100.0/24", &attributes).expect("told");
    assert_eq!(path(&changed), [65_000, 65_000, 65_001]);
    assert_eq!(changed.communities, [9]);
}

#[test]
fn graceful_shutdown_makes_a_route_the_last_choice() {
    let policy = policy(
        "policy p { if community has graceful-shutdown { set local-pref 0 } accept }",
        Side::Import,
    );
    let mut attributes = route(&[65_001]);
    attributes.communities = vec![0xffff_0000];
    let changed = judged(&policy, "198.51.100.0/24", &attributes).expect("taken");
    assert_eq!(changed.local_pref, Some(0));
}

#[test]
fn a_route_server_is_told_by_large_communities_who_gets_a_route() {
    let policy = policy(
        "policy p {
             if large-community has 65000:0:65001 { reject }
             if large-community in [65000:1:65001, 65000:1:0] { call clean accept }
             if large-community has 65000:0:0 { reject }
             call clean
             accept
         }
         policy clean { remove large-community 65000:*:* return }",
        Side::Export,
    );
    let told = |communities: &[[u32; 3]]| {
        let mut attributes = route(&[7]);
        attributes.large_communities = communities.to_vec();
        judged(&policy, "198.51.100.0/24", &attributes).map(|a| a.large_communities)
    };
    assert_eq!(told(&[[9, 9, 9]]), Some(vec![[9, 9, 9]]));
    assert_eq!(told(&[[65_000, 0, 65_001]]), None);
    assert_eq!(told(&[[65_000, 0, 0]]), None);
    assert_eq!(told(&[[65_000, 0, 0], [65_000, 1, 65_001]]), Some(vec![]));
}

#[test]
fn conditions_see_the_route_as_it_came() {
    let policy = policy(
        "policy p { set med 5 if med = 5 { reject } if med = 7 { add med 1 accept } reject }",
        Side::Import,
    );
    let mut attributes = route(&[1]);
    attributes.med = Some(7);
    let changed = judged(&policy, "10.0.0.0/8", &attributes).expect("taken");
    assert_eq!(changed.med, Some(6));
}

#[test]
fn next_hop_and_neighbours_are_those_of_the_place() {
    let changed = |text| {
        let policy = policy(text, Side::Import);
        judged(&policy, "10.0.0.0/8", &route(&[1])).map(|a| a.next_hop.to_string())
    };
    let own = changed("policy p { set next-hop self accept }");
    assert_eq!(own.as_deref(), Some("192.0.2.1"));
    let peer = changed("policy p { set next-hop peer accept }");
    assert_eq!(peer.as_deref(), Some("192.0.2.2"));
    assert!(changed("policy p { if from neighbor bird1 { accept } reject }").is_some());
    assert!(changed("policy p { if from neighbor frr1 { accept } reject }").is_none());
    assert!(changed("policy p { if from local { accept } reject }").is_none());
}

#[test]
fn every_error_of_a_text_is_reported_with_its_place_and_advice() {
    let text = "prefixes bogon = [10.0.0.0/8 le 33, 10.0.0.1/8]
communities c = [1:1]
policy p {
    if prefix in bogons { reject }
    if prefix in c { reject }
    if comunity has 1:1 { accept }
    set local-perf 7
    prepend 65001
    call clean
    accept
}
policy clen { set med 1 }
policy accept { reject }
policy loop { call loop return }
";
    let found: Vec<String> = errors(text)
        .iter()
        .map(|fault| {
            let line = text[..fault.span.start].matches('\n').count() + 1;
            format!("{line}: {} {}", fault.says, fault.try_this)
        })
        .collect();
    for part in [
        "1: no prefix inside 10.0.0.0/8 has a length from 8 to 33",
        "1: expected a prefix, found `10.0.0.1/8`",
        "4: there is no set `prefixes bogons`",
        "5: `c` is a set of communities, and prefixes are compared here",
        "6: expected a condition, found `comunity` did you mean `community`?",
        "7: expected what to set, found `local-perf` did you mean `local-pref`?",
        "8: 65001 times is more than any network takes",
        "9: there is no policy `clean` did you mean `clen`?",
        "12: `clen` does not say what happens at its end",
        "13: `accept` is built in",
        "14: `loop` calls itself through this",
    ] {
        assert!(
            found.iter().any(|line| line.starts_with(part)),
            "{part:?} is not in {found:#?}"
        );
    }
}

#[test]
fn what_has_no_effect_at_a_neighbour_is_a_warning() {
    let (policy, faults) = compiled("policy p { set local-pref 200 accept }", "p", Side::Export);
    let policy = policy.expect("it is used nevertheless");
    assert!(faults[0].warning && faults[0].says.contains("LOCAL_PREF"));
    let changed = judged(&policy, "10.0.0.0/8", &route(&[1])).expect("told");
    assert_eq!(changed.local_pref, None);
    assert!(errors("policy p { accept set med 1 accept }")[0].warning);
    assert!(errors("policy p { if from local { set med 1 reject } accept }")[0].warning);
}

#[test]
fn what_cannot_be_used_at_a_neighbour_is_an_error() {
    for (text, name, says) in [
        ("policy p { set med 1 return }", "p", "leaves its verdict"),
        ("policy p { as-override accept }", "p", "told to external"),
        (
            "policy p { if from neighbor brid1 { reject } accept }",
            "p",
            "no neighbour",
        ),
        ("policy p { accept }", "q", "there is no policy"),
    ] {
        let (policy, faults) = compiled(text, name, Side::Import);
        assert!(policy.is_none(), "{text}");
        assert!(faults[0].says.contains(says), "{faults:?}");
    }
}

#[test]
fn calls_that_would_write_out_to_too_much_are_refused_and_cost_nothing() {
    let mut text = "policy p0 { set med 1 return }\n".to_owned();
    for n in 1..60 {
        let below = n - 1;
        text += &format!("policy p{n} {{ call p{below} call p{below} return }}\n");
    }
    assert!(errors(&text).iter().any(|f| f.says.contains("128")));
    let (program, _) = Program::parse(&text);
    let neighbor = neighbor(1);
    let place = Use {
        side: Side::Import,
        neighbor: &neighbor,
    };
    let surroundings = Surroundings {
        local_as: OURS,
        neighbors: &[],
    };
    assert!(program.policy("p59", place, surroundings).0.is_none());
    let deep =
        "policy p { if ".to_owned() + &"not ".repeat(100_000) + "from local { accept } accept }";
    assert!(!errors(&deep).is_empty());
    let deep = "policy p { if ".to_owned() + &"(".repeat(100_000);
    assert!(!errors(&deep).is_empty());
}

#[test]
fn a_text_is_printed_in_one_form() {
    let text = "prefixes p=[10.0.0.0/8 ge 8 le 32 , 10.0.0.0/8 le 8,10.0.0.0/8 ge 9]
        policy a{if family ipv4 and(med!=5 or not origin=egp)and as-path matches \"^1  2\"{prepend 2;accept}reject}";
    let (program, faults) = Program::parse(text);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(
        program.to_string(),
        "prefixes p = [10.0.0.0/8+, 10.0.0.0/8, 10.0.0.0/8 ge 9 le 32]

policy a {
    if family ipv4 and (not med = 5 or not origin = egp) and as-path matches \"^1 2\" {
        prepend 2
        accept
    }
    reject
}
"
    );
}

#[test]
fn the_corpus_of_the_fuzz_target_is_survived() {
    let corpus = [
        include_str!("../../../../../fuzz/corpus/bgp_policy/attachment.policy"),
        include_str!("../../../../../fuzz/corpus/bgp_policy/customer.policy"),
        include_str!("../../../../../fuzz/corpus/bgp_policy/deep.policy"),
        include_str!("../../../../../fuzz/corpus/bgp_policy/every-word.policy"),
        include_str!("../../../../../fuzz/corpus/bgp_policy/many-errors.policy"),
        include_str!("../../../../../fuzz/corpus/bgp_policy/peer.policy"),
        include_str!("../../../../../fuzz/corpus/bgp_policy/route-server.policy"),
        include_str!("../../../../../fuzz/corpus/bgp_policy/wide-calls.policy"),
    ];
    let neighbor = neighbor(65_001);
    for text in corpus {
        let (program, faults) = Program::parse(text);
        if faults.iter().all(|fault| fault.warning) {
            assert_eq!(Program::parse(&program.to_string()).0, program);
        }
        for name in program.policies() {
            for side in [Side::Import, Side::Export] {
                let place = Use {
                    side,
                    neighbor: &neighbor,
                };
                let surroundings = Surroundings {
                    local_as: OURS,
                    neighbors: &["a"],
                };
                let (policy, found) = program.policy(name, place, surroundings);
                let said = faults.iter().chain(&found).count();
                assert!(policy.is_some() || said > 0, "{name}");
            }
        }
    }
}
