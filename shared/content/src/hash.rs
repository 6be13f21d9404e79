//! SHA-256 values and the ids made of them.

use std::fmt;
use std::str::FromStr;

use cid::Cid;
use cid::multihash::Multihash;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// Multicodec of SHA-256 (multicodec table: `sha2-256`).
const SHA2_256: u64 = 0x12;
/// Multicodec of DAG-CBOR (multicodec table: `dag-cbor`).
const DAG_CBOR: u64 = 0x71;
/// Multicodec of raw bytes (multicodec table: `raw`), which chunks have outside of Shoal.
#[cfg(test)]
pub(crate) const RAW: u64 = 0x55;

/// A SHA-256 value (FIPS 180-4): of a chunk, of a manifest page, or of a manifest root.
///
/// In CBOR it is a byte string of 32 bytes; as text, 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Hashes some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Hashes several messages, in less time than one after another (`shoal-sha256`).
    pub fn of_each(messages: &[&[u8]]) -> Vec<Self> {
        shoal_sha256::digest_each(messages).into_iter().map(Self).collect()
    }

    /// Takes a value that was computed elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(HashError::NotHash)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", data_encoding::HEXLOWER.encode(&self.0[..4]))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        serde_bytes::ByteArray::<32>::deserialize(d).map(|b| Self(b.into_array()))
    }
}

/// Names a content: the SHA-256 of its manifest root, written as a CIDv1 with codec dag-cbor.
///
/// As text it is the CID in base32 (`bafyrei…`, 59 characters). In CBOR it is the 36 bytes of the CID in
/// a byte string.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId(Hash);

/// Why a text or some bytes are no content id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Not a SHA-256 in hexadecimal digits.
    #[error("not a SHA-256: want 64 hexadecimal digits")]
    NotHash,
    /// Not a CID at all.
    #[error("not a CID: {0}")]
    NotCid(String),
    /// A CID of something else.
    #[error("a CID, but of something else: want CIDv1, dag-cbor, sha2-256")]
    OtherCid,
}

impl ContentId {
    /// The id of the manifest whose root has this hash.
    pub const fn from_root_hash(hash: Hash) -> Self {
        Self(hash)
    }

    /// The hash of the manifest root.
    pub const fn root_hash(&self) -> &Hash {
        &self.0
    }

    /// The 36 bytes of the CID.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_cid(&self.0, DAG_CBOR).to_bytes()
    }

    /// Reads the bytes of a CID.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HashError> {
        let cid = Cid::try_from(bytes).map_err(|e| HashError::NotCid(e.to_string()))?;
        let id = Self::from_cid(&cid)?;
        // Varints can be written long; only the one form is accepted.
        if id.to_bytes() == bytes { Ok(id) } else { Err(HashError::OtherCid) }
    }

    /// The first characters that differ between ids, for people: 12 of them.
    pub fn short(&self) -> String {
        let text = self.to_string();
        text.chars().skip("bafyrei".len()).take(12).collect()
    }

    fn from_cid(cid: &Cid) -> Result<Self, HashError> {
        let fits =
            cid.version() == cid::Version::V1 && cid.codec() == DAG_CBOR && cid.hash().code() == SHA2_256;
        let digest: Result<[u8; 32], _> = cid.hash().digest().try_into();
        match (fits, digest) {
            (true, Ok(digest)) => Ok(Self(Hash(digest))),
            _ => Err(HashError::OtherCid),
        }
    }
}

pub(crate) fn to_cid(hash: &Hash, codec: u64) -> Cid {
    let multihash = Multihash::<64>::wrap(SHA2_256, &hash.0).expect("32 bytes fit into 64");
    Cid::new_v1(codec, multihash)
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        to_cid(&self.0, DAG_CBOR).fmt(f)
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl FromStr for ContentId {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        // A CID is at most some 100 characters in any base; longer input is not worth decoding.
        if text.len() > 128 {
            return Err(HashError::NotCid("too long".into()));
        }
        let cid = Cid::try_from(text).map_err(|e| HashError::NotCid(e.to_string()))?;
        Self::from_cid(&cid)
    }
}

impl Serialize for ContentId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(&self.to_bytes())
    }
}

impl<'de> Deserialize<'de> for ContentId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::ByteArray::<36>::deserialize(d)?;
        Self::from_bytes(bytes.as_slice()).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_several_messages_has_its_own_hash_in_their_order() {
        let all: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        let lens = [5000, 0, 64, 4999, 1, 3000, 777];
        for count in 0..=lens.len() {
            let messages: Vec<&[u8]> = lens[..count].iter().map(|len| &all[..*len]).collect();
            let expected: Vec<Hash> = messages.iter().map(|message| Hash::of(message)).collect();
            assert_eq!(Hash::of_each(&messages), expected);
        }
    }

    #[test]
    fn sha256_of_nothing_is_the_known_value() {
        let want = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Hash::of(b"").to_string(), want);
        assert_eq!(want.parse(), Ok(Hash::of(b"")));
        assert_eq!(want.to_uppercase().parse(), Ok(Hash::of(b"")));
        for other in ["", "e3b0", &want[1..], &format!("{want}00"), &want.replace('e', "g")] {
            assert_eq!(other.parse::<Hash>(), Err(HashError::NotHash), "{other}");
        }
    }

    #[test]
    fn content_id_round_trips_as_text_and_bytes() {
        let id = ContentId::from_root_hash(Hash::of(b"root"));
        assert!(id.to_string().starts_with("bafyrei"));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_bytes().len(), 36);
        assert_eq!(ContentId::from_bytes(&id.to_bytes()), Ok(id));
        assert_eq!(shoal_cbor::decode_canonical::<ContentId>(&shoal_cbor::encode(&id)), Ok(id));
    }

    #[test]
    fn other_cids_are_told_apart_from_nonsense() {
        let chunk = to_cid(&Hash::of(b"chunk"), RAW).to_string();
        assert_eq!(chunk.parse::<ContentId>(), Err(HashError::OtherCid));
        assert!(matches!("hello".parse::<ContentId>(), Err(HashError::NotCid(_))));
    }
}
