//! MAC1, MAC2 and cookies (paper §5.3, §5.4.4, §5.4.7): what makes a flood of handshakes cheap to refuse.
//!
//! MAC1 proves that the sender knows the receiver's public key, and costs one hash. Under load the
//! receiver also wants MAC2, made with a cookie that it sent to the sender's address.

use std::net::SocketAddrV4;
use std::time::Duration;

use blake2::digest::Mac;
use blake2::digest::consts::U16;
use blake2::{Blake2s256, Blake2sMac, Digest as _};
use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use inet::Instant;

use crate::PublicKey;
use crate::entropy::Entropy;
use crate::wire::{COOKIE_REPLY, MACS, cookie_reply};

type Tag = [u8; 16];

/// Writes the MACs of messages to one peer, and keeps the cookie it sent.
pub(crate) struct Stamp {
    mac1_key: [u8; 32],
    cookie_key: [u8; 32],
    cookie: Option<(Tag, Instant)>,
    /// MAC1 of the last message: a cookie is bound to it.
    last_mac1: Option<Tag>,
}

impl Stamp {
    pub(crate) fn new(peer: &PublicKey) -> Self {
        Self {
            mac1_key: labelled(MAC1_LABEL, peer),
            cookie_key: labelled(COOKIE_LABEL, peer),
            cookie: None,
            last_mac1: None,
        }
    }

    /// Fills in the MACs at the end of a handshake message.
    pub(crate) fn write(&mut self, now: Instant, message: &mut [u8]) {
        let (body, macs) = message.split_at_mut(message.len() - MACS);
        let mac1 = mac(&self.mac1_key, &[body]);
        macs[..16].copy_from_slice(&mac1);
        self.last_mac1 = Some(mac1);
        if let Some((cookie, received)) = self.cookie
            && now.since(received) < COOKIE_LIFETIME
        {
            let mac2 = mac(&cookie, &[body, &mac1]);
            macs[16..].copy_from_slice(&mac2);
        }
    }

    /// Writes a MAC that the peer can check behind the first octets of a message.
    pub(crate) fn sign(&self, signed: usize, message: &mut [u8]) {
        sign(&self.mac1_key, signed, message);
    }

    /// Whether the MAC behind the first octets of a message is the peer's.
    pub(crate) fn signature_fits(&self, signed: usize, message: &[u8]) -> bool {
        verify(&self.mac1_key, &[&message[..signed]], &message[signed..])
    }

    /// Takes the cookie out of a cookie reply. `false` when it does not answer our last message.
    #[must_use]
    pub(crate) fn take_cookie(&mut self, now: Instant, reply: &[u8]) -> bool {
        let Some(mac1) = self.last_mac1.filter(|_| reply.len() == COOKIE_REPLY) else {
            return false;
        };
        let mut cookie = [0; 16];
        cookie.copy_from_slice(&reply[32..48]);
        let opened = XChaCha20Poly1305::new(&self.cookie_key.into()).decrypt_in_place_detached(
            reply[8..32].into(),
            &mac1,
            &mut cookie,
            reply[48..].into(),
        );
        if opened.is_ok() {
            self.cookie = Some((cookie, now));
            // A cookie is given once for a message; a replayed reply must not make a fresh one of it.
            self.last_mac1 = None;
        }
        opened.is_ok()
    }
}

/// Checks the MACs of messages to us, and gives out cookies.
pub(crate) struct Check {
    mac1_key: [u8; 32],
    cookie_key: [u8; 32],
    /// What cookies are made from, and since when.
    secret: Option<([u8; 32], Instant)>,
}

impl Check {
    pub(crate) fn new(own: &PublicKey) -> Self {
        Self {
            mac1_key: labelled(MAC1_LABEL, own),
            cookie_key: labelled(COOKIE_LABEL, own),
            secret: None,
        }
    }

    /// Whether the sender knows our public key.
    pub(crate) fn mac1_fits(&self, message: &[u8]) -> bool {
        let (body, macs) = message.split_at(message.len() - MACS);
        verify(&self.mac1_key, &[body], &macs[..16])
    }

    /// Writes a MAC that those can check who know our public key behind the first octets of a message.
    pub(crate) fn sign(&self, signed: usize, message: &mut [u8]) {
        sign(&self.mac1_key, signed, message);
    }

    /// Whether the MAC behind the first octets of a message is of somebody who knows our public key.
    pub(crate) fn signature_fits(&self, signed: usize, message: &[u8]) -> bool {
        verify(&self.mac1_key, &[&message[..signed]], &message[signed..])
    }

    /// Whether the sender has received a cookie at this address within the secret's lifetime.
    pub(crate) fn mac2_fits(&self, now: Instant, from: SocketAddrV4, message: &[u8]) -> bool {
        let (body, mac2) = message.split_at(message.len() - 16);
        let Some((secret, _)) = self.secret.filter(|(_, since)| is_fresh(now, *since)) else {
            return false;
        };
        if mac2 == [0; 16] {
            // Who has no cookie leaves it out (paper §5.4.4): nothing to compute for most of a flood.
            return false;
        }
        verify(&cookie(&secret, from), &[body], mac2)
    }

    /// A cookie for the sender of this handshake message.
    pub(crate) fn reply(
        &mut self,
        now: Instant,
        entropy: &mut Entropy,
        from: SocketAddrV4,
        sender: u32,
        message: &[u8],
    ) -> Vec<u8> {
        let secret = match self.secret.filter(|(_, since)| is_fresh(now, *since)) {
            Some((secret, _)) => secret,
            None => self.secret.insert((entropy.take(), now)).0,
        };
        let mut nonce = [0; 24];
        nonce.copy_from_slice(&entropy.take()[..24]);
        let mac1 = &message[message.len() - MACS..message.len() - 16];
        let mut sealed = [0; 32];
        sealed[..16].copy_from_slice(&cookie(&secret, from));
        let tag = XChaCha20Poly1305::new(&self.cookie_key.into())
            .encrypt_in_place_detached(&nonce.into(), mac1, &mut sealed[..16])
            .expect("a cookie is shorter than the AEAD's limit");
        sealed[16..].copy_from_slice(&tag);
        cookie_reply(sender, &nonce, &sealed)
    }
}

fn is_fresh(now: Instant, since: Instant) -> bool {
    now.since(since) < COOKIE_LIFETIME
}

fn cookie(secret: &[u8; 32], from: SocketAddrV4) -> Tag {
    mac(secret, &[&from.ip().octets(), &from.port().to_be_bytes()])
}

fn labelled(label: &[u8; 8], key: &PublicKey) -> [u8; 32] {
    Blake2s256::new()
        .chain_update(label)
        .chain_update(key.0)
        .finalize()
        .into()
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> Blake2sMac<U16> {
    let mut mac = <Blake2sMac<U16> as Mac>::new_from_slice(key)
        .expect("BLAKE2s takes keys of up to 32 octets");
    for part in parts {
        Mac::update(&mut mac, part);
    }
    mac
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Tag {
    keyed(key, parts).finalize().into_bytes().into()
}

fn sign(key: &[u8], signed: usize, message: &mut [u8]) {
    let (body, tag) = message.split_at_mut(signed);
    tag.copy_from_slice(&mac(key, &[body]));
}

/// Compares in constant time.
fn verify(key: &[u8], parts: &[&[u8]], tag: &[u8]) -> bool {
    keyed(key, parts).verify_slice(tag).is_ok()
}

const MAC1_LABEL: &[u8; 8] = b"mac1----";
const COOKIE_LABEL: &[u8; 8] = b"cookie--";
/// For the secret of the one side and the cookie of the other (paper §5.4.7).
const COOKIE_LIFETIME: Duration = Duration::from_secs(120);
