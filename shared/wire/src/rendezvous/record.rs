//! Peer records: a peer's addresses in a signed envelope.
//!
//! The envelope is a protobuf message of key, payload type, payload and signature (libp2p RFC 0002). The signature
//! is over domain, payload type and payload, each behind its length as an unsigned varint. The payload is
//! a protobuf message of peer id, sequence number and addresses (RFC 0003).

use libp2p_identity::{Keypair, PeerId, PublicKey, SigningError};
use multiaddr::Multiaddr;
use prost::Message;

/// The longest record that is looked at, in bytes.
pub const MAX_RECORD: usize = 8 << 10;
/// The most addresses in a record; one with more is refused.
pub const MAX_RECORD_ADDRESSES: usize = 64;

/// The form of an envelope. The forms differ in domain and payload type only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFormat {
    /// The specification's: domain `libp2p-peer-record`, payload type 0x0301.
    Standard,
    /// rust-libp2p's, which its rendezvous client and server (0.18) write, and read alone.
    Legacy,
}

impl RecordFormat {
    fn domain(self) -> &'static [u8] {
        match self {
            Self::Standard => b"libp2p-peer-record",
            Self::Legacy => b"libp2p-routing-state",
        }
    }

    fn payload_type(self) -> &'static [u8] {
        match self {
            Self::Standard => &[0x03, 0x01],
            Self::Legacy => b"/libp2p/routing-state-record",
        }
    }

    fn of_type(payload_type: &[u8]) -> Option<Self> {
        [Self::Standard, Self::Legacy].into_iter().find(|format| format.payload_type() == payload_type)
    }

    /// The form of an envelope, without a look at the rest of it.
    pub fn of(record: &[u8]) -> Option<Self> {
        Self::of_type(&TypeOnly::decode(record).ok()?.payload_type)
    }
}

/// The addresses at which a peer says that it can be reached. Its signature has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRecord {
    /// The peer that the record is about.
    pub peer: PeerId,
    /// Higher in newer records.
    pub sequence: u64,
    /// The peer's addresses, without those of unknown kinds.
    pub addresses: Vec<Multiaddr>,
    /// How it was written.
    pub format: RecordFormat,
}

/// Why bytes are not a peer record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// More than [`MAX_RECORD`] bytes or [`MAX_RECORD_ADDRESSES`] addresses.
    #[error("the peer record is too large")]
    TooLarge,
    /// Not the protobuf that it should be.
    #[error("the peer record is malformed")]
    Malformed,
    /// Of another kind than [`RecordFormat`] has.
    #[error("the envelope holds something else than a peer record")]
    PayloadType,
    /// Not an Ed25519 key, or of another kind that this program was built without.
    #[error("the key of the peer record is of an unknown kind")]
    Key,
    /// The signature is wrong.
    #[error("the signature of the peer record is wrong")]
    Signature,
    /// A peer signed a record of another one.
    #[error("the peer record was signed by another peer than it is about")]
    Signer,
}

impl PeerRecord {
    /// Reads a record and checks its signature.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn open(bytes: &[u8]) -> Result<Self, RecordError> {
        let (envelope, format) = Envelope::read(bytes)?;
        let key = PublicKey::try_decode_protobuf(&envelope.public_key).map_err(|_| RecordError::Key)?;
        if !key.verify(&signed(format, &envelope.payload), &envelope.signature) {
            return Err(RecordError::Signature);
        }
        let record = Self::read(&envelope.payload, format)?;
        if record.peer == key.to_peer_id() { Ok(record) } else { Err(RecordError::Signer) }
    }

    /// Reads a record that [`open`](Self::open) has let through before. The signature is not checked again, which
    /// would cost far more than all the rest. Never use it for bytes that come from elsewhere.
    ///
    /// # Errors
    /// It is no record at all.
    pub fn reopen(bytes: &[u8]) -> Result<Self, RecordError> {
        let (envelope, format) = Envelope::read(bytes)?;
        Self::read(&envelope.payload, format)
    }

    fn read(payload: &[u8], format: RecordFormat) -> Result<Self, RecordError> {
        let payload = Payload::decode(payload).map_err(|_| RecordError::Malformed)?;
        let peer = PeerId::from_bytes(&payload.peer_id).map_err(|_| RecordError::Malformed)?;
        if payload.addresses.len() > MAX_RECORD_ADDRESSES {
            return Err(RecordError::TooLarge);
        }
        let addresses = payload.addresses.into_iter();
        // Other implementations know other transports.
        let addresses = addresses.filter_map(|it| Multiaddr::try_from(it.multiaddr).ok()).collect();
        Ok(Self { peer, sequence: payload.seq, addresses, format })
    }

    /// Writes and signs a record of the key's owner.
    ///
    /// # Errors
    /// The key cannot sign.
    pub fn seal(
        key: &Keypair,
        sequence: u64,
        addresses: &[Multiaddr],
        format: RecordFormat,
    ) -> Result<Vec<u8>, SigningError> {
        let payload = Payload {
            peer_id: key.public().to_peer_id().to_bytes(),
            seq: sequence,
            addresses: addresses.iter().map(|it| Address { multiaddr: it.to_vec() }).collect(),
        };
        let payload = payload.encode_to_vec();
        let envelope = Envelope {
            public_key: key.public().encode_protobuf(),
            payload_type: format.payload_type().to_vec(),
            signature: key.sign(&signed(format, &payload))?,
            payload,
        };
        Ok(envelope.encode_to_vec())
    }
}

/// What the signature is over.
fn signed(format: RecordFormat, payload: &[u8]) -> Vec<u8> {
    let parts = [format.domain(), format.payload_type(), payload];
    let mut bytes = Vec::with_capacity(payload.len() + 64);
    for part in parts {
        prost::encode_length_delimiter(part.len(), &mut bytes).expect("a vector grows");
        bytes.extend_from_slice(part);
    }
    bytes
}

#[derive(Clone, PartialEq, Message)]
struct Envelope {
    #[prost(bytes = "vec", tag = "1")]
    public_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    payload_type: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    payload: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    signature: Vec<u8>,
}

impl Envelope {
    fn read(bytes: &[u8]) -> Result<(Self, RecordFormat), RecordError> {
        if bytes.len() > MAX_RECORD {
            return Err(RecordError::TooLarge);
        }
        let envelope = Self::decode(bytes).map_err(|_| RecordError::Malformed)?;
        let format = RecordFormat::of_type(&envelope.payload_type).ok_or(RecordError::PayloadType)?;
        Ok((envelope, format))
    }
}

/// The one field of an [`Envelope`] that tells its form; the others are skipped.
#[derive(Clone, PartialEq, Message)]
struct TypeOnly {
    #[prost(bytes = "vec", tag = "2")]
    payload_type: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Payload {
    #[prost(bytes = "vec", tag = "1")]
    peer_id: Vec<u8>,
    #[prost(uint64, tag = "2")]
    seq: u64,
    #[prost(message, repeated, tag = "3")]
    addresses: Vec<Address>,
}

#[derive(Clone, PartialEq, Message)]
struct Address {
    #[prost(bytes = "vec", tag = "1")]
    multiaddr: Vec<u8>,
}
