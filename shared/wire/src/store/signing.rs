//! Words that a node signs with its own key: a domain, and the canonical CBOR of a value without its signature.

use libp2p_identity::{Keypair, PeerId, PublicKey, SigningError};
use serde::Serialize;

/// The longest key, as libp2p's protobuf of it, in bytes: that of an Ed25519 key has 36.
const MAX_KEY: usize = 64;
/// The longest signature, in bytes: that of an Ed25519 key has 64.
const MAX_SIGNATURE: usize = 96;

/// Something that its author signed.
///
/// The signature is over [`DOMAIN`](Self::DOMAIN) and the canonical CBOR of the value with an empty signature.
pub trait SignedWords: Serialize + Clone {
    /// What these words are, so that none passes for others.
    const DOMAIN: &'static [u8];

    /// The author's key, as libp2p writes it (protobuf), and the signature.
    fn seal(&self) -> (&[u8], &[u8]);

    /// The same with another signature.
    fn sealed(self, signature: Vec<u8>) -> Self;

    /// The author, if the key is one. Says nothing about the signature.
    fn author(&self) -> Option<PeerId> {
        Some(PublicKey::try_decode_protobuf(self.seal().0).ok()?.to_peer_id())
    }

    /// Who signed it; none if the key or the signature is wrong.
    fn signer(&self) -> Option<PeerId> {
        let (key, signature) = self.seal();
        let key = PublicKey::try_decode_protobuf(key).ok()?;
        key.verify(&words(self), signature).then(|| key.to_peer_id())
    }

    /// Signs it.
    ///
    /// # Errors
    /// The key cannot sign. An Ed25519 key always can.
    fn sign(self, identity: &Keypair) -> Result<Self, SigningError> {
        let signature = identity.sign(&words(&self))?;
        Ok(self.sealed(signature))
    }
}

/// What is signed.
fn words<T: SignedWords>(value: &T) -> Vec<u8> {
    let mut words = T::DOMAIN.to_vec();
    words.extend(shoal_cbor::encode(&value.clone().sealed(Vec::new())));
    words
}

/// Whether key and signature are as short as they must be.
pub(super) fn is_within_limits(value: &impl SignedWords) -> bool {
    let (key, signature) = value.seal();
    key.len() <= MAX_KEY && signature.len() <= MAX_SIGNATURE
}
