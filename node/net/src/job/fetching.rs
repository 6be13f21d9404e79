//! The bytes of a content that is fetched: opening the target, what streams bring, syncing, the final place.

use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use shoal_content::{ChunkIndex, Manifest};
use shoal_engine::{MemberInput, StoreEvent, StreamEvent};
use shoal_store::{ChunkStore, Placed, Reuse, Target, TargetError, TargetOptions};
use tokio::sync::mpsc;

use super::bytes::Fetching;
use super::done::Done;
use super::intent::Intent;
use super::opening::Opening;
use super::state::{Job, Stage};
use super::{ContentEvent, Failure, Finished};
use crate::activity::ActivityKind;
use crate::fetch::FetchEvent;

/// How long to wait before opening or finishing is tried again on a disk that takes nothing; longer where a try takes
/// longer.
const DISK_AGAIN: Duration = Duration::from_secs(2);
/// Fetch events that may wait for the job; streams wait when it is full.
const FETCH_EVENTS: usize = 256;

impl Job {
    pub(super) fn learn_manifest(&mut self, manifest: Arc<Manifest>) {
        let root = manifest.root();
        self.report.manifest(root.name.as_str(), root.size);
        self.report.event(ContentEvent::Manifest {
            name: root.name.to_string(),
            size: root.size,
            files: root.files,
        });
        self.manifest = Some(manifest);
    }

    pub(super) fn manifest_known(&mut self, manifest: Arc<Manifest>) {
        self.learn_manifest(manifest.clone());
        self.open(manifest);
    }

    fn open(&mut self, manifest: Arc<Manifest>) {
        self.stage = Stage::Opening(Opening::default(), None);
        let Intent::Fetch(options) = &self.intent else {
            let finished = Finished { path: std::path::PathBuf::new(), already_there: false, manifest };
            return self.finished(Ok(finished));
        };
        let selection = match options.include.choose(&manifest) {
            Ok(selection) => selection,
            Err(error) => return self.fail(error.into()),
        };
        let holdings = self.parts.library.holdings().clone();
        let reuse = Reuse { paths: options.reuse.clone(), cache: options.cache.clone(), holdings };
        let options = TargetOptions { dir: options.dir.clone(), force: options.force, selection, reuse };
        let (opening, open) = Opening::begin(self.parts.clock.now(), manifest, options);
        self.stage = Stage::Opening(opening, None);
        self.tasks.spawn_blocking(move || Done::Opened(open().map(Arc::new)));
    }

    pub(super) fn opened(&mut self, target: Arc<Target>) {
        self.note_scan();
        self.report.unblocked();
        self.report.opened(&target.report());
        let (sender, events) = mpsc::channel(FETCH_EVENTS);
        let streams = self.parts.streams.attach(self.content, target.clone(), sender);
        self.serve_from(target.clone());
        let fetching = Fetching::new(self.parts.clock.now(), target, streams, events);
        let opened = fetching.opened();
        self.stage = Stage::Fetching(Box::new(fetching));
        self.report.stir();
        self.tell(MemberInput::Store(opened));
    }

    /// A disk that takes nothing now is tried again, at the start as later.
    pub(super) fn not_opened(&mut self, error: TargetError) {
        let now = self.parts.clock.now();
        match &mut self.stage {
            Stage::Opening(opening, again) if error.may_pass() => {
                // What is there may have been hashed in vain, which must not keep the disk busy for ever.
                *again = Some(now + DISK_AGAIN.max(now.saturating_sub(opening.began())));
                self.report.blocked(&error);
            }
            _ => self.fail(error.into()),
        }
    }

    pub(super) fn open_again_if_due(&mut self, now: Duration) {
        if let (Stage::Opening(_, Some(at)), Some(manifest)) = (&self.stage, &self.manifest)
            && *at <= now
        {
            self.open(manifest.clone());
        }
    }

    /// From now on chunks can be asked of this node.
    pub(super) fn serve_from(&mut self, store: Arc<dyn ChunkStore>) {
        self.shelf.set_store(store.clone());
        self.store = Some(store);
    }

    pub(super) fn on_fetch_event(&mut self, event: FetchEvent) {
        self.report.stir();
        let stream = |peer, event| MemberInput::Stream { peer, event };
        let input = match event {
            FetchEvent::Opened { peer } => stream(peer, StreamEvent::Opened),
            FetchEvent::OpenFailed { peer, error } => {
                tracing::debug!(%peer, %error, "cannot open a chunk stream");
                stream(peer, StreamEvent::Failed)
            }
            FetchEvent::Lost { peer, error } => {
                tracing::debug!(%peer, %error, "chunk stream lost");
                stream(peer, StreamEvent::Lost)
            }
            FetchEvent::Progress { peer, bytes } => {
                let now = self.parts.clock.now();
                self.account.came(now);
                self.report.came(now, bytes);
                stream(peer, StreamEvent::Progress { bytes })
            }
            FetchEvent::Begun { peer, id, chunk, queued } => {
                stream(peer, StreamEvent::Begun { id, chunk, queued })
            }
            FetchEvent::Stored { peer, id, chunk, len, complete } => {
                self.count(peer, chunk, len);
                stream(peer, StreamEvent::Stored { id, chunk, servable: complete })
            }
            FetchEvent::Corrupt { peer, id, chunk } => {
                self.shelf.traffic.corrupt(peer);
                self.note(Some(peer), || ActivityKind::ChunkRejected { chunk });
                stream(peer, StreamEvent::Corrupt { id, chunk })
            }
            FetchEvent::Refused { peer, id, why } => stream(peer, StreamEvent::Refused { id, why }),
            FetchEvent::Blocked { error } => {
                self.report.blocked(&error);
                MemberInput::Store(StoreEvent::Blocked)
            }
            FetchEvent::Unblocked => {
                self.report.unblocked();
                MemberInput::Store(StoreEvent::Unblocked)
            }
            FetchEvent::Broken { error } => return self.fail(Failure::Panicked(error)),
        };
        self.tell(input);
    }

    fn count(&mut self, peer: PeerId, chunk: ChunkIndex, len: u64) {
        let Stage::Fetching(fetching) = &mut self.stage else { return };
        let duplicate = fetching.count(chunk, len);
        tracing::debug!(%peer, chunk, duplicate, "chunk stored");
        self.shelf.traffic.received(peer, len, duplicate);
        self.parts.uploads.received(peer, len);
        self.note(Some(peer), || ActivityKind::ChunkReceived { chunk, bytes: len, duplicate });
    }

    pub(super) fn synced(&mut self) {
        if let Stage::Fetching(fetching) = &mut self.stage {
            fetching.synced();
        }
    }

    pub(super) fn sync_if_due(&mut self, now: Duration) {
        let Stage::Fetching(fetching) = &mut self.stage else { return };
        if fetching.begin_sync_if_due(now) {
            let target = fetching.target.clone();
            self.tasks.spawn_blocking(move || {
                if let Err(error) = target.sync() {
                    tracing::warn!(%error, "cannot make stored chunks durable yet");
                }
                Done::Synced
            });
        }
    }

    /// Everything wanted is stored.
    pub(super) fn finish(&mut self) {
        let Stage::Fetching(fetching) = &self.stage else { return };
        self.report.fetched(fetching.total, fetching.done);
        let target = fetching.target.clone();
        if target.have().is_full() {
            self.shelf.completed();
        }
        self.start_finishing(target);
    }

    fn start_finishing(&mut self, target: Arc<Target>) {
        self.stage = Stage::Finishing(target.clone(), None);
        self.tasks.spawn_blocking(move || Done::Placed(target.finish()));
    }

    pub(super) fn finish_again_if_due(&mut self, now: Duration) {
        if let Stage::Finishing(target, Some(at)) = &self.stage
            && *at <= now
        {
            let target = target.clone();
            self.start_finishing(target);
        }
    }

    pub(super) fn placed(&mut self, placed: Placed) {
        self.stage = Stage::Serving;
        self.report.unblocked();
        self.tell_role_everywhere();
        let Some(manifest) = self.manifest.clone() else { return };
        let finished = Finished { path: placed.path, already_there: placed.already_there, manifest };
        self.finished(Ok(finished));
    }

    pub(super) fn not_placed(&mut self, error: TargetError) {
        match (&mut self.stage, error) {
            (Stage::Finishing(_, again), error @ TargetError::Blocked { .. }) => {
                *again = Some(self.parts.clock.now() + DISK_AGAIN);
                self.report.blocked(&error);
            }
            (_, error) => self.fail(error.into()),
        }
    }
}
