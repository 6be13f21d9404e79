//! Frames: a message's length in bytes as an unsigned varint (multiformats, at most 3 bytes here), then
//! its CBOR.

use serde::Serialize;
use serde::de::DeserializeOwned;

use shoal_cbor::CborError;

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

/// Decodes the body of a frame and checks it. Only the canonical encoding is accepted, so unknown map keys
/// are refused too: what is new gets a new protocol id.
pub fn decode<M: Message>(body: &[u8]) -> Result<M, FrameError> {
    if body.len() > M::MAX {
        return Err(FrameError::TooLong { len: body.len(), max: M::MAX });
    }
    let message: M = shoal_cbor::decode_canonical(body)?;
    message.check()?;
    Ok(message)
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
