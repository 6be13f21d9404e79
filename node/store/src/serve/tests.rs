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
