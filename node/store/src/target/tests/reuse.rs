//! Chunks that are taken from elsewhere on the same disk.

use shoal_content::Chunker;

use super::*;
use crate::testing::SMALL;
use crate::{HoldingGuard, Holdings, ImportError};

const FIXED: Chunker = Chunker::Fixed { size: 32 << 10 };

/// The first version of a folder: three large files and small ones.
fn first_version(t: &Path) {
    mixed(t);
    put(t, "stays.bin", &random(400_001, 11));
    put(t, "moves.bin", &random(500_000, 12));
    put(t, "grows.bin", &random(600_000, 13));
    put(t, "edited.bin", &random(700_000, 14));
}

/// The second one: a file is edited in the middle, one has bytes inserted at its front, one has another name.
fn second_version(t: &Path) {
    first_version(t);
    fs::rename(t.join("moves.bin"), t.join("deep/moved.bin")).unwrap();
    put(t, "grows.bin", &[&b"inserted"[..], &random(600_000, 13)].concat());
    let edited = File::options().write(true).open(t.join("edited.bin")).unwrap();
    edited.write_all_at(b"edited", 350_000).unwrap();
    put(t, "new.bin", &random(50_000, 15));
}

/// Both versions, each in a folder `t`, and the second one as a source.
fn versions(chunker: Chunker) -> (TempDir, TempDir, Source) {
    let (old, new) = (tempdir().unwrap(), tempdir().unwrap());
    first_version(&old.path().join("t"));
    second_version(&new.path().join("t"));
    let source = share_by(&new.path().join("t"), chunker);
    (old, new, source)
}

fn share_by(path: &Path, chunker: Chunker) -> Source {
    run(&ImportOptions { chunker: Some(chunker), ..options(path) }).unwrap().source
}

fn from_paths(dir: &Path, paths: &[PathBuf]) -> TargetOptions {
    TargetOptions { reuse: Reuse { paths: paths.to_vec(), ..Reuse::default() }, ..to(dir) }
}

pub(super) fn from_store(dir: &Path, store: Arc<dyn ChunkStore>) -> (TargetOptions, HoldingGuard) {
    let holdings = Holdings::default();
    let guard = holdings.add(store);
    (TargetOptions { reuse: Reuse { holdings, ..Reuse::default() }, ..to(dir) }, guard)
}

/// Bytes of the chunks that are missing.
fn missing_bytes(target: &Target) -> u64 {
    missing(target).iter().map(|c| u64::from(target.manifest().chunks()[*c as usize].length)).sum()
}

/// What is missing, told and reused add up, and the whole can be fetched and placed.
fn complete(source: &Source, target: &Target, dir: &Path, new: &Path) {
    let report = target.report();
    assert_eq!(report.wanted_bytes - report.found_bytes - report.reused_bytes, missing_bytes(target));
    check_have(target);
    fetch(source, target);
    target.finish().unwrap();
    assert_eq!(snapshot(&dir.join("t")), snapshot(&new.join("t")));
    assert_eq!(names(dir), ["t"]);
}

#[test]
fn an_older_folder_gives_all_that_did_not_change() {
    // With a fixed size, an insertion moves the rest of its file: all of it is new.
    for (chunker, new_bytes) in [(SMALL, 300_000), (FIXED, 800_000)] {
        let (old, new, source) = versions(chunker);
        let dir = tempdir().unwrap();
        let before = snapshot(old.path());
        let target = open(&source, from_paths(dir.path(), &[old.path().join("t")]));
        assert!((56_000..new_bytes).contains(&missing_bytes(&target)), "{}", missing_bytes(&target));
        complete(&source, &target, dir.path(), new.path());
        assert_eq!(snapshot(old.path()), before);
    }
}

#[test]
fn a_single_file_may_be_reused_whatever_it_is_called() {
    let (old, new, source) = versions(SMALL);
    let dir = tempdir().unwrap();
    let one = old.path().join("anything");
    fs::rename(old.path().join("t/moves.bin"), &one).unwrap();
    let target = open(&source, from_paths(dir.path(), &[one]));
    assert_eq!(target.report().reused_bytes, 500_000);
    complete(&source, &target, dir.path(), new.path());
}

#[test]
fn a_content_at_hand_gives_what_it_has() {
    let (old, new, source) = versions(SMALL);
    let first = Arc::new(share(&old.path().join("t")));
    // From where it is shared, from a download that is complete, and from one that is under way.
    let (elsewhere, half) = (tempdir().unwrap(), tempdir().unwrap());
    let placed = open(&first, to(elsewhere.path()));
    fetch(&first, &placed);
    placed.finish().unwrap();
    let under_way = open(&first, to(half.path()));
    let some = missing(&under_way);
    for c in &some[..some.len() / 2] {
        under_way.write(*c, &chunk(&first, *c)).unwrap();
    }
    let stores: [(Arc<dyn ChunkStore>, bool); 3] =
        [(first, true), (Arc::new(placed), true), (Arc::new(under_way), false)];
    for (store, is_whole) in stores {
        let dir = tempdir().unwrap();
        let (options, _guard) = from_store(dir.path(), store);
        let target = open(&source, options);
        assert_eq!(missing_bytes(&target) < 300_000, is_whole);
        assert!(target.report().reused_bytes > 200_000);
        complete(&source, &target, dir.path(), new.path());
    }
}

#[test]
fn what_was_taken_is_in_the_journal() {
    let (old, new, source) = versions(SMALL);
    let dir = tempdir().unwrap();
    let target = open(&source, from_paths(dir.path(), &[old.path().join("t")]));
    let (stored, reused) = (target.stored(), target.report().reused_bytes);
    drop(target);
    fs::remove_dir_all(old.path().join("t")).unwrap();
    let target = open(&source, to(dir.path()));
    assert_eq!((target.report().found_bytes, target.report().reused_bytes), (reused, 0));
    assert_eq!((target.stored(), target.report().damaged_chunks), (stored, 0), "each was hashed");
    complete(&source, &target, dir.path(), new.path());
}

#[test]
fn force_takes_from_the_files_that_it_replaces_at_the_end() {
    let (old, new, source) = versions(SMALL);
    let t = old.path().join("t");
    fs::rename(t.join("moves.bin"), t.join("deep/moved.bin")).unwrap();
    let before = snapshot(&t);
    assert!(matches!(try_open(&source, to(old.path())), Err(TargetError::Exists { .. })));
    let target = open(&source, by_force(old.path()));
    assert!(target.report().reused_bytes > 1_000_000, "of the two large files that differ");
    assert!(missing_bytes(&target) < 300_000, "{}", missing_bytes(&target));
    fetch(&source, &target);
    assert_eq!(snapshot(&t), before, "until the end");
    target.finish().unwrap();
    assert_eq!(snapshot(&t), snapshot(&new.path().join("t")));
    assert_eq!(names(old.path()), ["t"]);
}

#[test]
fn a_path_that_leads_nowhere_is_refused_before_anything_is_made() {
    let (old, _new, source) = versions(SMALL);
    let dir = tempdir().unwrap();
    let gone = old.path().join("gone");
    match try_open(&source, from_paths(&dir.path().join("to"), std::slice::from_ref(&gone))) {
        Err(TargetError::Reuse { path, source: ImportError::NotFound(_) }) => assert_eq!(path, gone),
        other => panic!("{other:?}"),
    }
    assert!(names(dir.path()).is_empty());
}

#[test]
fn chunks_that_occur_often_and_holes_are_taken_too() {
    let (old, new, dir) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    put(old.path(), "t/a", &random(300_000, 1));
    put(new.path(), "t/a", &random(300_000, 1));
    put(new.path(), "t/b", &random(300_000, 1));
    for t in [&old, &new] {
        let file = File::create(t.path().join("t/sparse")).unwrap();
        file.write_all_at(&random(200_000, 2), 0).unwrap();
        file.write_all_at(&random(200_000, 3), 20 << 20).unwrap();
        file.set_len(30 << 20).unwrap();
    }
    let source = share(&new.path().join("t"));
    let target = open(&source, from_paths(dir.path(), &[old.path().join("t")]));
    assert!(target.is_complete());
    target.finish().unwrap();
    assert_eq!(snapshot(dir.path()), snapshot(new.path()));
    let meta = dir.path().join("t/sparse").metadata().unwrap();
    assert!(meta.blocks() * 512 < 2 << 20, "{} blocks", meta.blocks());
}

#[test]
fn whole_chunks_beside_a_file_that_is_missing_are_not_fetched() {
    let (from, dir) = (tempdir().unwrap(), tempdir().unwrap());
    for n in 0..100 {
        put(from.path(), &format!("t/{n:02}"), &random(3001, n));
    }
    let source = share(&from.path().join("t"));
    open(&source, to(dir.path()));
    let target = open(&source, to(dir.path()));
    fetch(&source, &target);
    target.finish().unwrap();
    fs::remove_file(dir.path().join("t/50")).unwrap();
    let target = open(&source, to(dir.path()));
    // The chunks beside share files with the one that has the missing file; those files cannot be judged.
    let lacks = source.manifest().geometry().chunks_of(file(source.manifest(), "50"));
    assert_eq!(missing(&target), lacks.collect::<Vec<_>>());
    assert!(target.report().reused_bytes > 0);
    complete(&source, &target, dir.path(), from.path());
}
