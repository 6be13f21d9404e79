//! The node's side that serves.

use std::sync::Arc;

use futures::{AsyncRead, AsyncWrite};
use libp2p::PeerId;
use shoal_addresses::Network;
use shoal_engine::UploadConfig;
use shoal_store::ChunkStore;
use shoal_wire::query::Load;
use tracing::Instrument;

use super::board::Offered;
use super::offer::Offer;
use super::session;
use super::shared::Shared;
use crate::activity::ActivityHub;
use crate::clock::Clock;
use crate::counter::{NodeTally, TrafficCounter};
use crate::library::{Library, LibraryPlace};
use crate::memory::Memory;

/// Serves the contents of a node; cheap to clone.
#[derive(Clone)]
pub(crate) struct Uploads(Arc<Shared>);

impl Uploads {
    /// `limit` in bytes per second.
    pub(crate) fn new(
        config: UploadConfig,
        limit: Option<u64>,
        library: Arc<Library>,
        memory: Arc<Memory>,
        clock: Clock,
    ) -> Self {
        Self(Shared::start(config, limit, library, memory, clock))
    }

    /// What the node counts, over all contents.
    pub(crate) fn tally(&self) -> &Arc<NodeTally> {
        &self.0.tally
    }

    /// Where it is told what the node does.
    pub(crate) fn activity(&self) -> &ActivityHub {
        &self.0.activity
    }

    /// Most bytes of chunks sent per second.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.0.pace.rate()
    }

    /// Another limit from now on, also for what is being sent.
    pub(crate) fn set_limit(&self, limit: Option<u64>) {
        self.0.pace.set(limit);
    }

    /// Begins to serve a content, which has a place in the library.
    pub(crate) fn offer(
        &self,
        place: &LibraryPlace,
        store: Arc<dyn ChunkStore>,
        traffic: Arc<TrafficCounter>,
    ) -> Offer {
        let (content, complete) = (place.content(), store.have().is_full());
        self.0.tell(|board| board.offer(content, Offered { store, traffic }, complete));
        Offer { shared: self.0.clone(), content }
    }

    /// Serves a stream of a peer until it ends; `network` is where its connection comes from, if that is known.
    pub(crate) fn start<S: AsyncRead + AsyncWrite + Send + 'static>(
        &self,
        peer: PeerId,
        network: Option<Network>,
        stream: S,
    ) {
        let (shared, place) = (self.0.clone(), self.0.places.take(peer));
        let serve = async move {
            let result = session::run(&shared, &place, network, stream).await;
            tracing::debug!(?result, "upload session ended");
        };
        tokio::spawn(serve.instrument(tracing::error_span!("peer", id = %peer)));
    }

    /// How busy the node is.
    pub(crate) fn load(&self) -> Load {
        let now = self.0.clock.now();
        self.0.look(|board| Load {
            rate: board.meter.rate(now),
            active: board.queue.active() as u32,
            queued: board.queue.queued(),
        })
    }

    /// Requests that wait, and how many chunks may be sent at once at the moment.
    pub(crate) fn waiting_and_slots(&self) -> (usize, usize) {
        self.0.look(|board| (board.queue.waiting(), board.queue.slots()))
    }

    /// A peer sent us bytes that were good.
    pub(crate) fn received(&self, peer: PeerId, bytes: u64) {
        let now = self.0.clock.now();
        self.0.look(|board| board.queue.received(now, peer, bytes));
    }

    /// Sessions that there ever were.
    #[cfg(test)]
    pub(crate) fn sessions_so_far(&self) -> u64 {
        self.0.look(|board| board.sessions_so_far())
    }

    /// Contents that are served, sessions, and streams that have a place.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        let (contents, sessions) = self.0.look(|board| board.sizes());
        (contents, sessions, self.0.places.count())
    }
}
