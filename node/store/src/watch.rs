//! Progress of reading files on disk, and whether to stop it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How far a look at what lies on disk is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanProgress {
    /// Bytes that have been looked at.
    pub bytes_done: u64,
    /// Bytes to look at in all, as far as is known by now. It grows when more is found to look at.
    pub bytes_total: u64,
}

/// The caller asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cancelled;

/// Progress and cancellation of reading files, shared by all threads that read.
pub(crate) struct Watch<'a> {
    progress: &'a (dyn Fn(ScanProgress) + Sync),
    cancel: &'a AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(progress: &'a (dyn Fn(ScanProgress) + Sync), cancel: &'a AtomicBool) -> Self {
        Self { progress, cancel, done: AtomicU64::new(0), total: AtomicU64::new(0) }
    }

    /// The flag that stops it.
    pub(crate) fn cancel(&self) -> &'a AtomicBool {
        self.cancel
    }

    /// Fails if it is to stop.
    pub(crate) fn check(&self) -> Result<(), Cancelled> {
        if self.cancel.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(()) }
    }

    /// So many bytes more are to be looked at.
    pub(crate) fn expect(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    /// So many bytes have been looked at. Fails if it is to stop.
    pub(crate) fn did(&self, bytes: u64) -> Result<(), Cancelled> {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
        self.check()
    }

    fn tell(&self) {
        // In this order, so that no more is done than there is in all.
        let bytes_done = self.done.load(Ordering::Relaxed);
        (self.progress)(ScanProgress { bytes_done, bytes_total: self.total.load(Ordering::Relaxed) });
    }
}
