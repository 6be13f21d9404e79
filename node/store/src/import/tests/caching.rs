//! What the hash cache takes over, and what it must not.

use std::time::Duration;

use super::super::run::import_at;
use super::*;

/// A time at which the files made by a test are no longer racy.
const LATER: Clock = Clock { ahead: Duration::from_secs(10) };

fn at(options: &ImportOptions, clock: Clock) -> Imported {
    import_at(options, &|_| {}, &AtomicBool::new(false), clock).unwrap()
}

struct Setup {
    dir: tempfile::TempDir,
    options: ImportOptions,
}

fn setup() -> Setup {
    let dir = tempdir().unwrap();
    mixed(&dir.path().join("t"));
    let cache = Some(dir.path().join("cache"));
    let options = ImportOptions { cache, ..options(&dir.path().join("t")) };
    Setup { dir, options }
}

#[test]
fn a_second_import_reads_nothing() {
    let s = setup();
    let first = at(&s.options, LATER);
    assert!(!first.from_cache);
    let second = at(&s.options, LATER);
    assert!(second.from_cache);
    assert_eq!(first.source.manifest().id(), second.source.manifest().id());
    let mut bytes = Vec::new();
    assert!(
        (0..second.source.manifest().geometry().chunks()).all(|c| second.source.read(c, &mut bytes).is_ok())
    );
}

#[test]
fn racy_stamps_are_not_taken_over() {
    let s = setup();
    at(&s.options, Clock::default());
    assert!(!at(&s.options, LATER).from_cache);
    assert!(at(&s.options, LATER).from_cache);
}

#[test]
fn an_edit_of_the_same_size_is_noticed() {
    let s = setup();
    let first = at(&s.options, LATER);
    put(&s.dir.path().join("t"), "large.bin", &random(300_000, 99));
    let second = at(&s.options, LATER);
    assert!(!second.from_cache);
    assert_ne!(first.source.manifest().id(), second.source.manifest().id());
    let manifest = second.source.manifest();
    assert_eq!(manifest.chunks(), reference(manifest, &s.dir.path().join("t"), SMALL));
}

#[test]
fn renames_and_other_chunkers_are_noticed() {
    let s = setup();
    at(&s.options, LATER);
    let other = ImportOptions { chunker: Some(Chunker::Fixed { size: 20_000 }), ..s.options.clone() };
    assert!(!at(&other, LATER).from_cache);
    fs::rename(s.dir.path().join("t/small/1.txt"), s.dir.path().join("t/small/0a.txt")).unwrap();
    let import = at(&s.options, LATER);
    let manifest = import.source.manifest();
    assert!(!import.from_cache);
    assert_eq!(manifest.chunks(), reference(manifest, &s.dir.path().join("t"), SMALL));
}

#[test]
fn a_damaged_cache_is_ignored_and_replaced() {
    let s = setup();
    let first = at(&s.options, LATER);
    let file = fs::read_dir(s.dir.path().join("cache")).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for bytes in [&flipped[..], &whole[..whole.len() / 2], b""] {
        fs::write(&file, bytes).unwrap();
        let import = at(&s.options, LATER);
        assert!(!import.from_cache);
        assert_eq!(import.source.manifest().id(), first.source.manifest().id());
        assert!(at(&s.options, LATER).from_cache);
    }
}

#[test]
fn the_cache_is_private_and_bounded() {
    use std::os::unix::fs::PermissionsExt;
    let s = setup();
    let cache = s.dir.path().join("cache");
    at(&s.options, LATER);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let file = fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    assert_eq!((mode(&cache), mode(&file)), (0o700, 0o600));
    let old = std::time::SystemTime::now() - Duration::from_secs(60);
    for n in 0..300 {
        put(&cache, &format!("{n}.hashes"), b"");
        File::options()
            .write(true)
            .open(cache.join(format!("{n}.hashes")))
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
    put(&cache, "other", b"not ours");
    put(&s.dir.path().join("t"), "new", b"x");
    at(&s.options, LATER);
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 256 + 1);
    assert!(file.exists() && cache.join("other").exists());
}

#[test]
fn a_cache_that_cannot_be_written_does_no_harm() {
    let s = setup();
    put(s.dir.path(), "cache", b"a file");
    let import = at(&s.options, LATER);
    assert!(!import.from_cache && import.source.have().count_ones(..) > 0);
}
