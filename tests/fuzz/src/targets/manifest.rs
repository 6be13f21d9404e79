//! Manifests: the root by itself, and whole ones.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use shoal_content::{
    CHUNKS_PER_PAGE, Chunker, ContentId, EntryKind, Hash, Manifest, ManifestAssembler, Root, Shape,
};

use super::input::Pieces;
use super::oracle::{assert_is_plain_path, assert_shows_plainly};
use super::paths::assert_link_stays_inside;

/// The bytes are the root block.
pub(super) fn root(bytes: &[u8]) {
    let id = ContentId::from_root_hash(Hash::of(bytes));
    match Root::decode(&id, bytes) {
        Ok(root) => {
            shoal_testing::assert_canonical(bytes);
            assert_eq!(shoal_cbor::encode(&root), bytes);
            assert_is_plain_path(root.name.as_str());
            assert_eq!(root.name.depth(), 1);
            assert!(root.files <= 4 << 20 && root.chunks <= 16 << 20);
            assert!(root.chunk_pages.len() == (root.chunks as usize).div_ceil(CHUNKS_PER_PAGE));
            let assembler = ManifestAssembler::new(id, bytes).expect("the root is a good one");
            assert!(assembler.missing().count() <= root.file_pages.len() + root.chunk_pages.len());
        }
        // It may be of any other kind, but not this: the bytes do have the hash.
        Err(error) => assert_ne!(error, shoal_content::ManifestError::WrongHash),
    }
    assert!(Root::decode(&ContentId::from_root_hash(Hash::of(b"another")), bytes).is_err());
}

/// What of an entry and of a chunk page a root is made to fit.
#[derive(Deserialize)]
struct AnyEntry {
    #[serde(default)]
    size: u64,
}
#[derive(Deserialize)]
struct AnyChunks {
    lengths: Vec<u32>,
}

/// A root in the canonical order of its keys.
#[derive(Serialize)]
struct WrittenRoot {
    v: u32,
    name: String,
    size: u64,
    files: usize,
    shape: Shape,
    chunks: usize,
    chunker: Chunker,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    private: bool,
    file_pages: Vec<ByteBuf>,
    chunk_pages: Vec<ByteBuf>,
}

/// What is checked of a manifest comes after the hashes match, so the root is made to fit its pages: flags, the name, file
/// pages each behind its length, and the rest is the chunk page.
pub(super) fn whole(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let flags = pieces.byte();
    let name = String::from_utf8_lossy(pieces.piece()).into_owned();
    let file_pages: Vec<&[u8]> = (0..flags & 3).map(|_| pieces.piece()).collect();
    let chunk_page = pieces.rest();
    let entries = |page: &&[u8]| shoal_cbor::decode::<Vec<AnyEntry>>(page).unwrap_or_default();
    let entries: Vec<AnyEntry> = file_pages.iter().flat_map(entries).collect();
    let lengths = shoal_cbor::decode::<AnyChunks>(chunk_page).map(|it| it.lengths).unwrap_or_default();
    let hash = |page: &&[u8]| ByteBuf::from(Hash::of(page).as_bytes().to_vec());
    let root = shoal_cbor::encode(&WrittenRoot {
        v: 1,
        name,
        size: entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.size)),
        files: entries.len(),
        shape: if flags & 4 == 0 { Shape::Folder } else { Shape::File },
        chunks: lengths.len(),
        chunker: Chunker::Fixed { size: 16 << 10 },
        private: flags & 8 != 0,
        file_pages: file_pages.iter().map(hash).collect(),
        chunk_pages: lengths.chunks(CHUNKS_PER_PAGE).map(|_| hash(&chunk_page)).collect(),
    });
    let id = ContentId::from_root_hash(Hash::of(&root));
    let Ok(mut assembler) = ManifestAssembler::new(id, &root) else { return };
    for page in file_pages.iter().chain([&chunk_page]) {
        let wrong = assembler.add(&Hash::of(b"another page"), page);
        assert_eq!(wrong, Err(shoal_content::ManifestError::WrongHash));
        if let Err(error) = assembler.add(&Hash::of(page), page) {
            assert_shows_plainly(&error.to_string());
            return;
        }
    }
    if assembler.missing().next().is_some() {
        return;
    }
    match assembler.finish() {
        Ok(manifest) => {
            assert_is_sound(&manifest);
            assert_eq!(manifest.block(id.root_hash()), Some(root));
            for page in file_pages
                .iter()
                .chain([&chunk_page])
                .filter(|page| !lengths.is_empty() || **page != chunk_page)
            {
                assert_eq!(manifest.block(&Hash::of(page)).as_deref(), Some(*page), "another encoding");
            }
        }
        Err(error) => assert_shows_plainly(&error.to_string()),
    }
}

fn assert_is_sound(manifest: &Manifest) {
    for entry in manifest.entries() {
        assert_is_plain_path(entry.path.as_str());
        match &entry.kind {
            EntryKind::Link(target) => assert_link_stays_inside(&entry.path, target.as_str()),
            EntryKind::Folder => assert_eq!(entry.size, 0),
            EntryKind::File { .. } => {}
        }
    }
    // No two entries may be one on any system.
    let mut folded: Vec<String> =
        manifest.entries().iter().map(|it| it.path.as_str().to_lowercase()).collect();
    folded.sort();
    assert!(folded.windows(2).all(|two| two[0] != two[1]), "{folded:?}");
    for (at, entry) in manifest.entries().iter().enumerate() {
        let beneath = manifest.entries().iter().find(|it| it.path.is_beneath(&entry.path));
        assert!(beneath.is_none() || (entry.private && entry.kind == EntryKind::Folder), "{at}: {beneath:?}");
    }
    let geometry = manifest.geometry();
    let mut filled = vec![0u64; manifest.entries().len()];
    for (chunk, entry) in (0..).zip(manifest.chunks()) {
        assert!((1..=16 << 10).contains(&entry.length));
        let mut len = 0;
        for span in geometry.spans(chunk) {
            assert_eq!((span.chunk_offset, span.file_offset), (len, filled[span.file as usize]));
            len += span.len;
            filled[span.file as usize] += u64::from(span.len);
        }
        assert_eq!(len, entry.length);
    }
    assert!(manifest.entries().iter().map(|entry| entry.size).eq(filled), "bytes of files that no chunk has");
}
