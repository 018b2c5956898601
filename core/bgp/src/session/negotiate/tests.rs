//! Offers, what both sides make of them, and what is refused.

use super::*;
use crate::settings::AddPaths;

const V4: Family = Family::IPV4_UNICAST;
const V6: Family = Family::IPV6_UNICAST;
const US: Asn = Asn(65_000);

fn ours(change: impl FnOnce(&mut Neighbor)) -> Neighbor {
    let (local, remote) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
    let mut neighbor = Neighbor::new("n", local, remote, Asn(65_001));
    change(&mut neighbor);
    neighbor
}

fn theirs(capabilities: Vec<Capability>) -> Open {
    Open {
        my_as: 65_001,
        hold_time_s: 30,
        router_id: Ipv4Addr::new(10, 0, 0, 2),
        capabilities,
    }
}

fn settings() -> Settings {
    Settings::new(US, Ipv4Addr::new(10, 0, 0, 1))
}

fn checked(neighbor: &Neighbor, capabilities: Vec<Capability>) -> Result<(), (u8, u8)> {
    let error = |error: Notification| (error.code, error.subcode);
    check_open(&theirs(capabilities), &settings(), neighbor).map_err(error)
}

fn everything(neighbor: &mut Neighbor) {
    neighbor.families = Families::BOTH;
    neighbor.enhanced_refresh = true;
    neighbor.extended_messages = true;
    neighbor.extended_next_hop = true;
    neighbor.role = Some(Role::Customer);
    let add_path = AddPath {
        receive: true,
        send: Some(4),
    };
    neighbor.add_path = AddPaths {
        ipv4: add_path,
        ipv6: AddPath::default(),
    };
    neighbor.graceful_restart = Some(GracefulRestart {
        forwarding: true,
        long_lived: Some(Duration::from_secs(1 << 30)),
        ..GracefulRestart::HELPER
    });
}

fn offered(neighbor: &Neighbor) -> Vec<Capability> {
    our_open(Origin::of(&settings(), true), neighbor).capabilities
}

#[test]
fn by_default_nothing_is_offered_beyond_the_captured_set() {
    let neighbor = ours(|neighbor| neighbor.families = Families::BOTH);
    let expected = [
        Capability::Multiprotocol(V4),
        Capability::Multiprotocol(V6),
        Capability::RouteRefresh,
        Capability::FourOctetAs(US),
    ];
    assert_eq!(offered(&neighbor), expected);
}

#[test]
fn what_is_switched_on_is_offered() {
    let offers = offered(&ours(everything));
    let codes: Vec<u8> = offers.iter().map(Capability::code).collect();
    assert_eq!(codes, [1, 1, 2, 5, 6, 9, 64, 65, 69, 70, 71]);
    let restart = Capability::GracefulRestart(RestartOffer {
        restarted: true,
        notification: true,
        restart_time_s: 120,
        families: vec![(V4, true), (V6, true)],
    });
    assert!(offers.contains(&restart), "{offers:?}");
    let paths = Capability::AddPath(vec![(V4, PathDirection::Both)]);
    assert!(offers.contains(&paths), "{offers:?}");
    let long = offers.iter().find_map(|offer| match offer {
        Capability::LongLived(families) => Some(families[0].stale_time_s),
        _ => None,
    });
    assert_eq!(long, Some(STALE_TIME_MAX_S), "24 bits at most");
}

#[test]
fn rfc4724_3_a_helper_lists_no_families() {
    let neighbor = ours(|n| n.graceful_restart = Some(GracefulRestart::HELPER));
    let families = offered(&neighbor)
        .into_iter()
        .find_map(|offer| match offer {
            Capability::GracefulRestart(offer) => Some(offer.families),
            _ => None,
        });
    assert_eq!(families, Some(Vec::new()));
}

#[test]
fn an_extension_is_in_force_only_when_both_sides_offer_it() {
    let all = ours(everything);
    let full = offered(&all);
    let both = Negotiated::new(&all, US, &theirs(full.clone()));
    assert!(both.agreed.extended_messages && both.agreed.extended_next_hop);
    assert!(both.enhanced_refresh && both.agreed.ipv6 && both.agreed.four_octet);
    assert_eq!(both.agreed.add_path_in, [true, false]);
    assert_eq!(both.agreed.add_path_out, [Some(4), None]);
    assert!(both.graceful_restart.is_some() && both.long_lived.len() == 2);
    let plain = ours(|_| ());
    for one in [
        Negotiated::new(&plain, US, &theirs(full)),
        Negotiated::new(&all, US, &theirs(offered(&plain))),
    ] {
        let expected = Agreed {
            four_octet: true,
            ipv4: true,
            role: one.agreed.role,
            ..Agreed::default()
        };
        assert_eq!(one.agreed, expected);
        assert!(!one.enhanced_refresh && one.graceful_restart.is_none());
        assert!(one.long_lived.is_empty());
    }
}

#[test]
fn rfc9494_3_1_long_lived_without_graceful_restart_is_ignored() {
    let all = ours(everything);
    let mut offers = offered(&all);
    offers.retain(|offer| !matches!(offer, Capability::GracefulRestart(_)));
    let negotiated = Negotiated::new(&all, US, &theirs(offers));
    assert!(negotiated.long_lived.is_empty());
}

#[test]
fn rfc4271_6_2_a_hold_time_below_ours_to_bear_is_unacceptable() {
    let settings = Settings::new(US, Ipv4Addr::new(10, 0, 0, 1));
    let answer = |theirs_s| {
        let neighbor = ours(|neighbor| neighbor.hold_time_min = Duration::from_secs(10));
        let mut open = theirs(Vec::new());
        open.hold_time_s = theirs_s;
        let refused = check_open(&open, &settings, &neighbor).err();
        refused.map(|refused| (refused.code, refused.subcode))
    };
    assert_eq!(answer(10), None);
    assert_eq!(answer(0), None);
    assert_eq!(answer(9), Some((code::OPEN, open_error::HOLD_TIME)));
}

#[test]
fn rfc4271_4_2_the_smaller_hold_time_is_used_and_zero_is_none() {
    let hold = |ours_s, theirs_s, rule| {
        let neighbor = ours(|neighbor| {
            neighbor.hold_time = Duration::from_secs(ours_s);
            neighbor.hold_time_rule = rule;
        });
        let mut open = theirs(Vec::new());
        open.hold_time_s = theirs_s;
        let negotiated = Negotiated::new(&neighbor, US, &open);
        (
            negotiated.hold_time.as_secs(),
            negotiated.keepalive.as_secs(),
        )
    };
    let minimum = HoldTimeRule::Minimum;
    assert_eq!(hold(180, 90, minimum), (90, 30));
    assert_eq!(hold(30, 90, minimum), (30, 10));
    assert_eq!(hold(180, 0, minimum), (0, 0));
    assert_eq!(hold(0, 180, minimum), (0, 0));
    assert_eq!(hold(180, 90, HoldTimeRule::Fixed), (180, 60));
}

#[test]
fn rfc5492_3_without_a_common_family_the_missing_ones_are_named() {
    let v6 = vec![Capability::Multiprotocol(V6)];
    let error = check_open(&theirs(v6.clone()), &settings(), &ours(|_| ()));
    let error = error.expect_err("no common family");
    assert_eq!((error.code, error.subcode), (2, 7));
    assert_eq!(error.data, [1, 4, 0, 1, 0, 1]);
    let both = ours(|neighbor| neighbor.families = Families::BOTH);
    assert_eq!(checked(&both, v6), Ok(()));
    assert_eq!(checked(&both, Vec::new()), Ok(()), "RFC 4760 §8");
}

#[test]
fn rfc9234_4_2_roles_must_fit() {
    let role = |role| ours(move |neighbor| neighbor.role = Some(role));
    let all = [
        Role::Provider,
        Role::RouteServer,
        Role::RouteServerClient,
        Role::Customer,
        Role::Peer,
    ];
    for ours in all {
        for theirs in all {
            let fits = matches!(
                (ours, theirs),
                (Role::Provider, Role::Customer)
                    | (Role::Customer, Role::Provider)
                    | (Role::RouteServer, Role::RouteServerClient)
                    | (Role::RouteServerClient, Role::RouteServer)
                    | (Role::Peer, Role::Peer)
            );
            let said = vec![Capability::Role(Some(theirs))];
            let expected = if fits { Ok(()) } else { Err((2, 11)) };
            assert_eq!(checked(&role(ours), said), expected, "{ours:?} {theirs:?}");
        }
    }
}

#[test]
fn rfc9234_4_2_a_missing_role_matters_only_in_strict_mode() {
    let strict = |strict| {
        ours(move |neighbor| {
            neighbor.role = Some(Role::Peer);
            neighbor.role_strict = strict;
        })
    };
    assert_eq!(checked(&strict(false), Vec::new()), Ok(()));
    assert_eq!(checked(&strict(true), Vec::new()), Err((2, 11)));
    let said = vec![Capability::Role(Some(Role::Provider))];
    assert_eq!(checked(&ours(|_| ()), said), Ok(()), "we said none");
}

#[test]
fn rfc9234_4_2_two_different_roles_do_not_fit_and_equal_ones_count_once() {
    let neighbor = ours(|neighbor| neighbor.role = Some(Role::Peer));
    let said = |roles: &[Option<Role>]| roles.iter().copied().map(Capability::Role).collect();
    let (peer, customer) = (Some(Role::Peer), Some(Role::Customer));
    assert_eq!(checked(&neighbor, said(&[peer, peer])), Ok(()));
    assert_eq!(checked(&neighbor, said(&[peer, customer])), Err((2, 11)));
    assert_eq!(
        checked(&neighbor, said(&[None])),
        Err((2, 11)),
        "unassigned"
    );
}

#[test]
fn roles_are_for_external_sessions() {
    let mut neighbor = ours(everything);
    neighbor.remote_as = US;
    assert!(!offered(&neighbor).iter().any(|offer| offer.code() == 9));
    let mut open = theirs(vec![Capability::Role(Some(Role::Customer))]);
    open.my_as = US.0 as u16;
    assert_eq!(check_open(&open, &settings(), &neighbor), Ok(()));
}
