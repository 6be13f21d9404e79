//! What an import makes of a tree.

mod caching;
mod names;
mod saved;
mod serving;

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use shoal_content::{ChunkEntry, Chunker, EntryKind, Hash, Manifest, Shape, segments};
use tempfile::tempdir;

use super::*;
use crate::ChunkStore;
use crate::testing::{SMALL, chmod, mixed, options, put, random, run};

fn paths(manifest: &Manifest) -> Vec<&str> {
    manifest.entries().iter().map(|e| e.path.as_str()).collect()
}

fn imported(path: &Path) -> Imported {
    run(&options(path)).unwrap()
}

/// What the chunk table must be, the slow way.
fn reference(manifest: &Manifest, base: &Path, chunker: Chunker) -> Vec<ChunkEntry> {
    let sizes: Vec<u64> = manifest.entries().iter().map(|e| e.size).collect();
    let mut all = Vec::new();
    for run in segments(&sizes) {
        let with_bytes = manifest.entries()[run].iter().filter(|e| e.size > 0);
        let bytes: Vec<u8> = with_bytes.flat_map(|e| fs::read(base.join(e.path.as_str())).unwrap()).collect();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(chunker.cut(rest));
            all.push(ChunkEntry { hash: Hash::of(chunk), length: chunk.len() as u32 });
            rest = after;
        }
    }
    all
}

#[test]
fn the_same_tree_has_the_same_id_anywhere() {
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    mixed(&a.path().join("t"));
    mixed(&b.path().join("else/where/t"));
    let (a, b) = (imported(&a.path().join("t")), imported(&b.path().join("else/where/t")));
    assert_eq!(a.source.manifest().id(), b.source.manifest().id());
    assert!(a.skipped.count == 0 && !a.from_cache);
}

#[test]
fn the_table_is_what_a_naive_reader_would_make() {
    let dir = tempdir().unwrap();
    mixed(dir.path());
    // Longer than all buffers together at these sizes would be slow; several windows are enough.
    put(dir.path(), "z/huge", &random(30 << 20, 9));
    for chunker in [SMALL, Chunker::Fixed { size: 100_000 }, Chunker::for_size(0)] {
        let import = run(&ImportOptions { chunker: Some(chunker), ..options(dir.path()) }).unwrap();
        let manifest = import.source.manifest();
        assert_eq!(manifest.chunks(), reference(manifest, dir.path(), chunker), "{chunker}");
    }
}

#[test]
fn every_kind_of_entry_is_kept() {
    let dir = tempdir().unwrap();
    mixed(dir.path());
    let import = imported(dir.path());
    let manifest = import.source.manifest();
    let kind = |path: &str| &manifest.entries().iter().find(|e| e.path.as_str() == path).unwrap().kind;
    assert_eq!(kind("bin/run"), &EntryKind::File { executable: true });
    assert_eq!(kind("empty"), &EntryKind::File { executable: false });
    assert_eq!(kind("名前/имя"), &EntryKind::File { executable: false });
    assert_eq!(kind("nothing/inside"), &EntryKind::Folder);
    assert!(matches!(kind("bin/up"), EntryKind::Link(target) if target.as_str() == "../large.bin"));
    assert!(!paths(manifest).contains(&"nothing") && !paths(manifest).contains(&"bin"));
}

#[test]
fn what_only_its_owner_may_read_is_marked() {
    let dir = tempdir().unwrap();
    let base = dir.path().join("t");
    let private = || {
        let import = imported(&base);
        let manifest = import.source.manifest();
        let marked = manifest.entries().iter().filter(|e| e.private).map(|e| e.path.to_string()).collect();
        (manifest.root().private, marked)
    };
    for path in ["a/f", "a/g", "b/f"] {
        put(&base, path, b"x");
        chmod(&base.join(path), 0o644);
    }
    symlink("a/f", base.join("link")).unwrap();
    fs::create_dir(base.join("c")).unwrap();
    ["", "a", "b", "c"].iter().for_each(|folder| chmod(&base.join(folder), 0o755));
    assert_eq!(private(), (false, vec![]));
    let changes: [(&str, u32, bool); 7] = [
        ("a/f", 0o600, true),
        ("a/f", 0o640, false),
        ("a/f", 0o604, false),
        ("a/f", 0o711, true),
        ("b", 0o700, true),
        ("c", 0o700, true),
        ("c", 0o755, false),
    ];
    let mut want = std::collections::BTreeSet::new();
    for (path, mode, marked) in changes {
        chmod(&base.join(path), mode);
        if marked {
            want.insert(path.to_owned())
        } else {
            want.remove(path)
        };
        assert_eq!(private(), (false, want.iter().cloned().collect::<Vec<_>>()), "{path} {mode:o}");
    }
    chmod(&base, 0o700);
    assert!(private().0);
    // Several paths as one folder, which stands for the one that they lie in.
    let several = |mode| {
        chmod(&base, mode);
        let options = ImportOptions { paths: vec![base.join("a"), base.join("b")], ..options(&base) };
        run(&options).unwrap().source.manifest().root().private
    };
    assert!(several(0o700) && !several(0o755));
}

#[test]
fn a_single_file_and_a_link_to_it_are_the_same_content() {
    let dir = tempdir().unwrap();
    put(dir.path(), "f.bin", &random(100_000, 1));
    symlink("f.bin", dir.path().join("link")).unwrap();
    let import = imported(&dir.path().join("f.bin"));
    let manifest = import.source.manifest();
    assert_eq!((manifest.root().shape, paths(manifest)), (Shape::File, vec!["f.bin"]));
    assert_eq!(imported(&dir.path().join("link")).source.manifest().id(), manifest.id());
    let named = ImportOptions { name: Some("other".into()), ..options(&dir.path().join("f.bin")) };
    assert_eq!(paths(run(&named).unwrap().source.manifest()), ["other"]);
}

#[test]
fn an_empty_folder_and_an_empty_file_can_be_shared() {
    let dir = tempdir().unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    put(dir.path(), "f", b"");
    let import = imported(&dir.path().join("d"));
    assert_eq!((import.source.manifest().entries().len(), import.source.have().len()), (0, 0));
    assert_eq!(imported(&dir.path().join("f")).source.manifest().chunks(), []);
}

#[test]
fn what_cannot_be_shared_is_skipped_and_named() {
    let dir = tempdir().unwrap();
    let base = dir.path().join("t");
    put(&base, "f", b"x");
    fs::create_dir(base.join("hollow")).unwrap();
    symlink("/etc/passwd", base.join("absolute")).unwrap();
    symlink("../../x", base.join("hollow/outside")).unwrap();
    let _socket = UnixListener::bind(base.join("socket")).unwrap();
    let import = imported(&base);
    assert_eq!(paths(import.source.manifest()), ["f", "hollow"]);
    let mut names: Vec<_> =
        import.skipped.named.iter().map(|s| s.path.file_name().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["absolute", "outside", "socket"]);
    assert!(import.skipped.named.iter().any(|s| s.why == SkipReason::Special("a socket")));
}

#[test]
fn links_to_folders_are_kept_and_not_walked() {
    let dir = tempdir().unwrap();
    put(dir.path(), "d/f", b"x");
    symlink("d", dir.path().join("l")).unwrap();
    assert_eq!(paths(imported(dir.path()).source.manifest()), ["d/f", "l"]);
}

#[test]
fn several_paths_are_a_folder() {
    let dir = tempdir().unwrap();
    let base = dir.path().join("parent");
    put(&base, "b/x/y", &random(50_000, 1));
    put(&base, "a.txt", b"a");
    put(&base, "not this", b"");
    fs::create_dir(base.join("c")).unwrap();
    let all = |paths: &[&str], name: Option<&str>| {
        let paths = paths.iter().map(|p| base.join(p)).collect();
        run(&ImportOptions { paths, name: name.map(str::to_owned), ..options(&base) })
    };
    let import = all(&["b", "a.txt", "c/."], None).unwrap();
    assert_eq!(paths(import.source.manifest()), ["a.txt", "b/x/y", "c"]);
    assert_eq!(import.source.manifest().name().as_str(), "parent");
    let mut bytes = Vec::new();
    for chunk in 0..import.source.manifest().geometry().chunks() {
        import.source.read(chunk, &mut bytes).unwrap();
    }
    assert!(matches!(all(&["a.txt", "b/x"], None), Err(ImportError::NameNeeded)));
    let named = all(&["a.txt", "b/x"], Some("both")).unwrap();
    assert_eq!(paths(named.source.manifest()), ["a.txt", "x/y"]);
    assert!(matches!(all(&["a.txt", "b/../a.txt"], Some("n")), Err(ImportError::SameName(..))));
    assert!(matches!(all(&[], None), Err(ImportError::Nothing)));
}

#[test]
fn dots_at_the_end_find_the_real_name() {
    let dir = tempdir().unwrap();
    put(dir.path(), "t/d/f", b"x");
    for path in ["t", "t/.", "t/d/..", "t/"] {
        assert_eq!(imported(&dir.path().join(path)).source.manifest().name().as_str(), "t", "{path}");
    }
}

#[test]
fn bad_paths_and_names_get_the_error_that_fits() {
    let dir = tempdir().unwrap();
    put(dir.path(), "t/x", b"");
    assert!(matches!(run(&options(&dir.path().join("no"))), Err(ImportError::NotFound(_))));
    assert!(matches!(run(&options(&dir.path().join("t/x/y"))), Err(ImportError::NotFound(_))));
    let named = ImportOptions { name: Some("a/b".into()), ..options(&dir.path().join("t")) };
    assert!(matches!(run(&named), Err(ImportError::Name { .. })));
    assert!(matches!(run(&options(Path::new("/dev/null"))), Err(ImportError::NotShareable(_))));
}

#[test]
fn a_sparse_file_has_the_chunks_of_a_plain_one() {
    let (sparse, plain) = (tempdir().unwrap(), tempdir().unwrap());
    let (size, data) =
        (2_000_000u64, [(0u64, 5000usize), (500_000, 70_000), (1_234_567, 1), (1_900_000, 30_000)]);
    let file = File::create(sparse.path().join("f")).unwrap();
    file.set_len(size).unwrap();
    for (at, len) in data {
        file.write_all_at(&random(len, at), at).unwrap();
    }
    put(plain.path(), "f", &fs::read(sparse.path().join("f")).unwrap());
    for chunker in [SMALL, Chunker::Fixed { size: 50_000 }] {
        let [a, b] = [&sparse, &plain].map(|dir| {
            let import =
                run(&ImportOptions { chunker: Some(chunker), ..options(&dir.path().join("f")) }).unwrap();
            import.source.manifest().clone()
        });
        assert_eq!(a.chunks(), b.chunks(), "{chunker}");
    }
}

#[test]
fn a_huge_hole_is_not_read() {
    let dir = tempdir().unwrap();
    let file = File::create(dir.path().join("f")).unwrap();
    // Reading this, or looking for cuts in its zeros one by one, would take many minutes.
    file.set_len(1 << 40).unwrap();
    file.write_all_at(b"x", (1 << 40) - 1).unwrap();
    let import = run(&ImportOptions { chunker: None, ..options(&dir.path().join("f")) }).unwrap();
    let chunks = import.source.manifest().chunks();
    assert_eq!(chunks.len(), 1 << 18);
    assert!(chunks[..(1 << 18) - 1].iter().all(|c| c == &chunks[0]));
    assert_ne!(chunks.last(), chunks.first());
}

#[test]
fn many_small_files_make_few_chunks() {
    let dir = tempdir().unwrap();
    for n in 0..2000u64 {
        put(dir.path(), &format!("{}/{n}", n % 10), &random(100, n));
    }
    let import = imported(dir.path());
    let manifest = import.source.manifest();
    assert_eq!(manifest.chunks(), reference(manifest, dir.path(), SMALL));
    assert!(manifest.chunks().len() <= 200_000 / (16 << 10) + 1, "{}", manifest.chunks().len());
}

#[test]
fn progress_ends_at_the_total_and_cancel_stops() {
    let dir = tempdir().unwrap();
    mixed(dir.path());
    let last = Mutex::new(None);
    let import =
        import(&options(dir.path()), &|p| *last.lock().unwrap() = Some(p), &AtomicBool::new(false)).unwrap();
    let size = import.source.manifest().root().size;
    let want = ImportProgress { files: 46, bytes_done: size, bytes_total: size };
    assert_eq!(*last.lock().unwrap(), Some(want));
    let cancel = AtomicBool::new(false);
    let stop = |_| cancel.store(true, Ordering::Relaxed);
    assert!(matches!(super::import(&options(dir.path()), &stop, &cancel), Err(ImportError::Cancelled)));
}

#[test]
fn a_file_that_changes_meanwhile_makes_it_fail() {
    let dir = tempdir().unwrap();
    for name in ["a", "b"] {
        put(dir.path(), name, &random(20 << 20, 1));
    }
    // The first report comes after a part of `a`; then `b` grows, shrinks, goes, or is replaced.
    type Change = fn(&Path);
    let changes: [Change; 4] = [
        |b| File::options().write(true).open(b).unwrap().set_len((20 << 20) + 1).unwrap(),
        |b| File::options().write(true).open(b).unwrap().set_len(5).unwrap(),
        |b| fs::remove_file(b).unwrap(),
        |b| {
            fs::write(b.with_extension("new"), random(20 << 20, 1)).unwrap();
            fs::rename(b.with_extension("new"), b).unwrap();
        },
    ];
    for (n, change) in changes.into_iter().enumerate() {
        put(dir.path(), "b", &random(20 << 20, 1));
        let done = AtomicBool::new(false);
        let once = |_| {
            if !done.swap(true, Ordering::Relaxed) {
                change(&dir.path().join("b"));
            }
        };
        match import(&options(dir.path()), &once, &AtomicBool::new(false)) {
            Err(ImportError::Changed { path }) => assert_eq!(path, dir.path().join("b")),
            other => panic!("change {n}: {other:?}"),
        }
    }
}
