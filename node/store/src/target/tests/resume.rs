//! Taking up a download that was interrupted.

use shoal_content::EntryKind;

use super::*;

/// Writes about half of the chunks, and goes away as if killed. Returns what was stored.
fn half(source: &Source, options: TargetOptions) -> ChunkSet {
    let target = open(source, options);
    let missing = missing(&target);
    for c in &missing[..missing.len() / 2] {
        target.write(*c, &chunk(source, *c)).unwrap();
    }
    target.stored()
}

#[test]
fn nothing_that_was_written_is_fetched_again() {
    let (from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let stored = half(&source, to(dir.path()));
    assert!(stored.count_ones(..) > 2);
    let target = open(&source, to(dir.path()));
    assert_eq!(target.stored(), stored);
    let bytes: u64 = stored.ones().map(|c| u64::from(source.manifest().chunks()[c].length)).sum();
    let report = target.report();
    assert_eq!((report.found_bytes, report.damaged_chunks), (bytes, 0));
    check_have(&target);
    fetch(&source, &target);
    target.finish().unwrap();
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
}

#[test]
fn what_another_process_wrote_is_synced_too() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    half(&source, to(dir.path()));
    let target = open(&source, to(dir.path()));
    assert!(target.served.files().is_dirty());
    target.sync().unwrap();
    assert!(!target.served.files().is_dirty());
}

#[test]
fn a_torn_journal_loses_only_its_end() {
    let (from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let stored = half(&source, to(dir.path()));
    let journal = File::options().write(true).open(journal(dir.path(), &source)).unwrap();
    journal.set_len(journal.metadata().unwrap().len() - 5).unwrap();
    for again in [false, true] {
        let target = open(&source, to(dir.path()));
        assert_eq!(target.stored().count_ones(..), stored.count_ones(..) - usize::from(!again));
        if !again {
            let lost = stored.difference(&target.stored()).next().unwrap() as u32;
            target.write(lost, &chunk(&source, lost)).unwrap();
        } else {
            fetch(&source, &target);
            target.finish().unwrap();
        }
    }
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
}

/// Damages a byte of a chunk that is in the part, in the first of its files that is there.
fn damage(source: &Source, dir: &Path, chunk: u32) {
    let path =
        |span: &Span| part(dir, source).join(source.manifest().entries()[span.file as usize].path.as_str());
    let mut spans = source.manifest().geometry().spans(chunk);
    let span: Span = spans.find(|span| path(span).exists()).unwrap();
    let path = path(&span);
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, span.file_offset).unwrap();
    file.write_all_at(&[!byte[0]], span.file_offset).unwrap();
}

#[test]
fn every_chunk_of_an_earlier_run_is_hashed() {
    let (from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let stored = half(&source, to(dir.path()));
    for bad in stored.ones().take(2) {
        damage(&source, dir.path(), bad as u32);
        let target = open(&source, to(dir.path()));
        assert_eq!(target.report().damaged_chunks, 1);
        assert!(!target.stored().contains(bad) && !target.has(bad as u32));
        check_have(&target);
        drop(target);
        // What was found wrong is not in the journal any more.
        let target = open(&source, to(dir.path()));
        assert_eq!((target.report().damaged_chunks, target.stored().contains(bad)), (0, false));
    }
    let target = open(&source, to(dir.path()));
    assert_eq!(target.stored().count_ones(..), stored.count_ones(..) - 2);
    fetch(&source, &target);
    target.finish().unwrap();
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
}

#[test]
fn pieces_of_chunks_are_known_again_and_hashed_too() {
    // Many small files in each chunk, of which every second one is wanted.
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    for n in 0..100 {
        put(from.path(), &format!("t/{n:02}"), &random(3000, n));
    }
    let source = share(&from.path().join("t"));
    let even = || {
        let entries = source.manifest().entries().iter().enumerate();
        let wanted = entries.filter(|(_, e)| e.path.as_str().ends_with(['0', '2', '4', '6', '8']));
        let selection = Selection::Entries(wanted.map(|(n, _)| n).collect());
        TargetOptions { selection, ..to(dir.path()) }
    };
    let target = open(&source, even());
    let chunks = fetch(&source, &target);
    assert!(chunks > 2 && target.have().is_clear(), "no chunk is whole");
    drop(target);
    // The second time the journal has an epoch of its own.
    for bad in 0..2 {
        assert!(open(&source, even()).is_complete(), "what was written is known again");
        damage(&source, dir.path(), bad);
        let target = open(&source, even());
        assert_eq!((missing(&target), target.report().damaged_chunks), (vec![bad], 1));
        fetch(&source, &target);
    }
    open(&source, even()).finish().unwrap();
    assert_eq!(names(&dir.path().join("t")).len(), 50);
    for name in names(&dir.path().join("t")) {
        let [got, sent] = [&dir, &from].map(|place| fs::read(place.path().join("t").join(&name)).unwrap());
        assert!(got == sent, "{name}");
    }
}

#[test]
fn damage_in_the_part_is_not_blamed_on_what_is_there() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    put(from.path(), "t/a", &random(5000, 1));
    put(from.path(), "t/b", &random(5000, 2));
    let source = share(&from.path().join("t"));
    let target = open(&source, to(dir.path()));
    assert_eq!(fetch(&source, &target), 1);
    drop(target);
    put(dir.path(), "t/a", &random(5000, 1));
    fs::write(part(dir.path(), &source).join("b"), vec![0; 5000]).unwrap();
    let target = open(&source, to(dir.path()));
    assert_eq!(fetch(&source, &target), 1);
    target.finish().unwrap();
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
}

#[test]
fn zeros_are_written_over_what_was_damaged() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    File::create(from.path().join("t")).unwrap().set_len(500_000).unwrap();
    let source = share(&from.path().join("t"));
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    drop(target);
    let part = File::options().write(true).open(part(dir.path(), &source)).unwrap();
    part.write_all_at(b"garbage", 100_000).unwrap();
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    target.finish().unwrap();
    assert_eq!(snapshot(dir.path()), snapshot(from.path()));
}

#[test]
fn files_that_are_gone_are_fetched_again() {
    let (from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    drop(target);
    fs::remove_file(part(dir.path(), &source).join("large.bin")).unwrap();
    File::options()
        .write(true)
        .open(part(dir.path(), &source).join("small/9.txt"))
        .unwrap()
        .set_len(3)
        .unwrap();
    let target = open(&source, to(dir.path()));
    assert!(!target.is_complete());
    // Killed at once: the file that is now there again, as a hole, must not pass for the right one.
    let c = missing(&target)[0];
    target.write(c, &chunk(&source, c)).unwrap();
    drop(target);
    let target = open(&source, to(dir.path()));
    check_have(&target);
    fetch(&source, &target);
    target.finish().unwrap();
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
}

#[test]
fn two_at_once_are_one_too_many() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let first = open(&source, to(dir.path()));
    for options in [to(dir.path()), by_force(dir.path())] {
        let error = try_open(&source, options).unwrap_err();
        assert!(
            matches!(&error, TargetError::Busy { path } if path == &part(dir.path(), &source)),
            "{error}"
        );
    }
    drop(first);
    open(&source, to(dir.path()));
}

#[test]
fn another_selection_does_not_believe_the_journal() {
    // The chunk is written for one file only, then for the other only; neither time for both.
    let from = tempdir().unwrap();
    put(from.path(), "t/a", &random(5000, 1));
    put(from.path(), "t/b", &random(5000, 2));
    let source = share(&from.path().join("t"));
    assert_eq!(source.manifest().chunks().len(), 1);
    let dir = tempdir().unwrap();
    for prefix in ["a", "b"] {
        let selection = only(source.manifest(), prefix);
        let target = open(&source, TargetOptions { selection, ..to(dir.path()) });
        assert_eq!(fetch(&source, &target), 1);
    }
    // The same one again: believed, and done.
    let selection = only(source.manifest(), "b");
    assert!(open(&source, TargetOptions { selection, ..to(dir.path()) }).is_complete());
    fs::write(part(dir.path(), &source).join("a"), vec![0; 5000]).unwrap();
    let target = open(&source, to(dir.path()));
    assert!(!target.is_complete());
    fetch(&source, &target);
    target.finish().unwrap();
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
}

#[test]
fn a_crash_while_merging_can_be_taken_up() {
    let (from, source) = shared_mixed();
    // As after a crash: some entries moved, the others still in the part, the journal still there.
    for moved in [1, 5, 30, source.manifest().entries().len()] {
        let dir = tempdir().unwrap();
        let target = open(&source, to(dir.path()));
        fetch(&source, &target);
        target.sync().unwrap();
        drop(target);
        put(dir.path(), "t/extra", b"mine");
        for entry in source.manifest().entries().iter().take(moved) {
            let places = [part(dir.path(), &source), dir.path().join("t")];
            let (old, new) = places.map(|place| place.join(entry.path.as_str())).into();
            if matches!(entry.kind, EntryKind::File { .. }) && old.exists() {
                fs::create_dir_all(new.parent().unwrap()).unwrap();
                fs::rename(old, new).unwrap();
            }
        }
        let target = open(&source, to(dir.path()));
        assert!(target.is_complete(), "{moved}");
        assert_eq!(target.report().damaged_chunks, 0, "{moved}");
        check_have(&target);
        target.finish().unwrap();
        fs::remove_file(dir.path().join("t/extra")).unwrap();
        assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
        assert_eq!(names(dir.path()), ["t"]);
    }
}

#[test]
fn a_crash_before_the_journal_was_removed_is_tidied_up() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    fs::copy(journal(dir.path(), &source), dir.path().join("saved")).unwrap();
    target.finish().unwrap();
    drop(target);
    fs::rename(dir.path().join("saved"), journal(dir.path(), &source)).unwrap();
    assert!(open(&source, to(dir.path())).finish().unwrap().already_there);
    assert_eq!(names(dir.path()), ["t"]);
}
