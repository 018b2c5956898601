//! The packet as RFC 5880 draws it, and the rules of §6.8.6 that need no session.

use super::*;

fn packet() -> Packet {
    Packet {
        diagnostic: Diagnostic::NEIGHBOR_DOWN,
        state: State::Init,
        poll: true,
        is_final: false,
        control_plane_independent: false,
        authenticated: false,
        demand: true,
        detect_mult: 5,
        my_discriminator: 0x0102_0304,
        your_discriminator: 0x0506_0708,
        desired_min_tx: Duration::from_micros(0x090a_0b0c),
        required_min_rx: Duration::from_micros(0x0d0e_0f10),
        required_min_echo_rx: Duration::from_micros(0x1112_1314),
    }
}

fn with(change: impl FnOnce(&mut Vec<u8>)) -> Result<Packet, Discard> {
    let mut bytes = packet().encode().to_vec();
    change(&mut bytes);
    Packet::decode(&bytes).map(|(packet, _)| packet)
}

#[test]
fn rfc5880_4_1_a_packet_lies_as_it_is_drawn() {
    let mut expected = vec![0x23, 0xa2, 5, 24];
    expected.extend(1..=20);
    assert_eq!(packet().encode().to_vec(), expected);
}

#[test]
fn what_is_written_is_read() {
    for state in [State::AdminDown, State::Down, State::Init, State::Up] {
        let written = Packet {
            state,
            is_final: true,
            poll: false,
            ..packet()
        };
        assert_eq!(Packet::decode(&written.encode()), Ok((written, &[][..])));
    }
}

#[test]
fn rfc5880_6_8_6_a_version_that_is_not_1_is_discarded() {
    assert_eq!(with(|bytes| bytes[0] = 0x43), Err(Discard::Version));
    assert_eq!(with(|bytes| bytes[0] = 0x03), Err(Discard::Version));
    assert_eq!(with(|bytes| bytes.truncate(1)), Err(Discard::TooShort));
}

#[test]
fn rfc5880_6_8_6_a_length_below_24_or_with_authentication_below_26_is_discarded() {
    assert_eq!(with(|bytes| bytes[3] = 23), Err(Discard::TooShort));
    let authenticated = |len: u8| {
        with(|bytes| {
            bytes[1] |= AUTHENTICATED;
            bytes[3] = len;
            bytes.extend([1, 2, 3, 4]);
        })
    };
    assert_eq!(authenticated(25), Err(Discard::TooShort));
    assert!(authenticated(26).is_ok());
}

#[test]
fn rfc5880_6_8_6_a_length_above_the_payload_is_discarded() {
    assert_eq!(with(|bytes| bytes[3] = 25), Err(Discard::TooLong));
    assert_eq!(with(|bytes| bytes.truncate(23)), Err(Discard::TooLong));
    assert!(
        with(|bytes| bytes.push(0)).is_ok(),
        "the payload may be longer"
    );
}

#[test]
fn rfc5880_6_8_6_a_detection_multiplier_of_zero_is_discarded() {
    assert_eq!(with(|bytes| bytes[2] = 0), Err(Discard::DetectMult));
}

#[test]
fn rfc5880_6_8_6_the_multipoint_bit_is_discarded() {
    assert_eq!(
        with(|bytes| bytes[1] |= MULTIPOINT),
        Err(Discard::Multipoint)
    );
}

#[test]
fn rfc5880_6_8_6_a_discriminator_of_zero_is_discarded() {
    assert_eq!(
        with(|bytes| bytes[4..8].fill(0)),
        Err(Discard::MyDiscriminator)
    );
}

#[test]
fn rfc5880_6_8_6_the_rules_are_asked_in_order() {
    type Breach = (Discard, fn(&mut Vec<u8>));
    let breaches: [Breach; 6] = [
        (Discard::MyDiscriminator, |bytes| bytes[4..8].fill(0)),
        (Discard::Multipoint, |bytes| bytes[1] |= MULTIPOINT),
        (Discard::DetectMult, |bytes| bytes[2] = 0),
        (Discard::TooLong, |bytes| bytes[3] = 200),
        (Discard::TooShort, |bytes| bytes[3] = 3),
        (Discard::Version, |bytes| bytes[0] = 0),
    ];
    let mut bytes = packet().encode().to_vec();
    for (discard, breach) in breaches {
        breach(&mut bytes);
        assert_eq!(
            Packet::decode(&bytes).err(),
            Some(discard),
            "the earlier rule speaks"
        );
    }
}

#[test]
fn intervals_that_the_wire_cannot_say_saturate() {
    let long = Packet {
        desired_min_tx: Duration::from_secs(10_000),
        ..packet()
    };
    assert_eq!(long.encode()[12..16], [0xff; 4]);
}
