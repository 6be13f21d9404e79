//! Many contents, and contents that do not keep what they promise.

use std::sync::Mutex;

use shoal_content::{ChunkSet, Chunker, EntryKind, FileEntry, Manifest, ManifestBuilder, SafePath, Shape};

use super::*;
use crate::ReadError;
use crate::serve::lock;

/// A content in memory, of chunks of one length.
struct Memory {
    manifest: Arc<Manifest>,
    chunks: Mutex<Vec<Option<Vec<u8>>>>,
}

const LENGTH: usize = 16;

impl Memory {
    fn new(name: &str, chunks: impl IntoIterator<Item = u64>) -> Arc<Self> {
        let chunks: Vec<Vec<u8>> = chunks.into_iter().map(|n| bytes(n).to_vec()).collect();
        let path = SafePath::new(name.to_owned()).unwrap();
        let size = (chunks.len() * LENGTH) as u64;
        let manifest = ManifestBuilder {
            private: false,
            name: path.clone(),
            shape: Shape::File,
            chunker: Chunker::Fixed { size: 16 << 10 },
            parent: None,
            entries: vec![FileEntry {
                path,
                size,
                kind: EntryKind::File { executable: false },
                private: false,
            }],
            chunks: chunks.iter().map(|bytes| entry(bytes)).collect(),
        };
        let manifest = Arc::new(manifest.build().unwrap());
        Arc::new(Self { manifest, chunks: Mutex::new(chunks.into_iter().map(Some).collect()) })
    }

    fn set(&self, chunk: usize, bytes: Option<&[u8]>) {
        lock(&self.chunks)[chunk] = bytes.map(<[u8]>::to_vec);
    }
}

fn bytes(n: u64) -> [u8; LENGTH] {
    let mut bytes = [7; LENGTH];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    bytes
}

fn entry(bytes: &[u8]) -> ChunkEntry {
    ChunkEntry { hash: Hash::of(bytes), length: bytes.len() as u32 }
}

impl ChunkStore for Memory {
    fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    fn have(&self) -> ChunkSet {
        lock(&self.chunks).iter().enumerate().filter(|(_, b)| b.is_some()).map(|(n, _)| n).collect()
    }

    fn has(&self, chunk: ChunkIndex) -> bool {
        lock(&self.chunks)[chunk as usize].is_some()
    }

    fn read(&self, chunk: ChunkIndex, buf: &mut Vec<u8>) -> Result<(), ReadError> {
        buf.clear();
        match &lock(&self.chunks)[chunk as usize] {
            Some(bytes) => buf.extend_from_slice(bytes),
            None => return Err(ReadError::NotHere(chunk)),
        }
        Ok(())
    }
}

#[test]
fn a_chunk_is_found_in_whichever_content_has_it() {
    let holdings = Holdings::default();
    let (one, two) = (Memory::new("one", [1, 2, 3]), Memory::new("two", [3, 4]));
    let _guards = [holdings.add(one), holdings.add(two)];
    let mut buf = Vec::new();
    for n in 1..5 {
        assert!(holdings.read(&entry(&bytes(n)), &mut buf));
        assert_eq!(buf, bytes(n));
    }
    assert_eq!([1, 3, 9].map(|n| holdings.find(&entry(&bytes(n))).len()), [1, 2, 0]);
    assert!(!holdings.read(&entry(&bytes(9)), &mut buf));
    let longer = ChunkEntry { length: LENGTH as u32 + 1, ..entry(&bytes(1)) };
    assert!(holdings.find(&longer).is_empty(), "the length counts too");
}

#[test]
fn what_is_dropped_is_found_no_more() {
    let holdings = Holdings::default();
    let (one, two) = (Memory::new("one", [1]), Memory::new("two", [1]));
    let (first, second) = (holdings.add(one.clone()), holdings.add(two));
    assert_eq!(holdings.find(&entry(&bytes(1))).len(), 2);
    drop(first);
    assert_eq!((holdings.len(), holdings.find(&entry(&bytes(1))).len()), (1, 1));
    assert_eq!(Arc::strong_count(&one), 1, "nothing holds on to it");
    drop(second);
    assert!(holdings.is_empty() && holdings.find(&entry(&bytes(1))).is_empty());
}

#[test]
fn what_a_content_lacks_or_has_wrong_comes_from_another() {
    let holdings = Holdings::default();
    let all = ["a", "b", "c"].map(|name| Memory::new(name, [1, 2]));
    let _guards = all.clone().map(|store| holdings.add(store));
    all[0].set(0, None);
    all[1].set(0, Some(&bytes(99)));
    let mut buf = Vec::new();
    assert_eq!(holdings.find(&entry(&bytes(1))).len(), 2, "the first does not have it");
    assert!(holdings.read(&entry(&bytes(1)), &mut buf));
    assert_eq!(buf, bytes(1), "not what the second one says it is");
    all[2].set(0, Some(&bytes(1)[1..]));
    assert!(!holdings.read(&entry(&bytes(1)), &mut buf));
    all[0].set(0, Some(&bytes(1)));
    assert!(holdings.read(&entry(&bytes(1)), &mut buf), "it came later");
}

#[test]
fn the_same_chunk_many_times_over_is_tried_a_few_times() {
    let holdings = Holdings::default();
    let zeros = Memory::new("zeros", [0; 10_000]);
    let _guards: Vec<_> = (0..3).map(|_| holdings.add(zeros.clone())).collect();
    assert_eq!(holdings.find(&entry(&bytes(0))).len(), MAX_PLACES);
}

#[test]
fn a_thousand_contents_are_no_trouble() {
    let holdings = Holdings::default();
    let guards: Vec<_> = (0..1000u64)
        .map(|n| holdings.add(Memory::new("it", (0..100).map(|chunk| n * 100 + chunk).collect::<Vec<_>>())))
        .collect();
    let contents = holdings.contents();
    assert!(contents.iter().all(|held| held.sorted.get().is_none()), "nothing has been asked yet");
    let wanted: Vec<_> = (0..200_000).step_by(7).map(|n| entry(&bytes(n))).collect();
    let matches = locate(&contents, &wanted);
    // Those below 100 000 are there, each in the content and at the place that its number says.
    assert_eq!(matches.len(), 100_000usize.div_ceil(7));
    for m in &matches {
        let n = u64::from(m.wanted) * 7;
        assert_eq!((u64::from(m.content), u64::from(m.chunk)), (n / 100, n % 100));
    }
    let tables = contents.iter().map(|held| held.sorted.get().unwrap().bytes()).sum::<usize>();
    assert_eq!(tables, 100_000 * 8);
    drop(guards);
    assert!(holdings.is_empty());
}
