//! The rules of RFC 5880 §6.8.6 that need a session, and those of RFC 5881 and 5883 on addresses and TTL.

use std::net::SocketAddr;
use std::time::Duration;

use bfd::wire::Packet;
use bfd::{Auth, AuthKey, AuthKind, Command, Diagnostic, Discard, Hops, Input, Settings, State};

use crate::neighbor::{Bench, THEIRS, key, ms};

fn settings() -> Settings {
    Settings::new(ms(100), 3)
}

fn auth() -> Option<Auth> {
    let key = AuthKey::new(1, b"key".to_vec());
    Some(Auth::new(AuthKind::MeticulousKeyedSha1, vec![key]).expect("fits"))
}

#[test]
fn rfc5880_6_8_6_a_discriminator_of_no_session_is_discarded() {
    let mut bench = Bench::new(settings());
    let stranger = bench.view().discriminator ^ 1;
    bench.hear_packet(Packet {
        your_discriminator: stranger,
        state: State::Init,
        ..bench.theirs
    });
    assert_eq!(bench.discarded(Discard::NoSession), 1);
    assert_eq!(bench.view().state, State::Down);
}

#[test]
fn rfc5880_6_8_6_no_discriminator_in_init_or_up_is_discarded() {
    let mut bench = Bench::new(settings());
    for state in [State::Init, State::Up] {
        bench.hear_packet(Packet {
            your_discriminator: 0,
            state,
            ..bench.theirs
        });
    }
    assert_eq!(bench.discarded(Discard::YourDiscriminator), 2);
    assert_eq!(bench.view().remote_discriminator, 0);
}

#[test]
fn rfc5880_6_8_6_no_discriminator_and_addresses_of_no_session_are_discarded() {
    let mut bench = Bench::new(settings());
    let bytes = bench.theirs.encode();
    let stranger = SocketAddr::from(([192, 0, 2, 3], 50_000));
    let to = SocketAddr::new(bench.key.local, 3784);
    bench.give(Input::Datagram {
        from: stranger,
        to,
        ttl: 255,
        bytes: &bytes,
    });
    assert_eq!(bench.discarded(Discard::NoSession), 1);
    assert!(bench.states.is_empty());
}

#[test]
fn rfc5880_6_8_6_authentication_that_is_not_in_use_is_discarded() {
    let mut bench = Bench::new(settings());
    let mut bytes = Packet {
        authenticated: true,
        ..bench.theirs
    }
    .encode()
    .to_vec();
    bytes[3] = 33;
    bytes.extend(b"\x01\x09\x07secret");
    bench.hear_bytes(255, &bytes);
    assert_eq!(bench.discarded(Discard::UnexpectedAuth), 1);
}

#[test]
fn rfc5880_6_8_6_missing_authentication_is_discarded() {
    let mut bench = Bench::new(Settings {
        auth: auth(),
        ..settings()
    });
    bench.hear(State::Down);
    assert_eq!(bench.discarded(Discard::MissingAuth), 1);
    assert_eq!(bench.view().state, State::Down);
}

#[test]
fn rfc5880_6_8_6_a_packet_that_authenticates_wrongly_is_discarded() {
    let mut bench = Bench::new(Settings {
        auth: auth(),
        ..settings()
    });
    let mut bytes = Packet {
        authenticated: true,
        ..bench.theirs
    }
    .encode()
    .to_vec();
    bytes[3] = 24 + 28;
    bytes.extend([5, 28, 1, 0, 0, 0, 0, 1]);
    bytes.extend([0; 20]);
    bench.hear_bytes(255, &bytes);
    assert_eq!(bench.discarded(Discard::AuthDigest), 1);
    assert_eq!(
        bench.view().remote_discriminator,
        0,
        "nothing is learned from it"
    );
}

#[test]
fn rfc5880_6_8_6_what_a_packet_says_is_remembered() {
    let mut bench = Bench::new(settings());
    bench.theirs.diagnostic = Diagnostic::new(4);
    bench.hear(State::Down);
    let view = bench.view();
    assert_eq!(view.remote_discriminator, THEIRS);
    assert_eq!(
        (view.remote_state, view.remote_diagnostic),
        (State::Down, Diagnostic::new(4))
    );
    assert_eq!(view.detection_time, ms(3_000));
    assert_eq!(bench.last().your_discriminator, THEIRS);
}

#[test]
fn rfc5880_6_8_6_in_admin_down_packets_are_discarded_after_they_are_remembered() {
    let mut bench = Bench::new(settings());
    bench.command(Command::AdminDown(bench.key));
    bench.theirs.poll = true;
    bench.sent.clear();
    bench.hear(State::Down);
    assert_eq!(bench.discarded(Discard::AdminDown), 1);
    assert_eq!(
        (bench.view().state, bench.view().remote_discriminator),
        (State::AdminDown, THEIRS)
    );
    assert!(bench.sent.is_empty(), "not even a poll is answered");
}

#[test]
fn rfc5880_6_8_6_a_poll_is_answered_at_once_with_the_final_bit_alone() {
    let mut bench = Bench::up(settings());
    bench.sent.clear();
    bench.theirs.poll = true;
    bench.hear(State::Up);
    let [(at, answer)] = bench.sent[..] else {
        panic!("one answer");
    };
    assert_eq!((at, answer.poll, answer.is_final), (bench.now, false, true));
}

#[test]
fn rfc5880_6_8_6_a_packet_of_a_restarted_neighbour_ends_the_session() {
    let mut bench = Bench::up(settings());
    bench.theirs.my_discriminator = 77;
    bench.hear(State::Down);
    assert_eq!(bench.view().diagnostic, Diagnostic::NEIGHBOR_DOWN);
    assert_eq!(
        (bench.view().state, bench.view().remote_discriminator),
        (State::Down, 77)
    );
}

#[test]
fn rfc5880_6_8_1_the_neighbour_is_forgotten_after_the_detection_time_in_any_state() {
    let mut bench = Bench::new(settings());
    bench.hear(State::AdminDown);
    assert_eq!(bench.view().state, State::Down);
    bench.run(ms(2_999));
    assert_eq!(bench.view().remote_discriminator, THEIRS);
    bench.run(ms(1));
    assert_eq!(bench.view().remote_discriminator, 0);
    bench.run(ms(1_000));
    assert_eq!(bench.last().your_discriminator, 0);
}

#[test]
fn a_guessed_discriminator_from_another_address_is_not_enough() {
    let mut bench = Bench::up(settings());
    let down = Packet {
        state: State::Down,
        your_discriminator: bench.view().discriminator,
        ..bench.theirs
    };
    let stranger = SocketAddr::from(([192, 0, 2, 3], 50_000));
    let to = SocketAddr::new(bench.key.local, 3784);
    bench.give(Input::Datagram {
        from: stranger,
        to,
        ttl: 255,
        bytes: &down.encode(),
    });
    let multihop = SocketAddr::new(bench.key.local, 4784);
    let from = SocketAddr::new(bench.key.remote, 50_000);
    bench.give(Input::Datagram {
        from,
        to: multihop,
        ttl: 255,
        bytes: &down.encode(),
    });
    assert_eq!(bench.discarded(Discard::Address), 2);
    assert_eq!(bench.view().state, State::Up);
}

#[test]
fn rfc5881_5_a_ttl_below_255_is_discarded() {
    let mut bench = Bench::new(settings());
    let bytes = bench.theirs.encode();
    for ttl in [0, 1, 254] {
        bench.hear_bytes(ttl, &bytes);
    }
    assert_eq!(bench.discarded(Discard::Ttl), 3);
    assert_eq!(bench.view().received, 0);
    bench.hear_bytes(255, &bytes);
    assert_eq!(bench.view().received, 1);
}

#[test]
fn rfc5881_4_and_5883_5_single_hop_uses_port_3784_and_multihop_4784() {
    assert_eq!((Hops::Single.port(), Hops::Multi.port()), (3784, 4784));
    let mut bench = Bench::between(key(Hops::Multi), settings());
    bench.hear(State::Down);
    assert_eq!(bench.view().state, State::Init);
}

#[test]
fn rfc5883_5_a_multihop_packet_from_too_far_away_is_discarded() {
    let mut bench = Bench::between(
        key(Hops::Multi),
        Settings {
            ttl_min: 250,
            ..settings()
        },
    );
    let bytes = bench.theirs.encode();
    bench.hear_bytes(249, &bytes);
    assert_eq!(
        (bench.discarded(Discard::Ttl), bench.view().state),
        (1, State::Down)
    );
    bench.hear_bytes(250, &bytes);
    assert_eq!(bench.view().state, State::Init);
}

#[test]
fn an_ipv4_neighbour_is_known_through_an_ipv6_socket_too() {
    let mut bench = Bench::new(settings());
    let mapped = |address: std::net::IpAddr, port| match address {
        std::net::IpAddr::V4(address) => SocketAddr::new(address.to_ipv6_mapped().into(), port),
        std::net::IpAddr::V6(_) => panic!("the bench uses IPv4"),
    };
    let (from, to) = (
        mapped(bench.key.remote, 50_000),
        mapped(bench.key.local, 3784),
    );
    let bytes = bench.theirs.encode();
    bench.give(Input::Datagram {
        from,
        to,
        ttl: 255,
        bytes: &bytes,
    });
    assert_eq!(bench.view().state, State::Init);
}

#[test]
fn rfc5880_6_1_the_passive_role_waits_to_be_spoken_to() {
    let mut bench = Bench::new(Settings {
        passive: true,
        ..settings()
    });
    bench.run(Duration::from_secs(60));
    assert!(bench.sent.is_empty());
    bench.hear(State::Down);
    assert_eq!(bench.last().state, State::Init);
    bench.run(Duration::from_secs(60));
    assert_eq!(
        (bench.view().state, bench.view().remote_discriminator),
        (State::Down, 0)
    );
    bench.sent.clear();
    bench.run(Duration::from_secs(60));
    assert!(bench.sent.is_empty(), "silent again");
}
