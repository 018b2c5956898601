//! Virtual routers among themselves: who is active, and when.

use super::*;

const VIRTUAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, last)
}

fn router(last: u8, priority: u8) -> Router {
    let mut router = Router::new(Settings {
        id: 7,
        virtual_address: VIRTUAL,
        address: address(last),
        priority,
        interval_cs: 25,
    });
    router.start(Instant::ZERO);
    router
}

fn is_active(router: &Router) -> bool {
    matches!(router.state(), State::Active { .. })
}

/// Runs routers on one LAN without delay until `until`; `alive` says who still runs.
fn run(routers: &mut [Router], alive: &[bool], until: Instant) -> Vec<(Instant, usize, bool)> {
    let mut changes = Vec::new();
    loop {
        let next = (0..routers.len())
            .filter(|index| alive[*index])
            .filter_map(|index| Some((routers[index].wake()?, index)))
            .min();
        let Some((now, index)) = next.filter(|(now, _)| *now <= until) else {
            return changes;
        };
        let mut out = Vec::new();
        routers[index].on_wake(now, &mut out);
        let mut sent: Vec<(usize, Output)> = out.into_iter().map(|o| (index, o)).collect();
        while let Some((sender, output)) = (!sent.is_empty()).then(|| sent.remove(0)) {
            match output {
                Output::Acquire => changes.push((now, sender, true)),
                Output::Release => changes.push((now, sender, false)),
                Output::Advertise(bytes) => {
                    let from = routers[sender].settings().address;
                    for other in (0..routers.len()).filter(|o| *o != sender && alive[*o]) {
                        let mut out = Vec::new();
                        routers[other]
                            .on_message(now, from, &bytes, &mut out)
                            .expect("a good advertisement");
                        sent.extend(out.into_iter().map(|o| (other, o)));
                    }
                }
            }
        }
    }
}

#[test]
fn advertisements_read_back_as_written() {
    let sent = Advertisement {
        id: 7,
        priority: 200,
        interval_cs: 25,
        addresses: vec![VIRTUAL],
    };
    let bytes = sent.encode();
    assert_eq!(bytes.len(), 12);
    assert_eq!(Advertisement::decode(address(2), &bytes), Ok(sent));
}

#[test]
fn every_cut_and_every_flipped_bit_is_refused() {
    let sent = Advertisement {
        id: 7,
        priority: 200,
        interval_cs: 25,
        addresses: vec![VIRTUAL],
    };
    let bytes = sent.encode();
    for len in 0..bytes.len() {
        assert!(Advertisement::decode(address(2), &bytes[..len]).is_err());
    }
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(Advertisement::decode(address(2), &bad).is_err(), "{bit}");
    }
}

#[test]
fn a_checksum_with_the_pseudo_header_of_rfc_5798_is_accepted() {
    let sent = Advertisement {
        id: 7,
        priority: 200,
        interval_cs: 25,
        addresses: vec![VIRTUAL],
    };
    let mut bytes = sent.encode();
    bytes[6..8].fill(0);
    let group = Ipv4Addr::new(224, 0, 0, 18);
    let sum = inet::packet::transport_checksum(address(2), group, 112, &bytes);
    bytes[6..8].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(Advertisement::decode(address(2), &bytes), Ok(sent));
    assert_eq!(
        Advertisement::decode(address(3), &bytes),
        Err(AdvertisementError::Checksum)
    );
}

#[test]
fn the_highest_priority_becomes_active_alone() {
    let mut routers = [router(2, 200), router(3, 100)];
    run(&mut routers, &[true, true], Instant::from_secs(5));
    assert!(is_active(&routers[0]) && !is_active(&routers[1]));
}

#[test]
fn of_two_active_routers_of_equal_priority_the_higher_address_stays() {
    let mut routers = [router(2, 100), router(3, 100)];
    run(&mut routers, &[true, false], Instant::from_secs(2));
    run(&mut routers, &[false, true], Instant::from_secs(2));
    assert!(is_active(&routers[0]) && is_active(&routers[1]));
    run(&mut routers, &[true, true], Instant::from_secs(5));
    assert!(!is_active(&routers[0]) && is_active(&routers[1]));
}

#[test]
fn a_silent_active_router_is_replaced_within_a_second() {
    let mut routers = [router(2, 200), router(3, 100)];
    let dead = Instant::from_millis(5_100);
    run(&mut routers, &[true, true], dead);
    let changes = run(&mut routers, &[false, true], Instant::from_secs(8));
    let [(at, 1, true)] = changes[..] else {
        panic!("{changes:?}");
    };
    assert!(at.since(dead) < Duration::from_secs(1), "{at}");
    assert!(routers[1].settings().active_down() < Duration::from_secs(1));
}

#[test]
fn a_better_router_that_returns_takes_the_role_back() {
    let mut routers = [router(2, 200), router(3, 100)];
    run(&mut routers, &[false, true], Instant::from_secs(5));
    assert!(is_active(&routers[1]));
    routers[0] = router(2, 200);
    run(&mut routers, &[true, true], Instant::from_secs(10));
    assert!(is_active(&routers[0]) && !is_active(&routers[1]));
}

#[test]
fn a_priority_lowered_by_tracking_moves_the_role_within_a_second() {
    let mut routers = [router(2, 200), router(3, 100)];
    let lost = Instant::from_millis(5_100);
    run(&mut routers, &[true, true], lost);
    let mut out = Vec::new();
    routers[0].set_priority(lost, 1, &mut out);
    assert!(matches!(out[..], [Output::Advertise(_)]));
    let changes = run(&mut routers, &[true, true], Instant::from_secs(8));
    assert!(
        changes
            .iter()
            .all(|(at, ..)| at.since(lost) < Duration::from_secs(1))
    );
    assert!(!is_active(&routers[0]) && is_active(&routers[1]));
}

#[test]
fn a_router_that_stops_is_followed_after_the_skew_only() {
    let mut routers = [router(2, 200), router(3, 100)];
    let stop = Instant::from_millis(5_100);
    run(&mut routers, &[true, true], stop);
    let mut out = Vec::new();
    routers[0].stop(&mut out);
    let Some(Output::Advertise(bytes)) = out.first() else {
        panic!("{out:?}");
    };
    routers[1]
        .on_message(stop, address(2), bytes, &mut Vec::new())
        .expect("a good advertisement");
    let wake = routers[1].wake().expect("a timer");
    assert!(wake.since(stop) < Duration::from_millis(250));
    assert_eq!(routers[0].wake(), None);
}

#[test]
fn advertisements_of_other_virtual_routers_have_no_effect() {
    let mut router = router(2, 200);
    let mut heard = Advertisement {
        id: 8,
        priority: 250,
        interval_cs: 25,
        addresses: vec![VIRTUAL],
    };
    let mut hear = |heard: &Advertisement, from| {
        router.on_message(Instant::ZERO, from, &heard.encode(), &mut Vec::new())
    };
    assert_eq!(hear(&heard, address(3)), Err(Ignored::OtherId));
    heard.id = 7;
    assert_eq!(hear(&heard, address(2)), Err(Ignored::Own));
    heard.addresses = vec![address(9)];
    assert_eq!(hear(&heard, address(3)), Err(Ignored::OtherAddress));
}
