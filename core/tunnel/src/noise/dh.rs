//! X25519 (RFC 7748) for `snow`: wipes private keys, and does not compute the public half of the static key for every handshake.

use snow::types::{Dh, Random};
use x25519_dalek::{PublicKey as DhPublic, StaticSecret};
use zeroize::Zeroize as _;

use crate::PublicKey;

/// A private key and its public half. The one key that is ever set, not generated, is the endpoint's static key.
pub(super) struct X25519 {
    static_public_key: PublicKey,
    private: StaticSecret,
    public: [u8; 32],
}

impl X25519 {
    pub(super) fn new(static_public_key: PublicKey) -> Self {
        Self {
            static_public_key,
            private: StaticSecret::from([0; 32]),
            public: [0; 32],
        }
    }
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, private: &[u8]) {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(private);
        self.private = StaticSecret::from(bytes);
        self.public = self.static_public_key.0;
        bytes.zeroize();
    }

    fn generate(&mut self, chance: &mut dyn Random) -> Result<(), snow::Error> {
        let mut bytes = [0; 32];
        chance.try_fill_bytes(&mut bytes)?;
        self.private = StaticSecret::from(bytes);
        self.public = DhPublic::from(&self.private).to_bytes();
        bytes.zeroize();
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        self.private.as_bytes()
    }

    fn dh(&self, public: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(public.get(..32).ok_or(snow::Error::Dh)?);
        let shared = self.private.diffie_hellman(&DhPublic::from(bytes));
        out[..32].copy_from_slice(shared.as_bytes());
        Ok(())
    }
}
