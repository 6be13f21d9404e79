//! Opening a target: what lies on the disk is looked at on a thread that may block.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use shoal_content::Manifest;
use shoal_store::{ScanProgress, Target, TargetError, TargetOptions};

/// A target that is being opened. Dropping this stops that.
#[derive(Default)]
pub(super) struct Opening {
    began: Duration,
    scan: Arc<Scan>,
}

#[derive(Default)]
struct Scan {
    bytes_done: AtomicU64,
    bytes_total: AtomicU64,
    cancel: AtomicBool,
}

impl Opening {
    /// Begins to open a target: by the work that is returned, for a thread that may block.
    pub(super) fn begin(
        now: Duration,
        manifest: Arc<Manifest>,
        options: TargetOptions,
    ) -> (Self, impl FnOnce() -> Result<Target, TargetError> + Send + 'static) {
        let opening = Self { began: now, scan: Arc::default() };
        let scan = opening.scan.clone();
        let work = move || Target::open(manifest, options, &|look| scan.note(look), &scan.cancel);
        (opening, work)
    }

    /// When it began.
    pub(super) fn began(&self) -> Duration {
        self.began
    }

    /// How far it is.
    pub(super) fn progress(&self) -> ScanProgress {
        let bytes_done = self.scan.bytes_done.load(Ordering::Relaxed);
        ScanProgress { bytes_done, bytes_total: self.scan.bytes_total.load(Ordering::Relaxed) }
    }
}

impl Scan {
    /// Several threads tell, so the farthest counts.
    fn note(&self, look: ScanProgress) {
        self.bytes_total.fetch_max(look.bytes_total, Ordering::Relaxed);
        self.bytes_done.fetch_max(look.bytes_done, Ordering::Relaxed);
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.scan.cancel.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use shoal_store::{ChunkStore, ImportOptions, Reuse, Selection, import};

    use super::*;

    #[test]
    fn it_tells_how_far_it_is_and_dropping_it_stops_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, vec![7; 300_000]).unwrap();
        let options =
            ImportOptions { paths: vec![file], name: None, chunker: None, cache: None, skip_unsafe: false };
        let manifest = import(&options, &|_| {}, &AtomicBool::new(false)).unwrap().source.manifest().clone();
        let to = || TargetOptions {
            dir: dir.path().to_owned(),
            force: false,
            selection: Selection::default(),
            reuse: Reuse::default(),
        };
        let (opening, work) = Opening::begin(Duration::ZERO, manifest.clone(), to());
        assert!(work().is_ok_and(|target| target.is_complete()));
        assert_eq!(opening.progress(), ScanProgress { bytes_done: 300_000, bytes_total: 300_000 });
        let (opening, work) = Opening::begin(Duration::ZERO, manifest, to());
        drop(opening);
        assert!(matches!(work(), Err(TargetError::Cancelled)));
    }
}
