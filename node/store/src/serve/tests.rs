//! When a stamp is trusted.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use shoal_content::{ChunkEntry, Chunker, EntryKind, FileEntry, ManifestBuilder, SafePath, Shape};

use super::*;

/// One file whose stamp is as old as the test says, whatever happens to its contents: a change
/// within a tick of the file system's clock.
struct Fake {
    file: Arc<File>,
    /// Nanoseconds since 1970.
    changed: AtomicI64,
}

impl Files for Fake {
    fn open(&self, _: FileIndex) -> io::Result<Opened> {
        Ok(Opened { file: self.file.clone(), id: Stamp::OURS.id() })
    }

    fn stamp(&self, _: FileIndex) -> io::Result<Stamp> {
        Ok(Stamp::OURS.changed_at(self.changed.load(Ordering::Relaxed)))
    }

    fn path(&self, _: FileIndex) -> PathBuf {
        "f".into()
    }
}

fn served(changed: i64) -> (Arc<File>, Served<Fake>) {
    let file = Arc::new(tempfile::tempfile().unwrap());
    file.write_all_at(b"right", 0).unwrap();
    let path = SafePath::new("f").unwrap();
    let manifest = ManifestBuilder {
        name: path.clone(),
        shape: Shape::File,
        chunker: Chunker::Fixed { size: 16 << 10 },
        private: false,
        parent: None,
        entries: vec![FileEntry {
            path,
            size: 5,
            kind: EntryKind::File { executable: false },
            private: false,
        }],
        chunks: vec![ChunkEntry { hash: Hash::of(b"right"), length: 5 }],
    };
    let fake = Fake { file: file.clone(), changed: changed.into() };
    let served = Served::new(Arc::new(manifest.build().unwrap()), fake, Clock::default());
    served.add(0, false);
    (file, served)
}

#[test]
fn a_young_stamp_is_never_trusted() {
    let now = Clock { ahead: Duration::from_secs(1) }.now() | 1;
    let (file, served) = served(now);
    let mut buf = Vec::new();
    for _ in 0..3 {
        served.read(0, &mut buf).unwrap();
    }
    file.write_all_at(b"wrong", 0).unwrap();
    assert!(matches!(served.read(0, &mut buf), Err(ReadError::Withdrawn { .. })));
}

#[test]
fn an_old_stamp_is_trusted_until_it_changes() {
    let (file, served) = served(1);
    let mut buf = Vec::new();
    served.read(0, &mut buf).unwrap();
    // No real file changes without its stamp; this shows that it is not hashed again.
    file.write_all_at(b"wrong", 0).unwrap();
    served.read(0, &mut buf).unwrap();
    assert_eq!(buf, b"wrong");
    served.files().changed.store(2, Ordering::Relaxed);
    assert!(matches!(served.read(0, &mut buf), Err(ReadError::Withdrawn { .. })));
    assert!(!served.has(0));
}

#[test]
fn what_is_doubted_is_hashed_although_its_stamp_is_trusted() {
    let (file, served) = served(0);
    let mut buf = Vec::new();
    served.read(0, &mut buf).unwrap();
    file.write_all_at(b"wrong", 0).unwrap();
    served.read(0, &mut buf).unwrap();
    assert_eq!(buf, b"wrong", "a rotten disk leaves the stamp as it is");
    served.doubt(0);
    assert!(matches!(served.read(0, &mut buf), Err(ReadError::Withdrawn { .. })));
    assert!(!served.has(0));
    served.doubt(0);
    served.doubt(7);
    assert!(matches!(served.read(0, &mut buf), Err(ReadError::NotHere(0))));
}

#[test]
fn only_what_need_not_be_hashed_is_read_from_memory_alone() {
    let (_, served) = served(1);
    let mut buf = Vec::new();
    assert!(!served.read_cached(0, &mut buf), "it has not been hashed yet");
    served.read(0, &mut buf).unwrap();
    assert!(!served.read_cached(0, &mut buf), "the file is not kept open");
    let opened = served.files().open(0).unwrap();
    lock(&served.handles).insert(0, opened);
    // Some file systems cannot tell what is in memory.
    let can_tell = page_cache::read(&served.files().file, &mut [0; 5], 0);
    buf.clear();
    assert_eq!(served.read_cached(0, &mut buf), can_tell);
    assert!(!can_tell || buf == b"right");
    served.files().changed.store(2, Ordering::Relaxed);
    assert!(!served.read_cached(0, &mut buf), "the file has changed");
    served.files().changed.store(1, Ordering::Relaxed);
    assert_eq!(served.read_cached(0, &mut buf), can_tell);
    served.doubt(0);
    assert!(!served.read_cached(0, &mut buf), "it is to be hashed");
}

#[test]
fn no_more_is_read_from_memory_than_a_file_holds() {
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(b"short", 0).unwrap();
    assert!(!page_cache::read(&file, &mut [0; 6], 0));
}
