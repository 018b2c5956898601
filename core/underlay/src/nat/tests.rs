//! RFC 4787's behaviours, one by one.

use super::*;

const PUBLIC: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const INSIDE: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 2);
const A: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const B: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

fn nat(mapping: Behavior, filtering: Behavior) -> Nat {
    let settings = NatSettings {
        public_address: PUBLIC,
        mapping,
        filtering,
        timeout: Duration::from_secs(120),
    };
    Nat::new(settings, Rng::new(3))
}

fn out(port: u16, to: Ipv4Addr, to_port: u16) -> FiveTuple {
    FiveTuple {
        source: INSIDE,
        destination: to,
        protocol: UDP,
        source_port: port,
        destination_port: to_port,
    }
}

fn back(from: Ipv4Addr, from_port: u16, port: u16) -> FiveTuple {
    FiveTuple {
        source: from,
        destination: PUBLIC,
        protocol: UDP,
        source_port: from_port,
        destination_port: port,
    }
}

const NOW: Instant = Instant::from_secs(100);

#[test]
fn the_internal_port_is_kept_while_it_is_free() {
    let mut nat = nat(Behavior::EndpointIndependent, Behavior::EndpointIndependent);
    assert_eq!(
        nat.outbound(NOW, out(5_000, A, 53))
            .expect("room")
            .source_port,
        5_000
    );
    let other = FiveTuple {
        source: Ipv4Addr::new(192, 168, 0, 3),
        ..out(5_000, A, 53)
    };
    let port = nat.outbound(NOW, other).expect("room").source_port;
    assert_ne!(port, 5_000);
    assert!(port >= PORT_MIN);
}

#[test]
fn endpoint_independent_mapping_uses_one_port_for_all_destinations() {
    let mut nat = nat(Behavior::EndpointIndependent, Behavior::AddressDependent);
    let first = nat.outbound(NOW, out(5_000, A, 53)).expect("room");
    let second = nat.outbound(NOW, out(5_000, B, 99)).expect("room");
    assert_eq!(first.source_port, second.source_port);
    assert_eq!(nat.len(), 1);
}

#[test]
fn address_and_port_dependent_mapping_uses_a_port_for_each_destination() {
    let dependent = Behavior::AddressAndPortDependent;
    let mut nat = nat(dependent, dependent);
    let ports = [(A, 53), (A, 54), (B, 53)].map(|(to, port)| {
        nat.outbound(NOW, out(5_000, to, port))
            .expect("room")
            .source_port
    });
    assert_eq!(ports[0], 5_000);
    assert!(ports[1] != ports[0] && ports[2] != ports[0] && ports[1] != ports[2]);
}

#[test]
fn filtering_lets_in_as_much_as_its_behaviour_says() {
    let cases = [
        (Behavior::EndpointIndependent, [true, true, true]),
        (Behavior::AddressDependent, [true, true, false]),
        (Behavior::AddressAndPortDependent, [true, false, false]),
    ];
    for (filtering, expected) in cases {
        let mut nat = nat(Behavior::EndpointIndependent, filtering);
        nat.outbound(NOW, out(5_000, A, 53)).expect("room");
        let passes = [(A, 53), (A, 54), (B, 53)]
            .map(|(from, port)| nat.inbound(NOW, back(from, port, 5_000)).is_ok());
        assert_eq!(passes, expected, "{filtering:?}");
    }
}

#[test]
fn replies_reach_the_inside_port() {
    let dependent = Behavior::AddressAndPortDependent;
    let mut nat = nat(dependent, dependent);
    nat.outbound(NOW, out(5_000, A, 53)).expect("room");
    let outside = nat.outbound(NOW, out(5_000, B, 53)).expect("room");
    let reply = nat.inbound(NOW, outside.reversed()).expect("a mapping");
    assert_eq!(reply, out(5_000, B, 53).reversed());
}

#[test]
fn an_unused_mapping_expires_and_only_outbound_packets_refresh_it() {
    let mut nat = nat(Behavior::EndpointIndependent, Behavior::EndpointIndependent);
    nat.outbound(NOW, out(5_000, A, 53)).expect("room");
    let later = NOW + Duration::from_secs(119);
    assert!(nat.inbound(later, back(A, 53, 5_000)).is_ok());
    let expired = NOW + Duration::from_secs(120);
    assert_eq!(
        nat.inbound(expired, back(A, 53, 5_000)),
        Err(NatRefusal::NoMapping)
    );
    nat.outbound(expired, out(5_000, A, 53)).expect("room");
    assert!(nat.inbound(expired, back(A, 53, 5_000)).is_ok());
    assert_eq!(nat.len(), 1);
}

#[test]
fn an_echo_is_translated_by_its_identifier() {
    let mut nat = nat(Behavior::EndpointIndependent, Behavior::AddressDependent);
    nat.outbound(
        NOW,
        FiveTuple {
            source: Ipv4Addr::new(192, 168, 0, 3),
            protocol: ICMP,
            ..out(7, A, 0)
        },
    )
    .expect("room");
    let echo = FiveTuple {
        protocol: ICMP,
        ..out(7, A, 0)
    };
    let outside = nat.outbound(NOW, echo).expect("room");
    assert_ne!(outside.source_port, 7);
    assert_eq!(nat.inbound(NOW, outside.reversed()), Ok(echo.reversed()));
}

#[test]
fn a_protocol_without_ports_is_refused() {
    let mut nat = nat(Behavior::EndpointIndependent, Behavior::EndpointIndependent);
    let flow = FiveTuple {
        protocol: 47,
        ..out(0, A, 0)
    };
    assert_eq!(nat.outbound(NOW, flow), Err(NatRefusal::Protocol));
    assert_eq!(nat.inbound(NOW, flow), Err(NatRefusal::Protocol));
}

#[test]
fn a_full_table_gives_expired_ports_to_others() {
    let dependent = Behavior::AddressAndPortDependent;
    let mut nat = nat(dependent, dependent);
    for port in 0..=u16::MAX {
        // every port is taken as the preserved one, those below PORT_MIN included
        nat.outbound(NOW, out(port, A, 53)).expect("room");
    }
    assert_eq!(
        nat.outbound(NOW, out(5_000, B, 53)),
        Err(NatRefusal::TableFull)
    );
    let later = NOW + Duration::from_secs(121);
    assert!(nat.outbound(later, out(5_000, B, 53)).is_ok());
}

proptest::proptest! {
    #[test]
    fn every_answer_to_what_went_out_comes_back_to_its_sender(
        flows in proptest::collection::vec((0u8..4, 1u16..9, 0u8..3, 1u16..4, 0usize..3), 1..60),
    ) {
        let dependent = Behavior::AddressAndPortDependent;
        let mut nat = nat(dependent, dependent);
        for (host, port, to, to_port, protocol) in flows {
            let protocol = [TCP, UDP, ICMP][protocol];
            let flow = FiveTuple {
                source: Ipv4Addr::new(192, 168, 0, host),
                destination: Ipv4Addr::new(198, 51, 100, to),
                protocol,
                source_port: port,
                destination_port: if protocol == ICMP { 0 } else { to_port },
            };
            let outside = nat.outbound(NOW, flow).expect("room");
            proptest::prop_assert_eq!(nat.inbound(NOW, outside.reversed()), Ok(flow.reversed()));
        }
    }
}

#[test]
fn after_it_was_rebound_a_flow_has_another_port_and_replies_to_the_old_one_are_lost() {
    let mut nat = nat(Behavior::EndpointIndependent, Behavior::EndpointIndependent);
    let before = nat.outbound(NOW, out(5_000, A, 53)).expect("room");
    nat.rebind();
    assert_eq!(
        nat.inbound(NOW, before.reversed()),
        Err(NatRefusal::NoMapping)
    );
    let after = nat.outbound(NOW, out(5_000, A, 53)).expect("room");
    assert_ne!(after.source_port, before.source_port);
    assert!(nat.inbound(NOW, after.reversed()).is_ok());
}
