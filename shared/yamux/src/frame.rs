//! The header of a yamux frame, as the [specification](https://github.com/hashicorp/yamux/blob/master/spec.md) lays it out: version, kind,
//! flags, stream and length, all in the network's byte order. Only data frames have a body.

/// Bytes of a header.
pub const HEADER: usize = 12;

/// The first frame of a stream.
pub const SYN: u16 = 1;
/// The first frame of the side that did not open a stream.
pub const ACK: u16 = 2;
/// Its sender writes no more.
pub const FIN: u16 = 4;
/// The stream ends at once, on both sides.
pub const RST: u16 = 8;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes of a stream; `length` of them follow.
    Data,
    /// A stream may be sent `length` bytes more.
    WindowUpdate,
    /// A question to the other side's muxer, or with [`ACK`] the answer; `length` names it.
    Ping,
    /// The connection ends; `length` is a reason.
    GoAway,
}

/// A frame without its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What it is for.
    pub kind: Kind,
    /// [`SYN`], [`ACK`], [`FIN`], [`RST`], or several of them.
    pub flags: u16,
    /// 0 for the connection as a whole.
    pub stream: u32,
    /// What it means depends on the kind.
    pub length: u32,
}

impl Header {
    /// Puts one together.
    pub fn new(kind: Kind, flags: u16, stream: u32, length: u32) -> Self {
        Self { kind, flags, stream, length }
    }

    /// Whether it has a flag.
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// Its bytes.
    pub fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[1] = match self.kind {
            Kind::Data => 0,
            Kind::WindowUpdate => 1,
            Kind::Ping => 2,
            Kind::GoAway => 3,
        };
        bytes[2..4].copy_from_slice(&self.flags.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.stream.to_be_bytes());
        bytes[8..].copy_from_slice(&self.length.to_be_bytes());
        bytes
    }

    /// Reads its bytes. `None` if the version or the kind is not known.
    pub fn decode(bytes: &[u8; HEADER]) -> Option<Self> {
        let [0, kind, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3] = *bytes else { return None };
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::WindowUpdate,
            2 => Kind::Ping,
            3 => Kind::GoAway,
            _ => return None,
        };
        Some(Self {
            kind,
            flags: u16::from_be_bytes([f0, f1]),
            stream: u32::from_be_bytes([s0, s1, s2, s3]),
            length: u32::from_be_bytes([l0, l1, l2, l3]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_is_laid_out_as_the_specification_says() {
        let header = Header::new(Kind::WindowUpdate, SYN | FIN, 7, 0x0004_0000);
        #[rustfmt::skip]
        let bytes = [
            0,           // version
            1,           // kind
            0, 5,        // flags
            0, 0, 0, 7,  // stream
            0, 4, 0, 0,  // length
        ];
        assert_eq!(header.encode(), bytes);
    }

    #[test]
    fn unknown_versions_and_kinds_are_none() {
        assert_eq!(Header::decode(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(Header::decode(&[0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }

    proptest! {
        #[test]
        fn what_was_decoded_encodes_to_the_same_bytes(bytes: [u8; HEADER]) {
            if let Some(header) = Header::decode(&bytes) {
                prop_assert_eq!(header.encode(), bytes);
            }
        }
    }
}
