//! The phase in which chunks are fetched: between the engine, the streams and the target.

use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use shoal_content::{ChunkIndex, ChunkSet};
use shoal_engine::{Download, DownloadConfig, DropReason, Input, Output, RequestId};
use shoal_wire::Have;
use tokio::sync::mpsc;

use super::super::fetch::{ChunkStreams, FetchEvent, FetchHandle, FetchOrder};
use super::neighbours::Link;
use super::run::{Job, JobEvent, Stage};
use super::{Event, Failure, rng};
use shoal_store::{ChunkStore, Target};

/// Stored chunks are made durable at least this often.
const SYNC_EVERY: Duration = Duration::from_secs(5);
/// Fetch events that may wait for the job; streams wait when it is full.
const FETCH_EVENTS: usize = 256;

/// The state of the phase.
pub(super) struct Downloading {
    pub(super) engine: Download,
    pub(super) target: Arc<Target>,
    pub(super) streams: FetchHandle,
    pub(super) incoming: mpsc::Receiver<FetchEvent>,
    lengths: Arc<[u32]>,
    stored: ChunkSet,
    /// Chunks that became servable since the last announcement.
    fresh: ChunkSet,
    pub(super) total: u64,
    pub(super) done: u64,
    synced: Duration,
    dirty: bool,
    /// One sync at a time: the next one takes what came meanwhile.
    syncing: bool,
    pub(super) blocked: Option<String>,
}

impl Downloading {
    pub(super) fn new(
        now: Duration,
        config: DownloadConfig,
        target: Arc<Target>,
        streams: &ChunkStreams,
    ) -> Self {
        let geometry = target.manifest().geometry();
        let lengths: Arc<[u32]> = (0..geometry.chunks()).map(|c| geometry.chunk_len(c)).collect();
        let (wanted, stored) = (target.wanted(), target.stored());
        let bytes = |set: &ChunkSet| set.ones().map(|c| u64::from(lengths[c])).sum::<u64>();
        let (total, done) = (bytes(&wanted), bytes(&stored));
        let (events, incoming) = mpsc::channel(FETCH_EVENTS);
        Self {
            engine: Download::new(config, lengths.clone(), wanted, &stored, rng()),
            streams: streams.attach(target.manifest().id(), target.clone(), events),
            target,
            incoming,
            fresh: ChunkSet::with_capacity(lengths.len()),
            lengths,
            stored,
            total,
            done,
            synced: now,
            dirty: false,
            syncing: false,
            blocked: None,
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Duration> {
        let sync = (self.dirty && !self.syncing).then_some(self.synced + SYNC_EVERY);
        self.engine.next_timeout().into_iter().chain(sync).min()
    }

    /// Whether it is time to make stored chunks durable.
    pub(super) fn sync_is_due(&mut self, now: Duration) -> bool {
        let due = now >= self.synced + SYNC_EVERY || self.target.should_sync();
        let due = due && self.dirty && !self.syncing;
        if due {
            self.synced = now;
            self.dirty = false;
            self.syncing = true;
        }
        due
    }
}

impl Job {
    /// Gives the engine something and does what it says.
    pub(super) fn tell_engine(&mut self, input: Input) {
        let now = self.shared.clock.now();
        let Stage::Downloading(state) = &mut self.stage else { return };
        state.engine.handle(now, input);
        while let Stage::Downloading(state) = &mut self.stage {
            let Some(output) = state.engine.poll_output() else { return };
            self.on_engine_output(output);
        }
    }

    fn on_engine_output(&mut self, output: Output) {
        let Stage::Downloading(state) = &mut self.stage else { return };
        match output {
            Output::Request { peer, id, chunk } => {
                let len = state.lengths[chunk as usize];
                self.order(peer, FetchOrder::Get { id, chunk, len });
            }
            Output::RequestAny { peer, id } => self.order(peer, FetchOrder::Any { id }),
            Output::Cancel { peer, id } => {
                // A stream that is gone is noticed by the next request.
                state.streams.order(peer, FetchOrder::Cancel { id });
            }
            Output::Drop { peer, reason } => self.drop_peer(peer, reason),
            Output::Complete => self.finish(),
        }
    }

    /// Gives a stream an order; one that does not take it is started anew.
    fn order(&mut self, peer: PeerId, order: FetchOrder) {
        let Stage::Downloading(state) = &mut self.stage else { return };
        if !state.streams.order(peer, order) {
            self.lose_stream(peer);
        }
    }

    /// Tells a neighbour of new chunks on its stream, which costs least. `false` if there is none.
    pub(super) fn tell_on_stream(&mut self, peer: &PeerId, have: Have) -> bool {
        let Stage::Downloading(state) = &mut self.stage else { return false };
        state.streams.order(*peer, FetchOrder::Have(have))
    }

    fn drop_peer(&mut self, peer: PeerId, reason: DropReason) {
        let for_good = match reason {
            DropReason::Corrupt(chunk) => {
                self.tell(Event::BadPeer { peer, chunk: Some(chunk) });
                true
            }
            DropReason::Stalled => false,
        };
        self.part_with(peer, for_good);
    }

    /// Closes the connection to a peer, with `for_good` never to open it again.
    pub(super) fn part_with(&mut self, peer: PeerId, for_good: bool) {
        if for_good {
            self.discovery.book.ban(peer);
        }
        self.forget_neighbour(&peer);
        let control = self.shared.control.clone();
        self.tasks.spawn(async move {
            control.disconnect(peer, for_good).await;
            JobEvent::Nothing
        });
    }

    /// A stream does not take orders: start over with this peer, a little later.
    fn lose_stream(&mut self, peer: PeerId) {
        let now = self.shared.clock.now();
        let Stage::Downloading(state) = &mut self.stage else { return };
        state.streams.close(peer);
        // Its requests open again; not through `tell_engine`, which may be what called this.
        state.engine.handle(now, Input::PeerDown { peer });
        self.neighbours.postpone(now, &peer);
    }

    pub(super) fn on_fetch_event(&mut self, event: FetchEvent) {
        let Stage::Downloading(state) = &mut self.stage else { return };
        match event {
            FetchEvent::Progress { peer, bytes } => self.tell_engine(Input::Progress { peer, bytes }),
            FetchEvent::Begun { peer, id, chunk, queued } => self.begun(peer, id, chunk, queued),
            FetchEvent::Stored { peer, id, chunk, len, complete } => {
                let duplicate = state.stored.put(chunk as usize);
                tracing::debug!(%peer, chunk, duplicate, "chunk stored");
                if !duplicate {
                    state.done += len;
                    state.dirty = true;
                }
                complete.iter().for_each(|c| state.fresh.insert(*c as usize));
                self.shared.traffic.count(self.content, peer, |t| {
                    *if duplicate { &mut t.duplicate } else { &mut t.received } += len;
                });
                self.shared.uploads.received(peer, len);
                self.announce_fresh();
                self.tell_engine(Input::Stored { peer, id, chunk });
                self.sync_if_due();
            }
            FetchEvent::Corrupt { peer, id, chunk } => self.tell_engine(Input::Corrupt { peer, id, chunk }),
            FetchEvent::Refused { peer, id, why } => self.tell_engine(Input::Refused { peer, id, why }),
            FetchEvent::Blocked { error } => {
                let why = error.to_string();
                if state.blocked.replace(why.clone()).is_none() {
                    self.tell(Event::Blocked(why));
                }
                self.tell_engine(Input::Pause);
            }
            FetchEvent::Unblocked => {
                if state.blocked.take().is_some() {
                    self.tell(Event::Unblocked);
                }
                self.tell_engine(Input::Resume);
            }
            FetchEvent::Opened { peer } => self.on_stream(peer),
            FetchEvent::OpenFailed { peer, error } => {
                tracing::debug!(%peer, %error, "cannot open a chunk stream");
                self.neighbours.postpone(self.shared.clock.now(), &peer);
            }
            FetchEvent::Lost { peer, error } => {
                tracing::debug!(%peer, %error, "chunk stream lost");
                self.lose_stream(peer);
                self.tell_engine(Input::Timeout);
            }
            FetchEvent::Broken { error } => self.fail(Failure::Internal(error.to_string())),
        }
    }

    fn announce_fresh(&mut self) {
        let Stage::Downloading(state) = &mut self.stage else { return };
        let fresh = state.fresh.clone();
        state.fresh.clear();
        self.neighbours.announce(&fresh);
        self.send_updates();
    }

    fn begun(&mut self, peer: PeerId, id: RequestId, chunk: ChunkIndex, queued: u64) {
        if let Some(neighbour) = self.neighbours.get_mut(&peer) {
            neighbour.load.queued = queued;
        }
        self.tell_engine(Input::Begun { peer, id, chunk, queued });
    }

    /// The connection to a peer is gone, and its stream with it.
    pub(super) fn forget_neighbour(&mut self, peer: &PeerId) {
        if let Some(had) = self.neighbours.remove(peer) {
            self.shared.uploads.gone(self.content, peer, &had);
        }
        if let Stage::Downloading(state) = &mut self.stage {
            state.streams.close(*peer);
        }
    }

    /// A stream to a neighbour is open: from now on it can be asked for chunks.
    fn on_stream(&mut self, peer: PeerId) {
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return self.forget_neighbour(&peer) };
        neighbour.link = Link::Ready;
        let (rtt, load, chunks) = (neighbour.rtt, neighbour.load, neighbour.have.clone());
        self.tell_engine(Input::PeerUp { peer, rtt });
        self.tell_engine(Input::Load { peer, load });
        self.tell_engine(Input::Have { peer, chunks: chunks.into() });
    }

    pub(super) fn synced(&mut self) {
        if let Stage::Downloading(state) = &mut self.stage {
            state.syncing = false;
        }
    }

    pub(super) fn sync_if_due(&mut self) {
        let now = self.shared.clock.now();
        let Stage::Downloading(state) = &mut self.stage else { return };
        if state.sync_is_due(now) {
            let target = state.target.clone();
            self.tasks.spawn_blocking(move || {
                if let Err(error) = target.sync() {
                    tracing::warn!(%error, "cannot make stored chunks durable yet");
                }
                JobEvent::Synced
            });
        }
    }
}
