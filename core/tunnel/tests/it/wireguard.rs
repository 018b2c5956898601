//! The bytes of a handshake against an independent reading of the WireGuard paper, built here from the primitives.

use std::time::Duration;

use blake2::digest::consts::U16;
use blake2::digest::{KeyInit, Mac};
use blake2::{Blake2s256, Blake2sMac, Digest};
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::AeadInPlace;
use tunnel::{Event, Input};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::net::{A, B, Net, Options, PEER, inner, key};

pub(crate) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Blake2s256::new();
    parts
        .iter()
        .for_each(|part| Digest::update(&mut hash, part));
    hash.finalize().into()
}

/// HMAC (RFC 2104) over BLAKE2s, whose block is 64 octets.
fn hmac(key: &[u8; 32], input: &[u8]) -> [u8; 32] {
    let (mut inner, mut outer) = ([0x36; 64], [0x5c; 64]);
    for (at, byte) in key.iter().enumerate() {
        inner[at] ^= byte;
        outer[at] ^= byte;
    }
    hash(&[&outer, &hash(&[&inner, input])])
}

fn kdf<const N: usize>(key: &[u8; 32], input: &[u8]) -> [[u8; 32]; N] {
    let secret = hmac(key, input);
    let mut previous = Vec::new();
    std::array::from_fn(|number| {
        previous.push(number as u8 + 1);
        let output = hmac(&secret, &previous);
        previous = output.to_vec();
        output
    })
}

pub(crate) fn mac(key: &[u8], input: &[u8]) -> [u8; 16] {
    let mut mac = <Blake2sMac<U16> as Mac>::new_from_slice(key).expect("a key");
    Mac::update(&mut mac, input);
    mac.finalize().into_bytes().into()
}

pub(crate) fn aead(key: &[u8; 32], counter: u64, plain: &[u8], associated: &[u8]) -> Vec<u8> {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_le_bytes());
    let mut bytes = plain.to_vec();
    let tag = ChaCha20Poly1305::new(key.into())
        .encrypt_in_place_detached(&nonce.into(), associated, &mut bytes)
        .expect("it seals");
    bytes.extend_from_slice(&tag);
    bytes
}

pub(crate) fn open(key: &[u8; 32], counter: u64, sealed: &[u8], associated: &[u8]) -> Vec<u8> {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_le_bytes());
    let (body, tag) = sealed.split_at(sealed.len() - 16);
    let mut bytes = body.to_vec();
    ChaCha20Poly1305::new(key.into())
        .decrypt_in_place_detached(&nonce.into(), associated, &mut bytes, tag.into())
        .expect("it opens");
    bytes
}

/// End B as the paper describes it, in straight lines.
pub(crate) struct Paper {
    secret: StaticSecret,
    chaining: [u8; 32],
    hash: [u8; 32],
    /// Octets 9 to 11 of the timestamp, which are zero in plain WireGuard.
    pub(crate) offer: [u8; 3],
    their_ephemeral: PublicKey,
    their_static: PublicKey,
}

impl Paper {
    /// §5.4.2, seen from the responder.
    pub(crate) fn read(message: &[u8], secret: StaticSecret) -> Self {
        assert_eq!((message.len(), &message[..4]), (148, &[1, 0, 0, 0][..]));
        let public = PublicKey::from(&secret);
        let mac1_key = hash(&[b"mac1----", public.as_bytes()]);
        assert_eq!(message[116..132], mac(&mac1_key, &message[..116]));
        assert_eq!(message[132..], [0; 16], "no cookie yet");

        let chaining = hash(&[b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"]);
        let transcript = hash(&[&chaining, b"WireGuard v1 zx2c4 Jason@zx2c4.com"]);
        let transcript = hash(&[&transcript, public.as_bytes()]);
        let ephemeral: [u8; 32] = message[8..40].try_into().expect("32 octets");
        let transcript = hash(&[&transcript, &ephemeral]);
        let [chaining] = kdf(&chaining, &ephemeral);
        let their_ephemeral = PublicKey::from(ephemeral);
        let [chaining, k] = kdf(
            &chaining,
            secret.diffie_hellman(&their_ephemeral).as_bytes(),
        );
        let their_static: [u8; 32] = open(&k, 0, &message[40..88], &transcript)
            .try_into()
            .expect("32 octets");
        let transcript = hash(&[&transcript, &message[40..88]]);
        let their_static = PublicKey::from(their_static);
        let [chaining, k] = kdf(&chaining, secret.diffie_hellman(&their_static).as_bytes());
        let timestamp = open(&k, 0, &message[88..116], &transcript);
        assert_eq!(
            timestamp[..8],
            (0x4000_0000_0000_000a_u64 + 1_800_000_001).to_be_bytes()
        );
        let hash = hash(&[&transcript, &message[88..116]]);
        Self {
            secret,
            chaining,
            hash,
            offer: timestamp[9..].try_into().expect("3 octets"),
            their_ephemeral,
            their_static,
        }
    }

    /// §5.4.3 and §5.4.5: the response, and the keys to receive and to send with.
    /// A payload is the extension's answer.
    pub(crate) fn respond(
        self,
        receiver: &[u8],
        preshared_key: &[u8; 32],
        payload: &[u8],
    ) -> (Vec<u8>, [[u8; 32]; 2]) {
        assert_ne!(PublicKey::from(&self.secret), self.their_static);
        let ephemeral = StaticSecret::from([0x42; 32]);
        let public = PublicKey::from(&ephemeral);
        let mut message = vec![2, 0, 0, 0, 0xd0, 0xc3, 0xb2, 0xa1];
        message.extend_from_slice(receiver);
        message.extend_from_slice(public.as_bytes());
        let transcript = hash(&[&self.hash, public.as_bytes()]);
        let [chaining] = kdf(&self.chaining, public.as_bytes());
        let [chaining] = kdf(
            &chaining,
            ephemeral.diffie_hellman(&self.their_ephemeral).as_bytes(),
        );
        let [chaining] = kdf(
            &chaining,
            ephemeral.diffie_hellman(&self.their_static).as_bytes(),
        );
        let [chaining, t, k] = kdf(&chaining, preshared_key);
        let transcript = hash(&[&transcript, &t]);
        message.extend_from_slice(&aead(&k, 0, payload, &transcript));
        let mac1_key = hash(&[b"mac1----", self.their_static.as_bytes()]);
        let mac1 = mac(&mac1_key, &message);
        message.extend_from_slice(&mac1);
        message.extend_from_slice(&[0; 16]);
        (message, kdf(&chaining, &[]))
    }
}

/// B's private key as the primitives want it.
pub(crate) fn secret(end: usize) -> StaticSecret {
    let text = key(end).to_base64();
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = text
        .bytes()
        .filter_map(|byte| digits.iter().position(|digit| *digit == byte));
    let (mut bytes, mut word, mut held) = (Vec::new(), 0usize, 0);
    for value in bits {
        word = (word << 6 | value) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((word >> held) as u8);
        }
    }
    StaticSecret::from(<[u8; 32]>::try_from(bytes).expect("32 octets"))
}

#[test]
fn a_responder_built_from_the_paper_finishes_our_handshake_and_reads_our_packets() {
    let preshared_key = [0x77; 32];
    let mut net = Net::new(Options {
        preshared_keys: [Some(preshared_key), None],
        ..Options::default()
    });
    net.cut = [true, true];
    net.tell(A, Input::Wake);
    net.send(A, &inner(b"hello paper"));
    let initiation = net.sent.remove(0).2;
    let paper = Paper::read(&initiation, secret(B));
    assert_eq!(*paper.their_static.as_bytes(), key(A).public_key().0);
    assert_eq!(paper.offer, [0; 3], "nothing is offered to a plain peer");
    let (response, [receive, send]) = paper.respond(&initiation[4..8], &preshared_key, &[]);
    net.deliver(A, net.addresses[B], response);
    assert_eq!(net.times(A, Event::SessionUp(PEER)).len(), 1);

    let data = net.sent.remove(0).2;
    assert_eq!(
        data[..16],
        [4, 0, 0, 0, 0xd0, 0xc3, 0xb2, 0xa1, 0, 0, 0, 0, 0, 0, 0, 0]
    );
    let mut padded = inner(b"hello paper");
    padded.resize(48, 0);
    assert_eq!(open(&receive, 0, &data[16..], &[]), padded);

    let mut reply = vec![4, 0, 0, 0];
    reply.extend_from_slice(&initiation[4..8]);
    reply.extend_from_slice(&5u64.to_le_bytes());
    reply.extend_from_slice(&aead(&send, 5, &inner(b"hello longhaul"), &[]));
    net.deliver(A, net.addresses[B], reply);
    assert_eq!(net.inbox[A], [inner(b"hello longhaul")]);
}

#[test]
fn a_cookie_made_as_the_paper_says_is_used_for_mac2() {
    use chacha20poly1305::XChaCha20Poly1305;
    let mut net = Net::new(Options::default());
    net.cut = [true, true];
    net.tell(A, Input::Wake);
    let initiation = net.sent.remove(0).2;
    let cookie_key = hash(&[b"cookie--", &key(B).public_key().0]);
    let (nonce, mut cookie) = ([3; 24], [0xc0; 16]);
    let tag = XChaCha20Poly1305::new(&cookie_key.into())
        .encrypt_in_place_detached(&nonce.into(), &initiation[116..132], &mut cookie)
        .expect("it seals");
    let mut reply = vec![3, 0, 0, 0];
    reply.extend_from_slice(&initiation[4..8]);
    reply.extend_from_slice(&nonce);
    reply.extend_from_slice(&cookie);
    reply.extend_from_slice(&tag);
    net.deliver(A, net.addresses[B], reply);
    net.run(Duration::from_secs(3));
    let second = net.sent.remove(0).2;
    assert_eq!(second[132..], mac(&[0xc0; 16], &second[..132]));
}
