//! What an owner wants of the store, signed by it.

use std::time::Duration;

use libp2p_identity::Keypair;
use serde::{Deserialize, Serialize};
use shoal_content::ContentId;

use super::signing::SignedWords;

/// What the owner of a content wants: how many nodes shall keep it, and until when.
///
/// A content may have several owners who know nothing of each other. Of two records of one owner, the one that was issued
/// later counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreRecord {
    /// The name of the content, by which it is found.
    pub name: String,
    /// Bytes of the whole content.
    pub size: u64,
    /// The owner's key, as libp2p writes it.
    #[serde(with = "serde_bytes")]
    pub owner: Vec<u8>,
    /// How many nodes shall keep it: 1 to 16.
    pub copies: u8,
    /// When the record was made, in seconds since 1970.
    pub issued: u64,
    /// Which content.
    pub content: ContentId,
    /// Until when it shall be kept, in seconds since 1970.
    pub expires: u64,
    /// The owner's signature.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

impl StoreRecord {
    /// What is to be signed by who has the key. Times are since 1970.
    pub fn new(
        identity: &Keypair,
        content: ContentId,
        name: &str,
        size: u64,
        copies: u8,
        times: [Duration; 2],
    ) -> Self {
        let [issued, expires] = times.map(|time| time.as_secs());
        let owner = identity.public().encode_protobuf();
        Self { name: name.to_owned(), size, owner, copies, issued, content, expires, signature: vec![] }
    }
}

impl SignedWords for StoreRecord {
    const DOMAIN: &'static [u8] = b"shoal-store-record:";

    fn seal(&self) -> (&[u8], &[u8]) {
        (&self.owner, &self.signature)
    }

    fn sealed(self, signature: Vec<u8>) -> Self {
        Self { signature, ..self }
    }
}

/// The owner of a content no longer wants it to be kept. Counts for all records of this owner that were issued before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreEnd {
    /// The owner's key, as libp2p writes it.
    #[serde(with = "serde_bytes")]
    pub owner: Vec<u8>,
    /// When it was made, in seconds since 1970.
    pub issued: u64,
    /// Which content.
    pub content: ContentId,
    /// The owner's signature.
    #[serde(with = "serde_bytes")]
    pub signature: Vec<u8>,
}

impl SignedWords for StoreEnd {
    const DOMAIN: &'static [u8] = b"shoal-store-end:";

    fn seal(&self) -> (&[u8], &[u8]) {
        (&self.owner, &self.signature)
    }

    fn sealed(self, signature: Vec<u8>) -> Self {
        Self { signature, ..self }
    }
}
