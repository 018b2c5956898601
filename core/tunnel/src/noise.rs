//! The handshake of WireGuard (paper §5.4.1–5.4.5), computed by `snow`, and the suite that leaves it out.
//!
//! Knows nothing of indices, MACs, timers or peers.

mod dh;

use snow::params::{CipherChoice, DHChoice, HashChoice, NoiseParams};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher as SnowCipher, Dh, Hash, Random};
use snow::{Builder, HandshakeState};
use zeroize::Zeroize as _;

use dh::X25519;

use crate::cipher::Aead;
use crate::entropy::Entropy;
use crate::extension::{ANSWER, Offer, Secrets, Terms};
use crate::tai64n::Tai64n;
use crate::wire::{INITIATION_NOISE, RESPONSE_NOISE};
use crate::{PrivateKey, PublicKey, Suite};

/// Makes and reads handshakes for one static key.
pub(crate) struct Noise {
    suite: Suite,
    params: NoiseParams,
    private_key: PrivateKey,
    public_key: PublicKey,
}

/// A handshake that waits for its response.
pub(crate) struct Waiting {
    /// What the initiation offered beyond WireGuard.
    offer: Option<Offer>,
    state: State,
}

enum State {
    Noise(Box<HandshakeState>),
    Null,
}

/// A readable initiation, to be answered if its sender is a peer.
pub(crate) struct Initiation {
    pub(crate) from: PublicKey,
    pub(crate) timestamp: Tai64n,
    state: State,
}

impl Noise {
    pub(crate) fn new(suite: Suite, private_key: PrivateKey, public_key: PublicKey) -> Self {
        let params = CONSTRUCTION
            .parse()
            .expect("the construction is one that snow knows");
        Self {
            suite,
            params,
            private_key,
            public_key,
        }
    }

    /// The first message, to a peer. An offer goes into the timestamp.
    pub(crate) fn initiate(
        &self,
        entropy: &mut Entropy,
        to: &PublicKey,
        preshared_key: &[u8; 32],
        mut timestamp: Tai64n,
        offer: Option<Offer>,
    ) -> ([u8; INITIATION_NOISE], Waiting) {
        let mut message = [0; INITIATION_NOISE];
        if let Some(offer) = offer {
            offer.write(&mut timestamp);
        }
        if self.suite == Suite::Null {
            message[32..64].copy_from_slice(&self.public_key.0);
            message[NULL_TIMESTAMP].copy_from_slice(&timestamp);
            let state = State::Null;
            return (message, Waiting { offer, state });
        }
        let mut state = self
            .builder(entropy)
            .and_then(|builder| builder.remote_public_key(&to.0))
            .and_then(|builder| builder.psk(PSK, preshared_key))
            .and_then(Builder::build_initiator)
            .expect("all that the pattern needs is there");
        let len = state.write_message(&timestamp, &mut message);
        assert_eq!(
            len.ok(),
            Some(INITIATION_NOISE),
            "an initiation has a fixed length"
        );
        let state = State::Noise(Box::new(state));
        (message, Waiting { offer, state })
    }

    /// Reads a first message. `None` when it was not made for our key.
    pub(crate) fn read(&self, entropy: &mut Entropy, message: &[u8]) -> Option<Initiation> {
        let mut timestamp = [0; 12];
        if self.suite == Suite::Null {
            timestamp.copy_from_slice(message.get(NULL_TIMESTAMP)?);
            let from = PublicKey(message.get(32..64)?.try_into().ok()?);
            return Some(Initiation {
                from,
                timestamp,
                state: State::Null,
            });
        }
        let mut state = self
            .builder(entropy)
            .and_then(Builder::build_responder)
            .expect("all that the pattern needs is there");
        if state.read_message(message, &mut timestamp).ok()? != timestamp.len() {
            return None;
        }
        let from = PublicKey(state.get_remote_static()?.try_into().ok()?);
        Some(Initiation {
            from,
            timestamp,
            state: State::Noise(Box::new(state)),
        })
    }

    fn builder(&self, entropy: &mut Entropy) -> Result<Builder<'_>, snow::Error> {
        Builder::with_resolver(
            self.params.clone(),
            Box::new(Resolver {
                seed: entropy.take(),
                static_public_key: self.public_key,
            }),
        )
        .prologue(IDENTIFIER)?
        .local_private_key(self.private_key.bytes())
    }
}

impl Initiation {
    /// The second message, and the responder's secrets. Terms of the extension go into the message.
    pub(crate) fn respond(
        self,
        preshared_key: &[u8; 32],
        terms: Option<Terms>,
    ) -> (Vec<u8>, Terms, Secrets) {
        let answer = terms.map(|terms| terms.answer());
        let payload = answer.as_ref().map_or(&[][..], |answer| answer);
        let mut message = vec![0; RESPONSE_NOISE + payload.len()];
        let State::Noise(mut state) = self.state else {
            message[32..32 + payload.len()].copy_from_slice(payload);
            return (message, null(terms), Secrets::null());
        };
        state
            .set_psk(PSK.into(), preshared_key)
            .expect("a preshared key has 32 octets");
        let len = state.write_message(payload, &mut message);
        assert_eq!(
            len.ok(),
            Some(message.len()),
            "a response is as long as its payload makes it"
        );
        let (receive, send) = state.dangerously_get_raw_split();
        let terms = terms.unwrap_or(Terms::plain(Aead::ChaCha20Poly1305));
        (message, terms, Secrets { send, receive })
    }
}

impl Waiting {
    /// Reads the second message. `None` when it is not the answer to ours, which goes on waiting for it, or when
    /// it answers what was not offered.
    pub(crate) fn finish(&mut self, message: &[u8]) -> Option<(Terms, Secrets)> {
        let mut answer = [0; ANSWER];
        let len = match &mut self.state {
            State::Noise(state) => state.read_message(message, &mut answer).ok()?,
            State::Null => {
                let len = message.len().checked_sub(RESPONSE_NOISE)?;
                answer
                    .get_mut(..len)?
                    .copy_from_slice(message.get(32..32 + len)?);
                len
            }
        };
        let agreed = match (len, self.offer) {
            (0, _) => None,
            (ANSWER, Some(offer)) => Some(offer.accept(&answer)?),
            _ => return None,
        };
        let State::Noise(state) = &mut self.state else {
            return Some((null(agreed), Secrets::null()));
        };
        let (send, receive) = state.dangerously_get_raw_split();
        let terms = agreed.unwrap_or(Terms::plain(Aead::ChaCha20Poly1305));
        Some((terms, Secrets { send, receive }))
    }
}

impl Secrets {
    const fn null() -> Self {
        Self {
            send: [0; 32],
            receive: [0; 32],
        }
    }
}

fn null(terms: Option<Terms>) -> Terms {
    terms.map_or(Terms::plain(Aead::Null), Terms::without_cryptography)
}

/// snow's own primitives but X25519, with chance from our seed in place of the operating system's.
struct Resolver {
    seed: [u8; 32],
    static_public_key: PublicKey,
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Entropy::new(&self.seed, &[b"ephemeral"])))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        match choice {
            DHChoice::Curve25519 => Some(Box::new(X25519::new(self.static_public_key))),
            _ => None,
        }
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn SnowCipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

const CONSTRUCTION: &str = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
const IDENTIFIER: &[u8] = b"WireGuard v1 zx2c4 Jason@zx2c4.com";
/// Where the pattern mixes the preshared key in: at the end of the second message.
const PSK: u8 = 2;
/// Where the null suite writes the timestamp that Noise would encrypt: behind both keys and a tag.
const NULL_TIMESTAMP: std::ops::Range<usize> = 80..92;
