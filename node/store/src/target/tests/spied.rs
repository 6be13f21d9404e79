//! Other stores that change, or are wrong, while chunks are taken from them.

use std::sync::atomic::AtomicUsize;

use super::reuse::from_store;
use super::*;

/// A store that does something before the system is let at a file, or before a read, and counts both.
struct Spied {
    source: Source,
    opened: AtomicUsize,
    read: AtomicUsize,
    before: Box<dyn Fn() + Send + Sync>,
    /// What `open_file` opens instead.
    instead: Option<Arc<File>>,
}

impl Spied {
    fn new(source: Source, before: impl Fn() + Send + Sync + 'static) -> Self {
        let (opened, read) = Default::default();
        Self { source, opened, read, before: Box::new(before), instead: None }
    }

    fn counts(&self) -> (usize, usize) {
        (self.opened.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed))
    }
}

impl ChunkStore for Spied {
    fn manifest(&self) -> &Arc<Manifest> {
        self.source.manifest()
    }

    fn have(&self) -> ChunkSet {
        self.source.have()
    }

    fn has(&self, chunk: ChunkIndex) -> bool {
        self.source.has(chunk)
    }

    fn read(&self, chunk: ChunkIndex, buf: &mut Vec<u8>) -> Result<(), ReadError> {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.source.read(chunk, buf)
    }

    fn open_file(&self, file: FileIndex) -> io::Result<Arc<File>> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        (self.before)();
        self.instead.clone().map_or_else(|| self.source.open_file(file), Ok)
    }
}

/// A content of one file in `from`.
fn one_file(from: &Path) -> Source {
    put(from, "t", &random(1_000_000, 1));
    share(&from.join("t"))
}

#[test]
fn the_system_copies_what_is_aligned_alike_and_the_rest_is_read() {
    let (from, to_dir, shifted) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let source = one_file(from.path());
    let store = Arc::new(Spied::new(share(&from.path().join("t")), || {}));
    let (options, _guard) = from_store(to_dir.path(), store.clone());
    let target = open(&source, options);
    assert!(target.is_complete());
    assert_eq!(store.counts(), (1, 0), "one run, and nothing was read by us but the copy");
    target.finish().unwrap();
    assert_eq!(snapshot(to_dir.path()), snapshot(from.path()));
    // All the same bytes, seven bytes further on.
    put(shifted.path(), "t", &[&[0; 7][..], &random(1_000_000, 1)].concat());
    let source = share(&shifted.path().join("t"));
    let (store, dir) = (Arc::new(Spied::new(one_file(from.path()), || {})), tempdir().unwrap());
    let (options, _guard) = from_store(dir.path(), store.clone());
    let target = open(&source, options);
    assert!(store.counts().1 > 10 && missing(&target).len() <= 3);
    fetch(&source, &target);
    target.finish().unwrap();
    assert_eq!(snapshot(dir.path()), snapshot(shifted.path()));
}

#[test]
fn a_source_that_changes_while_it_is_copied_gives_no_wrong_byte() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    let source = one_file(from.path());
    let bytes = random(1_000_000, 1);
    let path = from.path().join("t");
    let changed = share(&path);
    let file = File::options().write(true).open(&path).unwrap();
    // After its chunks were looked up, and before the system copies.
    let store = Arc::new(Spied::new(changed, move || file.write_all_at(b"changed", 500_000).unwrap()));
    let (options, _guard) = from_store(dir.path(), store.clone());
    let target = open(&source, options);
    let bad = missing(&target);
    assert_eq!(bad.len(), 1, "the chunk that changed, and no other");
    let span: Span = source.manifest().geometry().spans(bad[0]).next().unwrap();
    let at = span.file_offset as usize..span.file_offset as usize + span.len as usize;
    assert!(at.contains(&500_000));
    assert_eq!(store.counts(), (1, 1), "the one was tried by reading, too");
    assert!(!store.has(bad[0]), "it is not served from there any more either");
    let copy = fs::read(part(dir.path(), &source)).unwrap();
    assert!(copy[at.clone()].iter().all(|byte| *byte == 0), "the wrong copy is a hole again");
    check_have(&target);
    target.write(bad[0], &bytes[at]).unwrap();
    target.finish().unwrap();
    assert_eq!(fs::read(dir.path().join("t")).unwrap(), bytes);
}

#[test]
fn a_store_that_is_wrong_from_end_to_end_gives_nothing() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    let source = one_file(from.path());
    let mut store = Spied::new(share(&from.path().join("t")), || {});
    let wrong = tempfile::tempfile().unwrap();
    wrong.write_all_at(&random(1_000_000, 2), 0).unwrap();
    store.instead = Some(Arc::new(wrong));
    let saved = fs::read(from.path().join("t")).unwrap();
    fs::write(from.path().join("t"), random(1_000_000, 2)).unwrap();
    let (options, _guard) = from_store(dir.path(), Arc::new(store));
    let target = open(&source, options);
    assert_eq!((target.report().reused_bytes, target.stored().is_clear()), (0, true));
    for c in missing(&target) {
        let span: Span = source.manifest().geometry().spans(c).next().unwrap();
        let at = span.file_offset as usize..(span.file_offset + u64::from(span.len)) as usize;
        target.write(c, &saved[at]).unwrap();
    }
    target.finish().unwrap();
    assert_eq!(fs::read(dir.path().join("t")).unwrap(), saved);
}

#[test]
fn nothing_is_taken_when_nothing_is_missing() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    let source = one_file(from.path());
    let store = Arc::new(Spied::new(share(&from.path().join("t")), || {}));
    let (options, _guard) = from_store(dir.path(), store.clone());
    open(&source, options.clone()).finish().unwrap();
    let before = store.counts();
    assert!(open(&source, options).finish().unwrap().already_there);
    assert_eq!(store.counts(), before);
}
