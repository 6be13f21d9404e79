//! Frames of Shoal's own protocols: lengths, requests, answers.

use std::fmt::Debug;

use shoal_content::{ChunkIndex, SafePath};
use shoal_wire::chunks::{ChunkReply, ChunkRequest};
use shoal_wire::frame::{LengthReader, Message, RequestMessage, decode, decode_request, encode};
use shoal_wire::query::{QueryRequest, QueryResponse};
use shoal_wire::store::{StoreRequest, StoreResponse};
use shoal_wire::tracker::{TrackerRequest, TrackerResponse};

use super::have::assert_have_is_sound;

/// The longest message of any protocol, in bytes.
const LONGEST: usize = 1 << 20;
/// The longest address of a peer, in bytes.
const MAX_ADDRESS: usize = 256;

/// A length, byte by byte.
pub(super) fn length(bytes: &[u8]) {
    let mut reader = LengthReader::default();
    for (read, byte) in bytes.iter().enumerate() {
        assert!(read < 3, "a length of more than three bytes");
        match reader.push(*byte, LONGEST) {
            Ok(None) => {}
            Err(_) => return,
            Ok(Some(len)) => {
                assert!(len <= LONGEST);
                let mut written = Vec::new();
                let mut left = len;
                while left >= 0x80 {
                    written.push((left % 0x80) as u8 | 0x80);
                    left /= 0x80;
                }
                written.push(left as u8);
                assert_eq!(written, bytes[..=read], "one length, two ways to write it");
                return;
            }
        }
    }
}

pub(super) fn query_request(body: &[u8]) {
    let Some(request) = request::<QueryRequest>(body) else { return };
    match request {
        QueryRequest::Join { have, .. } | QueryRequest::Have { have, .. } => {
            assert_have_is_sound(&have, 5000)
        }
        QueryRequest::Find { hops, name, .. } => assert!(hops <= 7 && name.len() <= 255),
        _ => {}
    }
}

pub(super) fn query_response(body: &[u8]) {
    let Some(response) = message::<QueryResponse>(body) else { return };
    match response {
        QueryResponse::Joined { have, .. } => assert_have_is_sound(&have, 5000),
        QueryResponse::Block { bytes } => assert!(bytes.len() <= 256 << 10),
        QueryResponse::Peers { peers }
        | QueryResponse::Where { peers, .. }
        | QueryResponse::Neighbours { peers } => {
            assert!(peers.len() <= 50);
            for peer in peers {
                assert!(
                    peer.addresses.len() <= 16 && peer.addresses.iter().all(|it| it.len() <= MAX_ADDRESS)
                );
                assert!(peer.multiaddrs().count() <= peer.addresses.len());
                let _ = peer.peer();
            }
        }
        QueryResponse::Contents { more, contents } => {
            assert!(contents.len() <= 100 && !(more && contents.is_empty()));
            assert!(contents.iter().all(|it| it.have <= it.chunks && SafePath::name(&it.name).is_ok()));
            assert!(contents.windows(2).all(|two| two[0].content < two[1].content));
        }
        QueryResponse::Found { found } => {
            assert!(found.len() <= 50 && found.iter().all(|it| it.peers.len() <= 4));
            assert!(found.iter().all(|it| SafePath::name(&it.name).is_ok()));
        }
        QueryResponse::Links(claim) => {
            assert!(claim.links.len() <= 50 && claim.count as usize >= claim.links.len());
        }
        _ => {}
    }
}

pub(super) fn chunk_request(body: &[u8]) {
    if let Some(ChunkRequest::Have { have, .. }) = request::<ChunkRequest>(body) {
        assert_have_is_sound(&have, ChunkIndex::from(body.len() as u16) * 8);
    }
}

pub(super) fn chunk_reply(body: &[u8]) {
    if let Some(ChunkReply::Data { len, .. }) = message::<ChunkReply>(body) {
        assert!((1..=16 << 20).contains(&len));
    }
}

pub(super) fn tracker_request(body: &[u8]) {
    if let Some(TrackerRequest::Put { bytes }) = request::<TrackerRequest>(body) {
        assert!((1..=64 << 10).contains(&bytes.len()));
    }
}

pub(super) fn tracker_response(body: &[u8]) {
    message::<TrackerResponse>(body);
}

pub(super) fn store_request(body: &[u8]) {
    if let Some(StoreRequest::Offer { record, holders }) = request::<StoreRequest>(body) {
        assert!((1..=16).contains(&record.copies) && record.expires > record.issued);
        assert!(SafePath::name(&record.name).is_ok() && holders.len() <= 16);
    }
}

pub(super) fn store_response(body: &[u8]) {
    match message::<StoreResponse>(body) {
        Some(StoreResponse::Status { holders, nearest, records, .. }) => {
            assert!(holders.len() <= 16 && nearest.len() <= 16 && records.len() <= 16);
        }
        Some(StoreResponse::Found { records }) => assert!(records.len() <= 16),
        _ => {}
    }
}

/// A message, if it is one; then it has this one encoding, and its frame says how long it is.
fn message<M: Message + PartialEq + Debug>(body: &[u8]) -> Option<M> {
    let message = decode::<M>(body).ok()?;
    shoal_testing::assert_canonical(body);
    assert!(body.len() <= M::MAX);
    let frame = encode(&message).expect("what was decoded is within its limits");
    let mut reader = LengthReader::default();
    let mut lengths = frame.iter().map(|byte| reader.push(*byte, M::MAX).expect("the length is in order"));
    let prefix =
        1 + lengths.position(|length| length == Some(body.len())).expect("the length is that of the body");
    assert_eq!(&frame[prefix..], body);
    Some(message)
}

/// A request, if it is one of a known kind. One of an unknown kind is no message, and is in the one form.
fn request<M: RequestMessage + PartialEq + Debug>(body: &[u8]) -> Option<M> {
    match decode_request::<M>(body) {
        Ok(Ok(request)) => {
            assert_eq!(message::<M>(body).as_ref(), Some(&request));
            Some(request)
        }
        Ok(Err(_unknown)) => {
            assert!(decode::<M>(body).is_err());
            shoal_testing::assert_canonical(body);
            None
        }
        Err(_) => {
            assert!(decode::<M>(body).is_err());
            None
        }
    }
}
