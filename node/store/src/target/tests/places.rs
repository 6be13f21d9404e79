//! Entries that are already at the final place, and those that must not be changed.

use super::*;

/// A download that is complete but for placing.
fn fetched(source: &Source, options: TargetOptions) -> Target {
    let target = open(source, options);
    fetch(source, &target);
    target
}

/// The mixed tree, fetched and placed.
fn placed() -> (TempDir, Source, TempDir) {
    let (from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    fetched(&source, to(dir.path())).finish().unwrap();
    (from, source, dir)
}

#[test]
fn what_is_there_and_matches_is_done() {
    let (_from, source, dir) = placed();
    put(dir.path(), "t/extra", b"mine");
    let before = snapshot(dir.path());
    let target = open(&source, to(dir.path()));
    assert!(target.is_complete());
    assert_eq!(target.report().found_bytes, target.report().wanted_bytes);
    assert_eq!(target.have().count_ones(..), source.manifest().chunks().len());
    check_have(&target);
    assert_eq!(target.finish().unwrap(), Placed { path: dir.path().join("t"), already_there: true });
    assert_eq!(snapshot(dir.path()), before);
}

#[test]
fn what_differs_is_refused_by_name() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 4] = [
        ("large.bin", |t| {
            File::options().write(true).open(t.join("large.bin")).unwrap().write_all_at(b"!", 9).unwrap()
        }),
        ("small/7.txt", |t| fs::write(t.join("small/7.txt"), b"shorter").unwrap()),
        ("link", |t| {
            fs::remove_file(t.join("link")).unwrap();
            symlink("elsewhere", t.join("link")).unwrap();
        }),
        ("empty", |t| fs::write(t.join("empty"), b"not").unwrap()),
    ];
    for (name, change) in changes {
        let (from, source, dir) = placed();
        put(dir.path(), "t/extra/x", b"mine");
        change(&dir.path().join("t"));
        let before = snapshot(dir.path());
        match try_open(&source, to(dir.path())) {
            Err(TargetError::Exists { path, differing, count: 1 }) => {
                assert_eq!((path, differing), (dir.path().join("t"), vec![name.to_owned()]));
            }
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(snapshot(dir.path()), before);
        let target = fetched(&source, by_force(dir.path()));
        target.finish().unwrap();
        check_have(&target);
        assert_eq!(fs::read(dir.path().join("t/extra/x")).unwrap(), b"mine");
        fs::remove_dir_all(dir.path().join("t/extra")).unwrap();
        assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")), "{name}");
        assert_eq!(names(dir.path()), ["t"]);
    }
}

#[test]
fn force_replaces_only_what_differs() {
    let (_from, source, dir) = placed();
    let inode = |name: &str| dir.path().join("t").join(name).metadata().unwrap().ino();
    File::options()
        .write(true)
        .open(dir.path().join("t/small/7.txt"))
        .unwrap()
        .write_all_at(b"!!", 3)
        .unwrap();
    let (seven, others) = (inode("small/7.txt"), ["small/8.txt", "small/6.txt", "large.bin"].map(inode));
    // It shares its chunk with others, so more than one may differ as far as anyone can tell.
    match try_open(&source, to(dir.path())) {
        Err(TargetError::Exists { count, differing, .. }) => assert!(count > 1 && differing.len() <= 5),
        other => panic!("{other:?}"),
    }
    fetched(&source, by_force(dir.path())).finish().unwrap();
    assert_ne!(inode("small/7.txt"), seven);
    assert_eq!(["small/8.txt", "small/6.txt", "large.bin"].map(inode), others);
    assert!(compare(&source, &dir.path().join("t")).unwrap().all_match());
}

#[test]
fn what_is_missing_is_added_without_force() {
    let (from, source, dir) = placed();
    fs::remove_file(dir.path().join("t/large.bin")).unwrap();
    fs::remove_file(dir.path().join("t/small/7.txt")).unwrap();
    fs::remove_dir_all(dir.path().join("t/nothing")).unwrap();
    let target = open(&source, to(dir.path()));
    let report = target.report();
    assert!(report.found_bytes > 0 && report.found_bytes < report.wanted_bytes, "{report:?}");
    let fetched = fetch(&source, &target);
    assert!(fetched < source.manifest().chunks().len());
    check_have(&target);
    assert!(!target.finish().unwrap().already_there);
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
    assert_eq!(names(dir.path()), ["t"]);
}

#[test]
fn a_moved_file_is_copied_and_not_fetched() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    put(from.path(), "t/a", &random(200_000, 1));
    put(from.path(), "t/b", &random(200_000, 1));
    put(dir.path(), "t/b", &random(200_000, 1));
    let source = share(&from.path().join("t"));
    let target = open(&source, to(dir.path()));
    assert!(target.is_complete());
    target.finish().unwrap();
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
}

#[test]
fn a_small_file_that_cannot_be_judged_is_compared_at_the_end() {
    let (_from, source, dir) = placed();
    // One file of a chunk is gone, and another one changed: which, only the chunk can tell.
    fs::remove_file(dir.path().join("t/small/7.txt")).unwrap();
    File::options()
        .write(true)
        .open(dir.path().join("t/small/8.txt"))
        .unwrap()
        .write_all_at(b"!!", 3)
        .unwrap();
    let target = fetched(&source, to(dir.path()));
    match target.finish() {
        Err(TargetError::Exists { differing, count: 1, .. }) => assert_eq!(differing, ["small/8.txt"]),
        other => panic!("{other:?}"),
    }
    assert!(!dir.path().join("t/small/7.txt").exists(), "nothing is moved before all has been compared");
    drop(target);
    let target = open(&source, by_force(dir.path()));
    assert!(target.is_complete(), "nothing is fetched again");
    target.finish().unwrap();
    assert!(compare(&source, &dir.path().join("t")).unwrap().all_match());
    assert_eq!(names(dir.path()), ["t"]);
}

#[test]
fn an_executable_bit_alone_is_put_right() {
    let (from, source, dir) = placed();
    fs::set_permissions(dir.path().join("t/bin/run"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(dir.path().join("t/empty"), fs::Permissions::from_mode(0o755)).unwrap();
    let report = compare(&source, &dir.path().join("t")).unwrap();
    assert_eq!(report.entries.iter().filter(|e| **e != EntryState::Match).count(), 2);
    assert!(open(&source, to(dir.path())).finish().unwrap().already_there);
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
    assert_eq!(dir.path().join("t/bin/run").metadata().unwrap().mode() & 0o777, 0o750);
}

#[test]
fn nothing_removes_a_folder_that_is_in_the_way() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 5] = [
        ("t/large.bin", |t| {
            fs::remove_file(t.join("large.bin")).unwrap();
            put(t, "large.bin/mine", b"mine");
        }),
        ("t/link", |t| {
            fs::remove_file(t.join("link")).unwrap();
            fs::create_dir(t.join("link")).unwrap();
        }),
        ("t/small", |t| {
            fs::remove_dir_all(t.join("small")).unwrap();
            put(t, "small", b"mine");
        }),
        ("t/nothing/inside", |t| {
            fs::remove_dir(t.join("nothing/inside")).unwrap();
            put(t, "nothing/inside", b"mine");
        }),
        ("t", |t| {
            fs::remove_dir_all(t).unwrap();
            fs::write(t, b"mine").unwrap();
        }),
    ];
    for (name, change) in changes {
        let (_from, source, dir) = placed();
        change(&dir.path().join("t"));
        let before = snapshot(dir.path());
        for options in [to(dir.path()), by_force(dir.path())] {
            match try_open(&source, options) {
                Err(TargetError::InTheWay { path, .. }) => assert_eq!(path, dir.path().join(name)),
                other => panic!("{name}: {other:?}"),
            }
        }
        assert_eq!(snapshot(dir.path()), before);
    }
}

#[test]
fn planted_links_are_not_followed() {
    let (_from, source) = shared_mixed();
    let (dir, outside) = (tempdir().unwrap(), tempdir().unwrap());
    put(outside.path(), "large.bin", b"precious");
    put(outside.path(), "0.txt", b"precious");
    let before = snapshot(outside.path());
    // In the part, as a folder and as a file.
    let target = open(&source, to(dir.path()));
    fs::create_dir(part(dir.path(), &source)).unwrap();
    symlink(outside.path(), part(dir.path(), &source).join("small")).unwrap();
    symlink(outside.path().join("large.bin"), part(dir.path(), &source).join("large.bin")).unwrap();
    let mut blocked = 0;
    for c in missing(&target) {
        blocked +=
            usize::from(matches!(target.write(c, &chunk(&source, c)), Err(WriteError::Blocked { .. })));
    }
    assert!(blocked >= 2);
    assert!(target.finish().is_err());
    drop(target);
    assert_eq!(snapshot(outside.path()), before);
    // As the part, and as the final folder.
    fs::remove_dir_all(part(dir.path(), &source)).unwrap();
    symlink(outside.path(), part(dir.path(), &source)).unwrap();
    let error = try_open(&source, to(dir.path())).unwrap_err();
    assert!(matches!(error, TargetError::NotOurs { .. }), "{error}");
    fs::rename(part(dir.path(), &source), dir.path().join("t")).unwrap();
    let error = try_open(&source, by_force(dir.path())).unwrap_err();
    assert!(matches!(error, TargetError::InTheWay { .. }), "{error}");
    // As a folder inside of the final folder.
    fs::remove_file(dir.path().join("t")).unwrap();
    fs::create_dir(dir.path().join("t")).unwrap();
    symlink(outside.path(), dir.path().join("t/small")).unwrap();
    let error = try_open(&source, by_force(dir.path())).unwrap_err();
    assert!(matches!(error, TargetError::InTheWay { .. }), "{error}");
    assert_eq!(snapshot(outside.path()), before);
}

#[test]
fn a_hard_link_in_the_part_is_not_written_through() {
    let (_from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    put(dir.path(), "precious", b"precious");
    let target = open(&source, to(dir.path()));
    fs::create_dir(part(dir.path(), &source)).unwrap();
    fs::hard_link(dir.path().join("precious"), part(dir.path(), &source).join("large.bin")).unwrap();
    let c = source.manifest().geometry().chunks_of(file(source.manifest(), "large.bin")).start;
    assert!(matches!(target.write(c, &chunk(&source, c)), Err(WriteError::Blocked { .. })));
    assert_eq!(fs::read(dir.path().join("precious")).unwrap(), b"precious");
}

#[test]
fn a_single_file_in_the_way_is_replaced_only_by_force() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    put(from.path(), "f", &random(100_000, 1));
    put(dir.path(), "f", b"mine");
    let source = share(&from.path().join("f"));
    let error = try_open(&source, to(dir.path())).unwrap_err();
    assert!(matches!(error, TargetError::Exists { count: 1, .. }), "{error}");
    assert_eq!(names(dir.path()), ["f"]);
    // It may also appear while the download is under way.
    fs::rename(dir.path().join("f"), dir.path().join("aside")).unwrap();
    let target = fetched(&source, to(dir.path()));
    fs::rename(dir.path().join("aside"), dir.path().join("f")).unwrap();
    assert!(matches!(target.finish(), Err(TargetError::Exists { .. })));
    assert_eq!(fs::read(dir.path().join("f")).unwrap(), b"mine");
    check_have(&target);
    drop(target);
    let target = open(&source, by_force(dir.path()));
    assert!(target.is_complete());
    target.finish().unwrap();
    assert_eq!(snapshot(dir.path()), snapshot(from.path()));
}

#[test]
fn a_folder_that_appears_meanwhile_is_merged_with() {
    let (from, source) = shared_mixed();
    let dir = tempdir().unwrap();
    let target = fetched(&source, to(dir.path()));
    put(dir.path(), "t/extra", b"mine");
    target.finish().unwrap();
    check_have(&target);
    assert_eq!(fs::read(dir.path().join("t/extra")).unwrap(), b"mine");
    fs::remove_file(dir.path().join("t/extra")).unwrap();
    assert_eq!(snapshot(&dir.path().join("t")), snapshot(&from.path().join("t")));
    assert_eq!(names(dir.path()), ["t"]);
}

#[test]
fn verify_tells_what_is_wrong() {
    let (_from, source, dir) = placed();
    let t = dir.path().join("t");
    fs::remove_file(t.join("small/7.txt")).unwrap();
    File::options().write(true).open(t.join("large.bin")).unwrap().write_all_at(b"!", 9).unwrap();
    put(&t, "extra/a", b"");
    put(&t, "extra/b", b"");
    put(&t, "small/extra", b"");
    let report = compare(&source, &t).unwrap();
    let state = |path: &str| &report.entries[file(source.manifest(), path) as usize];
    assert_eq!(state("small/7.txt"), &EntryState::Missing);
    assert_eq!(state("small/8.txt"), &EntryState::Unsure);
    assert_eq!(state("deep/er/large.bin"), &EntryState::Match);
    assert!(matches!(state("large.bin"), EntryState::Differs { why } if why.contains("contents")));
    let mut extra = report.extra.clone();
    extra.sort();
    assert_eq!(extra, [Path::new("extra"), Path::new("small/extra")]);
    assert!(!report.all_match() && report.extra_count == 2);
    assert!(compare(&source, &dir.path().join("no")).is_err());
}
