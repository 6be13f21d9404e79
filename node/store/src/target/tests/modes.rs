//! What only its owner may read arrives like that, and is never wider on the way.

use super::*;
use crate::testing::{chmod, mode};

/// A private folder `t` with a large and a small private file, a private executable, a public file and folders.
fn shared_private() -> (TempDir, Source) {
    let from = tempdir().unwrap();
    let base = from.path().join("t");
    let files = [
        ("deep/er/key", 0o600, 200_000),
        ("deep/public", 0o644, 70_000),
        ("empty", 0o600, 0),
        ("run", 0o700, 100),
        ("small", 0o600, 100),
    ];
    for (path, mode, len) in files {
        put(&base, path, &random(len, mode.into()));
        chmod(&base.join(path), mode);
    }
    fs::create_dir(base.join("hollow")).unwrap();
    for (path, mode) in [("hollow", 0o700), ("deep/er", 0o700), ("deep", 0o755), ("", 0o700)] {
        chmod(&base.join(path), mode);
    }
    let source = share(&base);
    (from, source)
}

/// Panics if something beneath a folder of the target is wider than its twin in the source.
fn assert_not_wider(there: &Path, from: &Path) {
    for item in walkdir::WalkDir::new(there) {
        let item = item.unwrap();
        let twin = from.join(item.path().strip_prefix(there).unwrap());
        assert_eq!(mode(item.path()) & !mode(&twin), 0, "{}", item.path().display());
    }
}

#[test]
fn nothing_is_wider_than_it_was_from_the_first_chunk_on() {
    let (from, source) = shared_private();
    let dir = tempdir().unwrap();
    let from = from.path().join("t");
    let mut target = open(&source, to(dir.path()));
    for (n, c) in missing(&target).into_iter().enumerate() {
        if n == 2 {
            drop(target);
            target = open(&source, to(dir.path()));
        }
        target.write(c, &chunk(&source, c)).unwrap();
        assert_not_wider(&part(dir.path(), &source), &from);
    }
    assert!(part(dir.path(), &source).join("deep/er/key").exists());
    target.finish().unwrap();
    assert_not_wider(&dir.path().join("t"), &from);
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from));
    assert!(compare(&source, &dir.path().join("t")).unwrap().all_match());
}

#[test]
fn a_single_private_file_arrives_private() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    put(from.path(), "key", &random(200_000, 1));
    chmod(&from.path().join("key"), 0o600);
    let source = share(&from.path().join("key"));
    let target = open(&source, to(dir.path()));
    let first = missing(&target)[0];
    target.write(first, &chunk(&source, first)).unwrap();
    assert_eq!(mode(&part(dir.path(), &source)), 0o600);
    fetch(&source, &target);
    target.finish().unwrap();
    assert_eq!(mode(&dir.path().join("key")), 0o600);
}

#[test]
fn a_part_that_became_wider_is_narrowed_before_more_is_written() {
    let (_from, source) = shared_private();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    let key = source.manifest().geometry().chunks_of(file(source.manifest(), "deep/er/key"));
    target.write(key.start, &chunk(&source, key.start)).unwrap();
    drop(target);
    let path = part(dir.path(), &source).join("deep/er/key");
    chmod(&path, 0o644);
    let target = open(&source, to(dir.path()));
    target.write(key.start + 1, &chunk(&source, key.start + 1)).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn folders_that_are_there_are_narrowed_and_what_is_narrow_stays() {
    let (from, source) = shared_private();
    let dir = tempdir().unwrap();
    let t = dir.path().join("t");
    put(&t, "deep/er/mine", b"");
    fs::create_dir(t.join("hollow")).unwrap();
    let folders = ["", "deep", "deep/er", "hollow"].map(|path| t.join(path));
    folders.iter().for_each(|folder| chmod(folder, 0o755));
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    target.finish().unwrap();
    assert_eq!(folders.map(|folder| mode(&folder)), [0o700, 0o755, 0o700, 0o700]);
    fs::remove_file(t.join("deep/er/mine")).unwrap();
    assert_eq!(snapshot(&t), snapshot(&from.path().join("t")));
    // Here its owner alone may read what was public where it came from.
    chmod(&t.join("deep/public"), 0o600);
    chmod(&t.join("deep"), 0o700);
    assert!(open(&source, to(dir.path())).finish().unwrap().already_there);
    assert_eq!([mode(&t.join("deep/public")), mode(&t.join("deep"))], [0o600, 0o700]);
    assert!(compare(&source, &t).unwrap().all_match());
}

#[test]
fn what_is_there_and_matches_is_narrowed() {
    let (from, source) = shared_private();
    let dir = tempdir().unwrap();
    let t = dir.path().join("t");
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    target.finish().unwrap();
    for (path, mode) in [("", 0o755), ("deep/er", 0o755), ("deep/er/key", 0o640), ("run", 0o755)] {
        chmod(&t.join(path), mode);
    }
    let report = compare(&source, &t).unwrap();
    assert_ne!(report.folder, EntryState::Match);
    assert_eq!(report.entries.iter().filter(|e| **e != EntryState::Match).count(), 3, "{report:?}");
    assert!(open(&source, to(dir.path())).finish().unwrap().already_there);
    assert_eq!(snapshot(&t), snapshot(&from.path().join("t")));
    assert!(compare(&source, &t).unwrap().all_match());
}

/// A selection makes folders on the way that are not selected themselves.
#[test]
fn folders_above_a_selection_are_private_too() {
    let (_from, source) = shared_private();
    let dir = tempdir().unwrap();
    let selection =
        Selection::Entries([file(source.manifest(), "deep/er/key") as usize].into_iter().collect());
    let target = open(&source, TargetOptions { selection, ..to(dir.path()) });
    fetch(&source, &target);
    assert_eq!(mode(&part(dir.path(), &source)), 0o700);
    target.finish().unwrap();
    let t = dir.path().join("t");
    assert_eq!(["", "deep/er", "deep/er/key"].map(|path| mode(&t.join(path))), [0o700, 0o700, 0o600]);
}
