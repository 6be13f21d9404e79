//! The state of a download's bytes.

use std::sync::Arc;
use std::time::Duration;

use shoal_content::{ChunkIndex, ChunkSet};
use shoal_engine::StoreEvent;
use shoal_store::{ChunkStore, Target};
use tokio::sync::mpsc;

use crate::fetch::{FetchEvent, FetchHandle};

/// Stored chunks are made durable at least this often.
const SYNC_EVERY: Duration = Duration::from_secs(5);

/// The state of a download's bytes.
pub(super) struct Fetching {
    pub(super) target: Arc<Target>,
    pub(super) streams: FetchHandle,
    pub(super) events: mpsc::Receiver<FetchEvent>,
    lengths: Arc<[u32]>,
    /// What is stored, to tell a chunk that came twice.
    stored: ChunkSet,
    pub(super) total: u64,
    pub(super) done: u64,
    synced: Duration,
    dirty: bool,
    /// One sync at a time: the next one takes what came meanwhile.
    syncing: bool,
}

impl Fetching {
    /// Begins with what the target has already.
    pub(super) fn new(
        now: Duration,
        target: Arc<Target>,
        streams: FetchHandle,
        events: mpsc::Receiver<FetchEvent>,
    ) -> Self {
        let geometry = target.manifest().geometry();
        let lengths: Arc<[u32]> = (0..geometry.chunks()).map(|c| geometry.chunk_len(c)).collect();
        let stored = target.stored();
        let bytes = |set: &ChunkSet| set.ones().map(|c| u64::from(lengths[c])).sum::<u64>();
        let (total, done) = (bytes(&target.wanted()), bytes(&stored));
        Self {
            target,
            streams,
            events,
            lengths,
            stored,
            total,
            done,
            synced: now,
            dirty: false,
            syncing: false,
        }
    }

    /// What the member has to know of it.
    pub(super) fn opened(&self) -> StoreEvent {
        StoreEvent::Opened {
            lengths: self.lengths.clone(),
            wanted: self.target.wanted(),
            stored: self.stored.clone(),
            servable: self.target.have(),
        }
    }

    pub(super) fn synced(&mut self) {
        self.syncing = false;
    }

    /// Bytes of a chunk.
    pub(super) fn length(&self, chunk: ChunkIndex) -> u32 {
        self.lengths.get(chunk as usize).copied().unwrap_or(0)
    }

    /// When stored chunks have to be made durable.
    pub(super) fn next_sync(&self) -> Option<Duration> {
        (self.dirty && !self.syncing).then_some(self.synced + SYNC_EVERY)
    }

    pub(super) fn begin_sync_if_due(&mut self, now: Duration) -> bool {
        let due = now >= self.synced + SYNC_EVERY || self.target.should_sync();
        let due = due && self.dirty && !self.syncing;
        if due {
            (self.synced, self.dirty, self.syncing) = (now, false, true);
        }
        due
    }

    /// Counts a chunk; returns whether it was here already.
    pub(super) fn count(&mut self, chunk: ChunkIndex, bytes: u64) -> bool {
        let duplicate = self.stored.put(chunk as usize);
        if !duplicate {
            self.done += bytes;
            self.dirty = true;
        }
        duplicate
    }
}
