//! Signed peer records.

use libp2p_identity::Keypair;
use shoal_wire::rendezvous::{MAX_RECORD_ADDRESSES, PeerRecord, RecordFormat};

use super::input::Pieces;

/// The forms of an envelope: domain and payload type.
const FORMS: [(&[u8], &[u8]); 2] =
    [(b"libp2p-peer-record", &[0x03, 0x01]), (b"libp2p-routing-state", b"/libp2p/routing-state-record")];

/// An envelope; or, behind a 1 or a 2, a payload in an envelope of either form that is signed as it should be, of which
/// the byte after that is how the signature is spoilt: 0 not at all.
pub(super) fn peer_record(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let form = pieces.byte();
    let Some((domain, payload_type)) = FORMS.get(usize::from(form.wrapping_sub(1))) else {
        return opened(pieces.rest());
    };
    let spoil = pieces.byte();
    let payload = pieces.rest();
    let key = Keypair::ed25519_from_bytes([7; 32]).expect("32 bytes are a key");
    let words: Vec<u8> = [*domain, *payload_type, payload].into_iter().flat_map(delimited).collect();
    let mut signature = key.sign(&words).expect("an Ed25519 key signs");
    signature[usize::from(spoil) % 64] ^= spoil;
    let public = key.public().encode_protobuf();
    let fields = [(1, &public[..]), (2, payload_type), (3, payload), (5, &signature)];
    let field = |(tag, bytes): (u8, &[u8])| [vec![tag << 3 | 2], delimited(bytes)].concat();
    let envelope: Vec<u8> = fields.into_iter().flat_map(field).collect();
    match PeerRecord::open(&envelope) {
        Ok(record) => {
            assert_eq!(spoil, 0, "a spoilt signature was taken for a good one");
            assert_eq!(record.peer, key.public().to_peer_id());
            assert_eq!(record.format == RecordFormat::Standard, form == 1);
        }
        Err(error) => {
            assert!(spoil == 0 || error.to_string().contains("signature") || envelope.len() > 8 << 10)
        }
    }
    opened(&envelope);
}

fn opened(envelope: &[u8]) {
    let _ = RecordFormat::of(envelope);
    if let Ok(record) = PeerRecord::open(envelope) {
        assert!(record.addresses.len() <= MAX_RECORD_ADDRESSES && envelope.len() <= 8 << 10);
        assert_eq!(PeerRecord::reopen(envelope), Ok(record.clone()));
        assert_eq!(RecordFormat::of(envelope), Some(record.format));
    }
}

/// Bytes behind their length as a varint.
fn delimited(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut len = bytes.len();
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(bytes);
    out
}
