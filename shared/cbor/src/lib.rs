//! CBOR as Shoal writes it: deterministic, definite lengths, shortest integers (RFC 8949 §4.2.1 with the
//! map key order of DAG-CBOR: shorter keys first, then bytewise).
//!
//! The encoder is canonical because every struct here declares its fields in canonical order and the
//! library underneath writes definite lengths and shortest forms. [`decode_canonical`] does not trust
//! that: it encodes what it read again and compares.
//!
//! What this is not: it knows no message and no block, and sets no limit on what it is handed. What always holds: no
//! bytes make it panic, and what [`decode_canonical`] returns has exactly one encoding, which is the bytes that were read.

mod form;
mod value;

use cbor4ii::core::dec::Read;
use cbor4ii::core::utils::SliceReader;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use form::check_form;
pub use value::{Key, Value, ValueLimits, ValueSeed};

/// Why some bytes are not the CBOR that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// Not CBOR, or not of the expected shape.
    #[error("malformed CBOR: {0}")]
    Malformed(String),
    /// A whole value, and then more bytes.
    #[error("bytes after the end of the CBOR value")]
    Trailing,
    /// The same value has a shorter or differently ordered encoding; only that one is accepted.
    #[error("CBOR is not in canonical form")]
    NotCanonical,
}

/// Encodes a value. Memory is the only thing that can run out, so this does not fail.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    encode_after(Vec::new(), value)
}

/// Encodes a value behind bytes that are there already, for what would be large to copy.
pub fn encode_after<T: Serialize + ?Sized>(bytes: Vec<u8>, value: &T) -> Vec<u8> {
    cbor4ii::serde::to_vec(bytes, &value).expect("encoding to memory does not fail")
}

/// Decodes exactly one value that fills `bytes`. Unknown map keys are ignored unless the type refuses
/// them. Depth is limited by the type, and by the library at 256 for what is ignored.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CborError> {
    let mut decoder = cbor4ii::serde::Deserializer::new(SliceReader::new(bytes));
    let value = T::deserialize(&mut decoder).map_err(|e| CborError::Malformed(e.to_string()))?;
    let mut rest = decoder.into_inner();
    match rest.fill(1) {
        Ok(left) if left.as_ref().is_empty() => Ok(value),
        _ => Err(CborError::Trailing),
    }
}

/// Decodes like [`decode`] and refuses every encoding but the canonical one, so that one value has one
/// encoding and therefore one hash.
pub fn decode_canonical<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, CborError> {
    let value: T = decode(bytes)?;
    if encode(&value) == bytes { Ok(value) } else { Err(CborError::NotCanonical) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_bytes_are_refused() {
        assert_eq!(decode::<u8>(&[0x05]), Ok(5));
        assert_eq!(decode::<u8>(&[0x05, 0x00]), Err(CborError::Trailing));
    }

    #[test]
    fn a_longer_form_of_the_same_number_is_not_canonical() {
        assert_eq!(decode_canonical::<u8>(&[0x18, 0x05]), Err(CborError::NotCanonical));
        assert_eq!(decode_canonical::<u8>(&[0x05]), Ok(5));
    }

    #[test]
    fn indefinite_lengths_are_not_canonical() {
        assert_eq!(decode_canonical::<Vec<u8>>(&[0x9f, 0x01, 0xff]), Err(CborError::NotCanonical));
    }

    #[test]
    fn a_lying_length_allocates_nothing_and_fails() {
        // An array that claims 2^62 elements.
        let lie = [0x9b, 0x40, 0, 0, 0, 0, 0, 0, 0, 1];
        assert!(matches!(decode::<Vec<u64>>(&lie), Err(CborError::Malformed(_))));
        // A byte string that claims 2^62 bytes.
        let lie = [0x5b, 0x40, 0, 0, 0, 0, 0, 0, 0, 1];
        assert!(matches!(decode::<serde_bytes::ByteBuf>(&lie), Err(CborError::Malformed(_))));
    }
}
