//! A source that is saved and opened again.

use std::time::Duration;

use super::super::run::import_at;
use super::*;
use crate::serve::Standing;
use crate::stamp::Stamp;
use crate::{ReadError, ReopenError, SavedSource, Selection};

/// A tree of two files and its source, hashed when its files had not changed for a while.
fn source() -> (tempfile::TempDir, Source) {
    let dir = tempdir().unwrap();
    put(dir.path(), "t/f", &random(500_000, 1));
    put(dir.path(), "t/g", &random(100_000, 2));
    let clock = Clock { ahead: Duration::from_secs(10) };
    let options = options(&dir.path().join("t"));
    let source = import_at(&options, &|_| {}, &AtomicBool::new(false), clock).unwrap().source;
    (dir, source)
}

fn again(source: &Source) -> Result<Source, ReopenError> {
    Source::reopen(&SavedSource::from_bytes(source.save().as_bytes().to_vec()))
}

fn all_are(source: &Source, is: impl Fn(&Standing) -> bool) -> bool {
    source.standings().iter().all(is)
}

#[test]
fn what_was_hashed_once_is_served_again_without_hashing() {
    let (_dir, source) = source();
    let reopened = again(&source).unwrap();
    assert_eq!(reopened.manifest().id(), source.manifest().id());
    assert!(reopened.have().is_full() && all_are(&reopened, |it| matches!(it, Standing::Sure(_))));
    let mut bytes = Vec::new();
    for chunk in 0..source.manifest().geometry().chunks() {
        reopened.read(chunk, &mut bytes).unwrap();
        assert_eq!(Hash::of(&bytes), source.manifest().chunks()[chunk as usize].hash);
    }
    assert_eq!(reopened.standings(), source.standings());
}

#[test]
fn no_file_is_read_when_it_is_opened_and_a_change_shows_when_it_is() {
    let (dir, source) = source();
    let (f, g) = (dir.path().join("t/f"), dir.path().join("t/g"));
    fs::remove_file(&f).unwrap();
    fs::create_dir(&f).unwrap();
    File::options().write(true).open(&g).unwrap().write_all_at(b"edited", 50_000).unwrap();
    let reopened = again(&source).unwrap();
    assert!(reopened.have().is_full(), "a folder where a file was is not even looked at");
    let mut bytes = Vec::new();
    let last = source.manifest().geometry().chunks() - 1;
    for chunk in 0..=last {
        match reopened.read(chunk, &mut bytes) {
            Ok(()) => assert_eq!(Hash::of(&bytes), source.manifest().chunks()[chunk as usize].hash),
            Err(ReadError::Withdrawn { .. }) => assert!(!reopened.has(chunk)),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(!reopened.has(0) && !reopened.have().is_full());
    // What was withdrawn stays so.
    assert!(!again(&reopened).unwrap().have().is_full());
}

#[test]
fn racy_stamps_are_not_sure_when_they_are_opened_again() {
    let dir = tempdir().unwrap();
    put(dir.path(), "t/f", &random(200_000, 1));
    let imported =
        import_at(&options(&dir.path().join("t")), &|_| {}, &AtomicBool::new(false), Clock::default());
    let reopened = again(&imported.unwrap().source).unwrap();
    assert!(reopened.have().is_full() && all_are(&reopened, |it| *it == Standing::Unsure));
}

#[test]
fn a_placed_download_is_served_and_hashed_first() {
    let (dir, source) = source();
    let (manifest, path) = (source.manifest().clone(), dir.path().join("t"));
    let whole = again(&Source::placed(manifest.clone(), &path, &Selection::All)).unwrap();
    assert!(whole.have().is_full() && all_are(&whole, |it| *it == Standing::Unsure));
    let mut wanted = fixedbitset::FixedBitSet::with_capacity(2);
    wanted.insert(1);
    let some = again(&Source::placed(manifest, &path, &Selection::Entries(wanted))).unwrap();
    assert_eq!((some.standings()[0], some.standings()[1]), (Standing::Absent, Standing::Unsure));
    assert!(some.have().count_ones(..) > 0 && !some.has(0));
    for file in ["t/f", "t/g"] {
        // Young for as long as the test takes.
        let young = std::time::SystemTime::now() + Duration::from_secs(3600);
        fs::File::options().write(true).open(dir.path().join(file)).unwrap().set_modified(young).unwrap();
    }
    let mut bytes = Vec::new();
    some.have().ones().for_each(|chunk| some.read(chunk as u32, &mut bytes).unwrap());
    assert!(!whole.has_learned() && !some.has_learned(), "the files are too young");
}

#[test]
fn what_was_hashed_when_it_was_served_is_sure_the_next_time() {
    let (dir, source) = source();
    let placed = Source::placed(source.manifest().clone(), &dir.path().join("t"), &Selection::All);
    let old = |path: &str| {
        let stamp = || Stamp::of(&dir.path().join(path).metadata().unwrap());
        while stamp().is_racy(Clock::default().now()) {
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    old("t/f");
    old("t/g");
    let mut bytes = Vec::new();
    for chunk in 0..source.manifest().geometry().chunks() {
        placed.read(chunk, &mut bytes).unwrap();
    }
    assert!(placed.has_learned());
    let reopened = again(&placed).unwrap();
    assert!(all_are(&reopened, |it| matches!(it, Standing::Sure(_))) && !reopened.has_learned());
    fs::remove_file(dir.path().join("t/f")).unwrap();
    assert!(placed.read(0, &mut bytes).is_err() && !placed.has_learned());
}

#[test]
fn a_folder_that_is_missing_or_empty_is_named() {
    let (dir, source) = source();
    let (there, away) = (dir.path().join("t"), dir.path().join("away"));
    fs::rename(&there, &away).unwrap();
    let missing = |result| matches!(result, Err(ReopenError::Missing { path }) if path == there);
    assert!(missing(again(&source)));
    // As an unmounted disk leaves it.
    fs::create_dir(&there).unwrap();
    assert!(missing(again(&source)));
    fs::remove_dir(&there).unwrap();
    fs::rename(&away, &there).unwrap();
    assert!(again(&source).unwrap().have().is_full());
}

#[test]
fn damage_is_noticed() {
    let (_dir, source) = source();
    let saved = source.save().as_bytes().to_vec();
    for at in (0..saved.len()).step_by(7) {
        let mut damaged = saved.clone();
        damaged[at] ^= 0x10;
        let opened = Source::reopen(&SavedSource::from_bytes(damaged));
        assert!(matches!(opened, Err(ReopenError::Damaged(_) | ReopenError::Version(_))), "at {at}");
        let cut = Source::reopen(&SavedSource::from_bytes(saved[..at].to_vec()));
        assert!(matches!(cut, Err(ReopenError::Damaged(_))), "cut at {at}");
    }
}
