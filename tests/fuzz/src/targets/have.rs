//! Maps of chunks that a peer says it has.

use shoal_content::{ChunkIndex, ChunkSet, ContentId, Hash};
use shoal_wire::chunks::ChunkRequest;
use shoal_wire::frame::{Message, decode, encode};
use shoal_wire::{Have, Window};

use super::input::Pieces;

/// Windows are made of the bytes, so that most of them come as far as being read: chunks of the content, then for each
/// window its place and its bits.
pub(super) fn map(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let chunks = ChunkIndex::from(pieces.short());
    let all = pieces.byte() == 1;
    let mut windows = Vec::new();
    while !pieces.is_empty() {
        let first = ChunkIndex::from(pieces.short()) | ChunkIndex::from(pieces.byte()) << 16;
        let len = pieces.byte().into();
        windows.push(Window { bits: pieces.bytes(len).to_vec(), first });
    }
    let have = Have { all, windows };
    let content = ContentId::from_root_hash(Hash::of(b"any"));
    let request = ChunkRequest::Have { have: have.clone(), content };
    let Ok(frame) = encode(&request) else { return };
    let body = shoal_cbor::encode(&request);
    assert!(body.len() <= ChunkRequest::MAX && frame.ends_with(&body));
    assert_eq!(decode::<ChunkRequest>(&body), Ok(request));
    assert_have_is_sound(&have, chunks);
}

/// What a map that was let through says of a content, bit by bit.
pub(super) fn assert_have_is_sound(have: &Have, chunks: ChunkIndex) {
    let said = |window: &Window| {
        let first = u64::from(window.first);
        let bits = window.bits.clone();
        (0..8 * bits.len() as u64)
            .filter_map(move |bit| (bits[(bit / 8) as usize] >> (bit % 8) & 1 == 1).then_some(first + bit))
    };
    let mut all: Vec<u64> = have.windows.iter().flat_map(said).collect();
    let outside = all.iter().any(|chunk| *chunk >= u64::from(chunks));
    let Some(set) = have.chunks(chunks) else {
        assert!(outside, "a map of chunks that are all there was refused");
        return;
    };
    assert!(!outside && set.len() == chunks as usize, "chunks that the content does not have");
    if have.all {
        all = (0..u64::from(chunks)).collect();
    }
    all.sort_unstable();
    all.dedup();
    assert!(set.ones().map(|chunk| chunk as u64).eq(all), "another chunk than was said");
    let mut again = ChunkSet::with_capacity(set.len());
    for part in Have::of(&set) {
        again.union_with(&part.chunks(chunks).expect("the chunks are the content's"));
    }
    assert_eq!(again, set, "a set does not survive its encoding");
}
