//! The look at what lies on disk: how far it is, and that it can be stopped.

use std::sync::atomic::Ordering;

use super::*;
use crate::ScanProgress;

/// One file of many chunks, and its source.
fn large() -> (TempDir, Source) {
    let from = tempdir().unwrap();
    put(from.path(), "t/large.bin", &random(3 << 20, 1));
    let source = share(&from.path().join("t"));
    (from, source)
}

/// What a look told, in any order.
#[derive(Default)]
struct Told(Mutex<Vec<ScanProgress>>);

impl Told {
    fn hear(&self, progress: ScanProgress) {
        assert!(progress.bytes_done <= progress.bytes_total, "{progress:?}");
        lock(&self.0).push(progress);
    }

    fn last(&self) -> ScanProgress {
        lock(&self.0).iter().copied().max_by_key(|p| (p.bytes_total, p.bytes_done)).unwrap_or_default()
    }
}

/// Looks once to the end, and once until the first bytes have been looked at. Returns what the first look made.
fn to_the_end_and_stopped<T, E>(
    bytes: u64,
    look: impl Fn(&(dyn Fn(ScanProgress) + Sync), &AtomicBool) -> Result<T, E>,
    is_cancelled: impl Fn(&E) -> bool,
) {
    let (told, stop) = (Told::default(), AtomicBool::new(false));
    let stopped = look(
        &|progress| {
            told.hear(progress);
            stop.store(progress.bytes_done > 0, Ordering::Relaxed);
        },
        &stop,
    );
    assert!(stopped.is_err_and(|error| is_cancelled(&error)));
    assert!(told.last().bytes_total <= bytes);
    assert!(told.last().bytes_done < bytes, "it went on");
    let told = Told::default();
    assert!(look(&|progress| told.hear(progress), &AtomicBool::new(false)).is_ok());
    assert_eq!(told.last(), ScanProgress { bytes_done: bytes, bytes_total: bytes });
}

#[test]
fn a_part_of_an_earlier_run() {
    let (from, source) = large();
    let dir = tempdir().unwrap();
    let target = open(&source, to(dir.path()));
    let missing = missing(&target);
    for c in &missing[..missing.len() / 2] {
        target.write(*c, &chunk(&source, *c)).unwrap();
    }
    let (stored, before) = (target.stored(), snapshot(dir.path()));
    drop(target);
    let bytes = stored.ones().map(|c| u64::from(source.manifest().chunks()[c].length)).sum();
    to_the_end_and_stopped(
        bytes,
        |progress, cancel| {
            assert_eq!(snapshot(dir.path()), before, "a look that was stopped changes nothing");
            Target::open(source.manifest().clone(), to(dir.path()), progress, cancel)
        },
        |error| matches!(error, TargetError::Cancelled),
    );
    let target = open(&source, to(dir.path()));
    assert_eq!(target.stored(), stored);
    fetch(&source, &target);
    target.finish().unwrap();
    assert_eq!(snapshot(dir.path()), snapshot(from.path()));
}

#[test]
fn files_in_place() {
    let (from, source) = large();
    let bytes = source.manifest().root().size;
    to_the_end_and_stopped(
        bytes,
        |progress, cancel| Target::open(source.manifest().clone(), to(from.path()), progress, cancel),
        |error| matches!(error, TargetError::Cancelled),
    );
    to_the_end_and_stopped(
        bytes,
        |progress, cancel| verify(source.manifest(), &from.path().join("t"), progress, cancel),
        |error| matches!(error, VerifyError::Cancelled),
    );
}

#[test]
fn an_older_version() {
    let (from, source) = large();
    let bytes = source.manifest().root().size;
    let dir = tempdir().unwrap();
    let reuse = || Reuse { paths: vec![from.path().join("t")], ..Reuse::default() };
    // It is cut, and then taken.
    to_the_end_and_stopped(
        2 * bytes,
        |progress, cancel| {
            let options = TargetOptions { reuse: reuse(), ..to(dir.path()) };
            Target::open(source.manifest().clone(), options, progress, cancel)
        },
        |error| matches!(error, TargetError::Cancelled),
    );
    let target = open(&source, to(dir.path()));
    assert!(target.is_complete());
}

#[test]
fn what_was_taken_before_a_stop_is_kept() {
    let (from, source) = large();
    let bytes = source.manifest().root().size;
    let dir = tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let reuse = Reuse { paths: vec![from.path().join("t")], ..Reuse::default() };
    let stopped = Target::open(
        source.manifest().clone(),
        TargetOptions { reuse, ..to(dir.path()) },
        &|progress| stop.store(progress.bytes_done > bytes + bytes / 2, Ordering::Relaxed),
        &stop,
    );
    assert!(matches!(stopped, Err(TargetError::Cancelled)));
    let found = open(&source, to(dir.path())).report().found_bytes;
    assert!((bytes / 2..bytes).contains(&found), "{found} of {bytes}");
}
