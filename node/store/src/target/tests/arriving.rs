//! From the first chunk to the final place.

use super::*;

#[test]
fn a_tree_arrives_as_it_was() {
    let (from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(&dir.path().join("made/for/it")));
    let dir = dir.path().join("made/for/it");
    assert!(!target.is_complete() && target.have().is_clear());
    fetch(&source, &target);
    assert!(!dir.join("t").exists(), "nothing has the final name yet");
    assert_eq!(target.have().count_ones(..), source.manifest().chunks().len());
    check_have(&target);
    let placed = target.finish().unwrap();
    assert_eq!(placed, Placed { path: dir.join("t"), already_there: false });
    assert_eq!(target.finish().unwrap(), placed);
    assert_eq!(names(&dir), ["t"]);
    assert_eq!(snapshot(&dir.join("t")), snapshot(&from.path().join("t")));
    let report = compare(&source, &dir.join("t")).unwrap();
    assert!(report.all_match() && report.extra_count == 0, "{report:?}");
    check_have(&target);
    assert_eq!(target.have().count_ones(..), source.manifest().chunks().len());
}

#[test]
fn a_single_file_arrives() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    put(from.path(), "f.bin", &random(200_000, 1));
    let source = share(&from.path().join("f.bin"));
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    assert_eq!(names(dir.path()), unfinished(&source));
    target.finish().unwrap();
    assert_eq!(names(dir.path()), ["f.bin"]);
    assert_eq!(fs::read(dir.path().join("f.bin")).unwrap(), random(200_000, 1));
    assert!(compare(&source, &dir.path().join("f.bin")).unwrap().all_match());
}

#[test]
fn contents_without_bytes_arrive() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    fs::create_dir(from.path().join("empty folder")).unwrap();
    put(from.path(), "empty file", b"");
    for name in ["empty folder", "empty file"] {
        let source = share(&from.path().join(name));
        let target = open(&source, to(dir.path()));
        assert!(target.is_complete());
        assert!(!target.finish().unwrap().already_there);
        assert!(open(&source, to(dir.path())).finish().unwrap().already_there);
    }
    assert_eq!(snapshot(dir.path()), snapshot(from.path()));
}

#[test]
fn names_of_any_length_arrive() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    for name in ["x".repeat(255), "y".repeat(226), "z".repeat(225), "名".repeat(85)] {
        put(from.path(), &name, &random(50_000, 1));
        let source = share(&from.path().join(&name));
        let target = open(&source, to(dir.path()));
        fetch(&source, &target);
        target.finish().unwrap();
    }
    assert_eq!(snapshot(dir.path()), snapshot(from.path()));
}

#[test]
fn corrupt_chunks_are_refused_and_leave_no_trace() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    let mut bytes = chunk(&source, 0);
    bytes[7] ^= 1;
    let short = &chunk(&source, 0)[1..];
    for (c, bytes) in [(0, &bytes[..]), (0, short), (0, &[]), (1, &chunk(&source, 0)[..]), (9999, &[])] {
        assert!(matches!(target.write(c, bytes), Err(WriteError::Corrupt(bad)) if bad == c));
    }
    assert!(target.stored().is_clear() && target.have().is_clear());
    assert_eq!(names(dir.path()), unfinished(&source)[1..]);
    assert!(
        matches!(target.finish(), Err(TargetError::Incomplete { missing }) if missing == super::missing(&target).len())
    );
    let mut buf = Vec::new();
    assert!(matches!(target.read(0, &mut buf), Err(ReadError::NotHere(0))));
}

#[test]
fn of_several_chunks_the_corrupt_one_alone_is_refused() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    let mut chunks: Vec<_> = (0..4).map(|c| (c, chunk(&source, c))).collect();
    chunks[2].1[0] ^= 1;
    let given: Vec<_> = chunks.iter().map(|(c, bytes)| (*c, &bytes[..])).collect();
    let written = target.write_each(&given);
    assert!(matches!(&written[..], [Ok(_), Ok(_), Err(WriteError::Corrupt(2)), Ok(_)]), "{written:?}");
    assert!(!target.stored().contains(2) && [0, 1, 3].iter().all(|c| target.stored().contains(*c)));
}

#[test]
fn equal_chunks_are_fetched_once() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    for name in ["t/a", "t/b", "t/c/d"] {
        put(from.path(), name, &random(200_000, 1));
    }
    let source = share(&from.path().join("t"));
    let all = source.manifest().chunks().len();
    let target = open(&source, to(dir.path()));
    assert_eq!(target.wanted().count_ones(..) * 3, all);
    assert_eq!(target.report().wanted_bytes, 200_000);
    let new = target.write(0, &chunk(&source, 0)).unwrap();
    assert_eq!(new, [0, all as u32 / 3, all as u32 / 3 * 2]);
    assert!(target.write(new[1], &chunk(&source, 0)).unwrap().is_empty());
    assert_eq!(fetch(&source, &target), all / 3 - 1);
    target.finish().unwrap();
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
}

#[test]
fn a_selection_fetches_what_it_needs_and_serves_what_is_whole() {
    let (from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let manifest = source.manifest();
    // `small/1.txt` shares its chunk with others.
    let selection = only(manifest, "small/1.txt");
    let target = open(&source, TargetOptions { selection, ..to(dir.path()) });
    assert_eq!(target.wanted().count_ones(..), 1);
    let wanted = missing(&target)[0];
    assert!(
        target.write(wanted, &chunk(&source, wanted)).unwrap().is_empty(),
        "not servable: only a part is here"
    );
    assert!(target.stored().contains(wanted as usize) && target.have().is_clear());
    target.finish().unwrap();
    assert_eq!(names(&dir.path().join("t")), ["small"]);
    assert_eq!(names(&dir.path().join("t/small")), ["1.txt"]);
    // The rest later, into the same folder.
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    target.finish().unwrap();
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
    assert_eq!(names(dir.path()), ["t"]);
}

#[test]
fn an_earlier_selection_leaves_nothing_unfinished_behind() {
    let (from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let large = only(source.manifest(), "large.bin");
    let target = open(&source, TargetOptions { selection: large, ..to(dir.path()) });
    let first = missing(&target)[0];
    target.write(first, &chunk(&source, first)).unwrap();
    drop(target);
    let deep = only(source.manifest(), "deep/er/large.bin");
    let target = open(&source, TargetOptions { selection: deep, ..to(dir.path()) });
    fetch(&source, &target);
    target.finish().unwrap();
    assert_eq!(names(&dir.path().join("t")), ["deep"]);
    assert_eq!(
        fs::read(dir.path().join("t/deep/er/large.bin")).unwrap(),
        fs::read(from.path().join("t/deep/er/large.bin")).unwrap()
    );
}

#[test]
fn sparse_stays_sparse() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    let file = File::create(from.path().join("s")).unwrap();
    file.set_len(64 << 20).unwrap();
    file.write_all_at(&random(100_000, 1), 30 << 20).unwrap();
    let source = share(&from.path().join("s"));
    let target = open(&source, to(dir.path()));
    assert!(missing(&target).len() < 20);
    // What borders on the holes comes first, so that its blocks reach into them.
    for c in missing(&target).into_iter().rev() {
        target.write(c, &chunk(&source, c)).unwrap();
    }
    target.finish().unwrap();
    let meta = dir.path().join("s").metadata().unwrap();
    assert_eq!(meta.len(), 64 << 20);
    assert!(meta.blocks() * 512 < 1 << 20, "{} blocks", meta.blocks());
    assert!(compare(&source, &dir.path().join("s")).unwrap().all_match());
}

#[test]
fn a_write_that_fails_can_be_repeated() {
    let (from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    // Something stands where a file has to be made.
    fs::create_dir_all(part(dir.path(), &source).join("large.bin")).unwrap();
    let c = source.manifest().geometry().chunks_of(file(source.manifest(), "large.bin")).start;
    match target.write(c, &chunk(&source, c)) {
        Err(WriteError::Blocked { path, .. }) => {
            assert_eq!(path, part(dir.path(), &source).join("large.bin"))
        }
        other => panic!("{other:?}"),
    }
    assert!(!target.stored().contains(c as usize) && !target.has(c));
    fs::remove_dir(part(dir.path(), &source).join("large.bin")).unwrap();
    fetch(&source, &target);
    target.finish().unwrap();
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
}

#[test]
fn a_folder_that_cannot_be_made_is_blocked() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    put(dir.path(), "file", b"");
    for path in ["file", "file/below"] {
        let error = try_open(&source, to(&dir.path().join(path))).unwrap_err();
        assert!(matches!(error, TargetError::Blocked { .. }), "{error}");
    }
}

#[test]
fn syncing_is_due_after_many_bytes() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    put(from.path(), "f", &random(100_000, 1));
    let source = share(&from.path().join("f"));
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    assert!(!target.should_sync());
    target.unsynced.store(SYNC_AFTER, Ordering::Relaxed);
    assert!(target.should_sync());
    target.sync().unwrap();
    assert!(!target.should_sync());
}

#[test]
fn a_file_edited_after_the_end_is_withdrawn() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    target.finish().unwrap();
    for warm in [true, false] {
        if warm {
            check_have(&target);
        }
        let path = dir.path().join(if warm { "t/large.bin" } else { "t/deep/er/large.bin" });
        File::options().write(true).open(&path).unwrap().write_all_at(b"edited", 0).unwrap();
        let c = source
            .manifest()
            .geometry()
            .chunks_of(file(source.manifest(), if warm { "large.bin" } else { "deep/er/large.bin" }));
        let mut buf = Vec::new();
        match target.read(c.start, &mut buf) {
            Err(ReadError::Withdrawn { path: culprit, .. }) => assert_eq!(culprit, path),
            other => panic!("{other:?}"),
        }
        check_have(&target);
    }
}

#[test]
fn many_threads_may_write_and_read() {
    let (from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (target, source) = (&target, &source);
            scope.spawn(move || {
                let mut all = missing(target);
                let len = all.len();
                all.rotate_left(n * len / 4);
                for c in all {
                    target.write(c, &chunk(source, c)).unwrap();
                    check_have(target);
                }
                target.sync().unwrap();
            });
        }
    });
    target.finish().unwrap();
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
}
