//! A source never hands out wrong bytes, whatever happens to its files.

use std::time::Duration;

use super::super::run::import_at;
use super::*;
use crate::ReadError;

/// A tree of one large file, and its source. Its stamps are racy, or not.
fn source(racy: bool) -> (tempfile::TempDir, Source) {
    let dir = tempdir().unwrap();
    put(dir.path(), "f", &random(500_000, 1));
    put(dir.path(), "g", &random(100_000, 2));
    let clock = if racy { Clock::default() } else { Clock { ahead: Duration::from_secs(10) } };
    let import = import_at(&options(dir.path()), &|_| {}, &AtomicBool::new(false), clock).unwrap();
    (dir, import.source)
}

/// Reads all chunks: how many came. What comes is right; what does not is no longer there.
fn served(source: &Source) -> usize {
    let mut bytes = Vec::new();
    let mut count = 0;
    for chunk in 0..source.manifest().geometry().chunks() {
        match source.read(chunk, &mut bytes) {
            Ok(()) => {
                assert_eq!(Hash::of(&bytes), source.manifest().chunks()[chunk as usize].hash);
                assert!(source.has(chunk) && source.have().contains(chunk as usize));
                count += 1;
            }
            Err(ReadError::Withdrawn { .. } | ReadError::NotHere(_)) => assert!(!source.has(chunk)),
            Err(other) => panic!("{other}"),
        }
    }
    count
}

#[test]
fn an_undisturbed_source_serves_everything() {
    for racy in [false, true] {
        let (_dir, source) = source(racy);
        let all = source.manifest().chunks().len();
        assert_eq!((served(&source), served(&source), source.have().len()), (all, all, all));
    }
}

#[test]
fn every_change_is_noticed() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 7] = [
        ("edited", |f| {
            File::options().write(true).open(f).unwrap().write_all_at(b"edited", 250_000).unwrap();
        }),
        ("edited, with its old time", |f| {
            let then = f.metadata().unwrap().modified().unwrap();
            let file = File::options().write(true).open(f).unwrap();
            file.write_all_at(b"edited", 250_000).unwrap();
            file.set_modified(then).unwrap();
        }),
        ("truncated", |f| File::options().write(true).open(f).unwrap().set_len(250_000).unwrap()),
        ("removed", |f| fs::remove_file(f).unwrap()),
        ("replaced", |f| {
            fs::write(f.with_extension("new"), random(500_000, 7)).unwrap();
            fs::rename(f.with_extension("new"), f).unwrap();
        }),
        ("made a folder", |f| {
            fs::remove_file(f).unwrap();
            fs::create_dir(f).unwrap();
        }),
        ("made a link", |f| {
            fs::rename(f, f.with_extension("old")).unwrap();
            symlink("f.old", f).unwrap();
        }),
    ];
    for (what, change) in changes {
        for racy in [false, true] {
            for warm in [false, true] {
                let (dir, source) = source(racy);
                let all = source.manifest().chunks().len();
                if warm {
                    assert_eq!(served(&source), all);
                }
                change(&dir.path().join("f"));
                let left = served(&source);
                assert!(left < all, "{what}, racy {racy}, warm {warm}");
                assert!(left > 0, "{what}: g did not change");
                assert_eq!((served(&source), source.have().count_ones(..)), (left, left));
            }
        }
    }
}

#[test]
fn a_file_with_a_new_time_stamp_or_a_copy_is_still_served() {
    let (dir, source) = source(false);
    let f = dir.path().join("f");
    File::options().write(true).open(&f).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(served(&source), source.manifest().chunks().len());
    fs::copy(&f, dir.path().join("copy")).unwrap();
    fs::rename(dir.path().join("copy"), &f).unwrap();
    assert_eq!(served(&source), source.manifest().chunks().len());
    // Hashed anew under the new stamp, and still watched.
    File::options().write(true).open(&f).unwrap().write_all_at(b"edited", 0).unwrap();
    assert!(served(&source) < source.manifest().chunks().len());
}

#[test]
fn what_was_withdrawn_stays_so() {
    let (dir, source) = source(false);
    let f = dir.path().join("f");
    fs::rename(&f, dir.path().join("away")).unwrap();
    let mut bytes = Vec::new();
    let error = source.read(0, &mut bytes).unwrap_err();
    assert!(
        matches!(&error, ReadError::Withdrawn { path, why } if path == &f && why == "is gone"),
        "{error}"
    );
    fs::rename(dir.path().join("away"), &f).unwrap();
    assert!(matches!(source.read(0, &mut bytes), Err(ReadError::NotHere(0))));
    assert!(matches!(source.read(99_999, &mut bytes), Err(ReadError::NotHere(99_999))));
    assert!(source.read(1, &mut bytes).is_ok());
}
