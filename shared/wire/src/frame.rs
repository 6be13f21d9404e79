//! Frames: a message's length in bytes as an unsigned varint (multiformats, at most 3 bytes here), then
//! its CBOR.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use shoal_cbor::{CborError, check_form};

/// Why a frame is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length is over the limit of its kind. Nothing of the body was read.
    #[error("a message of {len} bytes is over the limit of {max}")]
    TooLong {
        /// What the sender announced, in bytes.
        len: usize,
        /// What is allowed, in bytes.
        max: usize,
    },
    /// The length is not a varint of minimal form.
    #[error("a message's length is malformed")]
    Length,
    /// The body is not the message that it should be.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// Decoded, but with a value that is not allowed.
    #[error("a message breaks the protocol: {0}")]
    Value(&'static str),
}

/// Longest varint that a frame may start with, in bytes: lengths stay below 2^21.
const MAX_PREFIX: usize = 3;

/// A message that knows its limit.
pub trait Message: Serialize + DeserializeOwned {
    /// The longest encoding, in bytes, without the length before it.
    const MAX: usize;

    /// Checks what the type cannot express.
    fn check(&self) -> Result<(), FrameError> {
        Ok(())
    }
}

/// A message that asks for something. Later versions have more kinds of it. A program that does not know a kind says
/// so, and the asker goes on without.
pub trait RequestMessage: Message {
    /// The keys by which the kinds are told apart.
    const KINDS: &'static [&'static str];
}

/// A request of a kind that is not known here, and in the form that all requests have: a map with one entry, the name of
/// the kind and a map of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownKind {
    /// Its field `id`, by which it is answered where many requests share a stream.
    pub id: Option<u64>,
}

/// A request as it arrived.
pub type Received<M> = Result<M, UnknownKind>;

/// The longest name of a kind, in bytes.
const MAX_KIND: usize = 32;
/// How deep the value of an unknown request may be nested.
const MAX_DEPTH: usize = 16;

/// Encodes a message with its length before it. Fails if it is over its own limits.
pub fn encode<M: Message>(message: &M) -> Result<Vec<u8>, FrameError> {
    message.check()?;
    let body = shoal_cbor::encode(message);
    if body.len() > M::MAX {
        return Err(FrameError::TooLong { len: body.len(), max: M::MAX });
    }
    let mut frame = Vec::with_capacity(body.len() + MAX_PREFIX);
    let mut len = body.len();
    while len >= 0x80 {
        frame.push((len & 0x7f) as u8 | 0x80);
        len >>= 7;
    }
    frame.push(len as u8);
    frame.extend_from_slice(&body);
    Ok(frame)
}

/// Decodes the body of a frame and checks it. Only the canonical encoding of a message of this version is accepted.
pub fn decode<M: Message>(body: &[u8]) -> Result<M, FrameError> {
    if body.len() > M::MAX {
        return Err(FrameError::TooLong { len: body.len(), max: M::MAX });
    }
    let message: M = shoal_cbor::decode_canonical(body)?;
    message.check()?;
    Ok(message)
}

/// Decodes the body of a request's frame as [`decode`] does. A request of an unknown kind is told apart from a malformed
/// one.
pub fn decode_request<M: RequestMessage>(body: &[u8]) -> Result<Received<M>, FrameError> {
    match decode(body) {
        Err(FrameError::Cbor(error)) => unknown_kind::<M>(body).map(Err).ok_or(FrameError::Cbor(error)),
        decoded => decoded.map(Ok),
    }
}

fn unknown_kind<M: RequestMessage>(body: &[u8]) -> Option<UnknownKind> {
    #[derive(Deserialize)]
    struct Fields {
        id: Option<u64>,
    }
    #[derive(Deserialize)]
    struct AnyFields {}
    /// A map with one entry.
    const ONE: u8 = 0xa1;
    check_form(body, MAX_DEPTH).ok().filter(|()| body[0] == ONE)?;
    let kinds: BTreeMap<String, AnyFields> = shoal_cbor::decode(body).ok()?;
    let kind = kinds.keys().next()?;
    if M::KINDS.contains(&kind.as_str()) || !(1..=MAX_KIND).contains(&kind.len()) {
        return None;
    }
    // Where the field is of another type, the request has no id.
    let fields: BTreeMap<String, Fields> = shoal_cbor::decode(body).unwrap_or_default();
    Some(UnknownKind { id: fields.get(kind).and_then(|fields| fields.id) })
}

/// Reads a length byte by byte.
#[derive(Debug, Default)]
pub struct LengthReader {
    value: usize,
    read: usize,
}

impl LengthReader {
    /// Takes the next byte: the length once it is whole, `None` if another byte follows.
    pub fn push(&mut self, byte: u8, max: usize) -> Result<Option<usize>, FrameError> {
        self.value |= usize::from(byte & 0x7f) << (7 * self.read);
        self.read += 1;
        if byte & 0x80 != 0 {
            return if self.read < MAX_PREFIX { Ok(None) } else { Err(FrameError::Length) };
        }
        if byte == 0 && self.read > 1 {
            return Err(FrameError::Length);
        }
        if self.value > max {
            return Err(FrameError::TooLong { len: self.value, max });
        }
        Ok(Some(self.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
        let mut reader = LengthReader::default();
        bytes.iter().try_fold(None, |_, b| reader.push(*b, 1 << 20))
    }

    #[test]
    fn lengths_are_minimal_bounded_varints() {
        assert_eq!(length(&[0x05]), Ok(Some(5)));
        assert_eq!(length(&[0xac, 0x02]), Ok(Some(300)));
        assert_eq!(length(&[0xac]), Ok(None));
        assert_eq!(length(&[0x85, 0x00]), Err(FrameError::Length));
        assert_eq!(length(&[0xff, 0xff, 0xff]), Err(FrameError::Length));
        assert_eq!(
            length(&[0xff, 0xff, 0x7f]),
            Err(FrameError::TooLong { len: (1 << 21) - 1, max: 1 << 20 })
        );
    }
}
