//! RFC 5880 §6.7, clause by clause.

use core::time::Duration;

use super::*;
use crate::{Diagnostic, State};

const KINDS: [AuthKind; 5] = [
    AuthKind::SimplePassword,
    AuthKind::KeyedMd5,
    AuthKind::MeticulousKeyedMd5,
    AuthKind::KeyedSha1,
    AuthKind::MeticulousKeyedSha1,
];

fn packet() -> Packet {
    Packet {
        diagnostic: Diagnostic::NONE,
        state: State::Up,
        poll: false,
        is_final: false,
        control_plane_independent: false,
        authenticated: true,
        demand: false,
        detect_mult: 3,
        my_discriminator: 1,
        your_discriminator: 2,
        desired_min_tx: Duration::from_millis(50),
        required_min_rx: Duration::from_millis(50),
        required_min_echo_rx: Duration::ZERO,
    }
}

fn auth(kind: AuthKind) -> Auth {
    Auth::new(kind, vec![AuthKey::new(7, b"secret".to_vec())]).expect("a key that fits")
}

fn check(auth: &Auth, bytes: &[u8], last: Option<u32>) -> Result<Option<u32>, Discard> {
    auth.verify(&packet(), bytes, last)
}

#[test]
fn what_is_signed_is_accepted_by_whoever_has_the_key() {
    for kind in KINDS {
        let octets = auth(kind).sign(&packet(), 100);
        let sequence = (kind != AuthKind::SimplePassword).then_some(100);
        assert_eq!(check(&auth(kind), &octets, None), Ok(sequence), "{kind:?}");
    }
}

#[test]
fn rfc5880_4_2_a_simple_password_stands_in_the_clear() {
    let octets = auth(AuthKind::SimplePassword).sign(&packet(), 0);
    assert_eq!(octets[24..], *b"\x01\x09\x07secret");
    assert_eq!(octets[3], 33);
}

#[test]
fn rfc5880_4_3_and_4_4_digests_have_their_lengths_and_the_sequence_number_before_them() {
    for (kind, number, len) in [
        (AuthKind::KeyedMd5, 2, 24),
        (AuthKind::MeticulousKeyedMd5, 3, 24),
        (AuthKind::KeyedSha1, 4, 28),
        (AuthKind::MeticulousKeyedSha1, 5, 28),
    ] {
        let octets = auth(kind).sign(&packet(), 0x0102_0304);
        assert_eq!(octets[24..32], [number, len, 7, 0, 1, 2, 3, 4]);
        assert_eq!(octets.len(), 24 + usize::from(len));
    }
}

/// Against Python: `hashlib.md5(header + section + key)`, with the key padded by zeros.
#[test]
fn rfc5880_6_7_3_the_digest_is_that_of_the_packet_with_the_key_in_its_place() {
    let octets = auth(AuthKind::KeyedMd5).sign(&packet(), 1);
    assert_eq!(hex(&octets[32..]), "121001011afe16e774eb8c79ed044081");
    let octets = auth(AuthKind::KeyedSha1).sign(&packet(), 1);
    assert_eq!(
        hex(&octets[32..]),
        "2b77cd672d083f26242340d677d7db9602f597ca"
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn rfc5880_6_7_another_type_length_or_key_id_is_discarded() {
    for kind in KINDS {
        let good = auth(kind).sign(&packet(), 1).to_vec();
        for (at, value) in [(24, 9), (25, good[25] + 1), (26, 8)] {
            let mut bytes = good.clone();
            bytes[at] = value;
            assert_eq!(check(&auth(kind), &bytes, None), Err(Discard::AuthHeader));
        }
        let mut cut = good.clone();
        cut[3] -= 1;
        assert_eq!(check(&auth(kind), &cut, None), Err(Discard::AuthHeader));
        cut[3] = 26;
        assert_eq!(check(&auth(kind), &cut, None), Err(Discard::AuthHeader));
    }
}

#[test]
fn rfc5880_6_7_a_wrong_password_or_digest_is_discarded_whichever_octet_differs() {
    for kind in KINDS {
        let good = auth(kind).sign(&packet(), 1).to_vec();
        let first = if kind == AuthKind::SimplePassword {
            27
        } else {
            32
        };
        for at in first..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            assert_eq!(check(&auth(kind), &bytes, None), Err(Discard::AuthDigest));
        }
    }
}

#[test]
fn rfc5880_6_7_3_the_digest_covers_the_mandatory_section() {
    let good = auth(AuthKind::KeyedSha1).sign(&packet(), 1).to_vec();
    for at in [0, 1, 2, 4, 8, 12, 16, 20, 27, 28] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        assert_eq!(
            check(&auth(AuthKind::KeyedSha1), &bytes, None),
            Err(Discard::AuthDigest)
        );
    }
}

#[test]
fn rfc5880_6_7_3_the_sequence_number_may_stand_still_but_not_fall_back_or_leap() {
    for kind in [AuthKind::KeyedMd5, AuthKind::KeyedSha1] {
        sequences(kind, &[0, 1, 9], &[u32::MAX, 10]);
    }
}

#[test]
fn rfc5880_6_7_3_a_meticulous_sequence_number_must_rise() {
    for kind in [AuthKind::MeticulousKeyedMd5, AuthKind::MeticulousKeyedSha1] {
        sequences(kind, &[1, 9], &[0, u32::MAX, 10]);
    }
}

/// Steps from the last sequence number that are taken and that are not, with detection multiplier 3, also across
/// the end of the numbers.
fn sequences(kind: AuthKind, taken: &[u32], refused: &[u32]) {
    for last in [1_000, u32::MAX - 2] {
        let result = |step: &u32| {
            let octets = auth(kind).sign(&packet(), last.wrapping_add(*step));
            check(&auth(kind), &octets, Some(last))
        };
        assert!(taken.iter().all(|step| result(step).is_ok()));
        assert!(
            refused
                .iter()
                .all(|step| result(step) == Err(Discard::AuthSequence))
        );
    }
}

#[test]
fn rfc5880_6_7_3_the_sequence_number_rises_with_each_packet_or_with_each_change() {
    for kind in KINDS {
        assert_eq!(auth(kind).next_sequence(u32::MAX, true), 0);
    }
    assert_eq!(auth(AuthKind::KeyedMd5).next_sequence(5, false), 5);
    assert_eq!(
        auth(AuthKind::MeticulousKeyedMd5).next_sequence(5, false),
        6
    );
}

#[test]
fn keys_are_changed_one_side_at_a_time() {
    let (old, new) = (
        AuthKey::new(1, b"old".to_vec()),
        AuthKey::new(2, b"new".to_vec()),
    );
    let kind = AuthKind::MeticulousKeyedSha1;
    let before = Auth::new(kind, vec![old.clone()]).expect("fits");
    let between = Auth::new(kind, vec![old, new.clone()]).expect("fits");
    let after = Auth::new(kind, vec![new]).expect("fits");
    assert!(check(&between, &before.sign(&packet(), 1), None).is_ok());
    assert!(check(&before, &between.sign(&packet(), 1), None).is_ok());
    assert!(check(&between, &after.sign(&packet(), 1), None).is_ok());
    assert!(check(&before, &after.sign(&packet(), 1), None).is_err());
}

#[test]
fn keys_have_the_lengths_of_rfc5880_4() {
    let made = |kind, len| Auth::new(kind, vec![AuthKey::new(1, vec![b'x'; len])]).is_ok();
    for kind in KINDS {
        let most = if kind as u8 >= 4 { 20 } else { 16 };
        assert!(!made(kind, 0) && made(kind, 1) && made(kind, most) && !made(kind, most + 1));
        assert!(Auth::new(kind, Vec::new()).is_err());
    }
}

#[test]
fn secrets_are_not_printed() {
    let auth = auth(AuthKind::SimplePassword);
    let octets = auth.sign(&packet(), 0);
    let printed = format!("{auth:?} {octets:?}");
    assert!(
        !printed.contains("secret") && !printed.contains("115, 101"),
        "{printed}"
    );
}
