//! The made-up content.

use rand::{Rng, RngExt, SeedableRng};
use shoal_content::{
    ChunkEntry, Chunker, EntryKind, FileEntry, Hash, Manifest, ManifestBuilder, SafePath, Shape,
};
use shoal_engine::SeededRng;

pub(crate) const TIB: u64 = 1 << 40;

/// A single file of `size` bytes. Its first `real` chunks are those of [`bytes`].
pub(crate) fn made_up(size: u64, real: u32) -> Manifest {
    let chunker = Chunker::for_size(size);
    let Chunker::FastCdc { avg, .. } = chunker else { panic!("{chunker} is not content-defined") };
    let mut rng = SeededRng::seed_from_u64(size);
    let mut chunks = Vec::with_capacity((size / u64::from(avg)) as usize);
    let mut left = size;
    while left > 0 {
        let length = u64::from(rng.random_range(avg / 2..avg + avg / 2)).min(left) as u32;
        let chunk = chunks.len() as u32;
        let hash = if chunk < real { Hash::of(&bytes(chunk, length)) } else { random_hash(&mut rng) };
        chunks.push(ChunkEntry { hash, length });
        left -= u64::from(length);
    }
    let name = SafePath::name("large.bin").expect("a name");
    let kind = EntryKind::File { executable: false };
    let entries = vec![FileEntry { path: name.clone(), size, kind, private: false }];
    let builder =
        ManifestBuilder { name, shape: Shape::File, chunker, private: false, parent: None, entries, chunks };
    builder.build().expect("a valid manifest")
}

/// The bytes of a chunk that has some.
pub(crate) fn bytes(chunk: u32, length: u32) -> Vec<u8> {
    let mut bytes = vec![0; length as usize];
    SeededRng::seed_from_u64(chunk.into()).fill_bytes(&mut bytes);
    bytes
}

fn random_hash(rng: &mut SeededRng) -> Hash {
    let mut hash = [0; 32];
    rng.fill_bytes(&mut hash);
    Hash::from_bytes(hash)
}
