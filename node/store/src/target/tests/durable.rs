//! What a name or a journal vouches for is on the disk before.

use super::super::journal::Journal;
use super::*;

#[test]
fn nothing_is_left_to_be_synced_once_it_has_its_name() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    assert!(target.served.files().is_dirty());
    target.finish().unwrap();
    assert!(!target.served.files().is_dirty());
}

/// A pipe cannot be synced, so a sync that reaches it fails.
#[test]
fn a_sync_is_one_of_the_journal_too() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    target.sync().unwrap();
    let (pipe, _end) = io::pipe().unwrap();
    lock(&target.progress).journal = Some(Journal::within(std::os::fd::OwnedFd::from(pipe).into()));
    assert!(target.sync().is_err());
}

/// Somebody removes files of a part, and cuts others short, in the midst of a download. New ones would have holes where
/// bytes were that count as stored.
#[test]
fn a_file_of_the_part_that_somebody_removes_or_cuts_is_never_made_anew_around_what_counts() {
    let ways: [&dyn Fn(&Path); 2] =
        [&|file| fs::remove_file(file).unwrap(), &|file| File::create(file).unwrap().set_len(1).unwrap()];
    for spoil in ways {
        for restarted in [false, true] {
            let (from, source) = shared_mixed();
            let dir = tempdir().unwrap();
            let mut target = open(&source, to(dir.path()));
            let parts = spans_of(&source, "large.bin");
            assert!(parts.len() > 2);
            target.write(parts[0], &chunk(&source, parts[0])).unwrap();
            if restarted {
                drop(target);
                target = open(&source, to(dir.path()));
            }
            target.served.files().close();
            spoil(&part(dir.path(), &source).join("large.bin"));
            let refused = target.write(parts[1], &chunk(&source, parts[1])).unwrap_err();
            assert!(refused.to_string().contains("someone else has changed it"), "{refused}");
            assert!(target.write(parts[1], &chunk(&source, parts[1])).is_err(), "nor at a second try");
            assert!(target.sync().is_err(), "what is not there cannot be synced");
            drop(target);
            let target = open(&source, to(dir.path()));
            fetch(&source, &target);
            target.finish().unwrap();
            assert_eq!(snapshot(dir.path()), snapshot(from.path()));
        }
    }
}

/// The chunks of a file.
fn spans_of(source: &Source, path: &str) -> Vec<ChunkIndex> {
    let manifest = source.manifest();
    let is_of = |c: &ChunkIndex| {
        let mut spans = manifest.geometry().spans(*c);
        spans.any(|span| manifest.entries()[span.file as usize].path.as_str() == path)
    };
    (0..manifest.geometry().chunks()).filter(is_of).collect()
}

/// A small file is written at once and not kept open; so a sync opens it again.
#[test]
fn a_file_that_is_removed_before_it_was_synced_is_missed() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    target.served.files().close();
    fs::remove_file(part(dir.path(), &source).join("large.bin")).unwrap();
    let missed = target.finish().unwrap_err();
    assert!(missed.to_string().contains("someone else has changed it"), "{missed}");
    assert!(target.sync().is_err());
    assert!(target.finish().is_err(), "an empty file in its place changes nothing");
    assert!(!dir.path().join("t").exists());
}
