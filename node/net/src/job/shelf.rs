//! A content's place in the node's library and uploads, given back when it is dropped.

use std::sync::Arc;

use libp2p::PeerId;
use shoal_content::{ChunkIndex, ChunkSet, ContentId};
use shoal_engine::ChunkNews;
use shoal_store::{ChunkStore, HoldingGuard};
use tokio::sync::mpsc;

use crate::counter::TrafficCounter;
use crate::library::{Desk, Inquiry, Library, LibraryPlace, Question, Withdrawn};
use crate::upload::{Offer, Uploads};

/// Questions from peers that may wait for the job.
const QUESTIONS: usize = 64;
/// Questions from this node's user that may wait for the job; a further one waits at its asker.
const INQUIRIES: usize = 8;

/// A content's place. Dropping it, in whatever way the job ends, takes the content out of the library and the uploads.
pub(super) struct Shelf {
    uploads: Uploads,
    /// Once there is something to read chunks from. Goes before the place that it needs.
    offer: Option<Offer>,
    /// Keeps the store among those in which chunks are found by their hash.
    held: Option<HoldingGuard>,
    place: Option<LibraryPlace>,
    pub(super) traffic: Arc<TrafficCounter>,
    pub(super) questions: mpsc::Receiver<Question>,
    pub(super) notices: mpsc::Receiver<Withdrawn>,
    pub(super) inquiries: mpsc::Receiver<Inquiry>,
}

impl Shelf {
    /// Takes the place of a content; `None` if somebody has it.
    pub(super) fn take(
        content: ContentId,
        public: bool,
        library: &Arc<Library>,
        uploads: Uploads,
    ) -> Option<Self> {
        let (asked, questions) = mpsc::channel(QUESTIONS);
        let (noticed, notices) = mpsc::channel(QUESTIONS);
        let (inquired, inquiries) = mpsc::channel(INQUIRIES);
        let traffic = Arc::new(TrafficCounter::new(uploads.tally().clone()));
        let desk = Desk {
            questions: asked,
            notices: noticed,
            inquiries: inquired,
            traffic: traffic.clone(),
            public,
        };
        let place = library.add(content, desk)?;
        Some(Self {
            uploads,
            offer: None,
            held: None,
            place: Some(place),
            traffic,
            questions,
            notices,
            inquiries,
        })
    }

    /// From now on chunks are served.
    pub(super) fn set_store(&mut self, store: Arc<dyn ChunkStore>) {
        let place = self.place.as_ref();
        self.held = place.map(|place| place.hold(store.clone()));
        self.offer = place.map(|place| self.uploads.offer(place, store, self.traffic.clone()));
    }

    /// From now on nobody is served.
    pub(super) fn close(&mut self) {
        self.offer = None;
        self.held = None;
        self.place = None;
    }

    /// All of the content is here now.
    pub(super) fn completed(&self) {
        self.offer.iter().for_each(Offer::completed);
    }

    /// A peer said that it has chunks that it did not have before, or joined and has none.
    pub(super) fn gained(&self, peer: PeerId, news: &ChunkNews) {
        self.offer.iter().for_each(|offer| offer.gained(peer, news));
    }

    /// A peer is gone that had said that it has these chunks.
    pub(super) fn gone(&self, peer: &PeerId, had: &ChunkSet) {
        self.offer.iter().for_each(|offer| offer.gone(peer, had));
    }

    /// How many copies of the content the known others have together.
    pub(super) fn copies(&self) -> usize {
        self.offer.as_ref().map_or(0, Offer::copies)
    }

    /// How many known others have the rarest chunk of each stretch of the chunk table; empty before anything is
    /// served.
    pub(super) fn rarity(&self, stretch: usize) -> Vec<u16> {
        self.offer.as_ref().map(|offer| offer.rarity(stretch)).unwrap_or_default()
    }

    /// The chunk that was sent last on each open stream.
    pub(super) fn last_sent(&self) -> Vec<(PeerId, ChunkIndex)> {
        self.offer.as_ref().map(Offer::last_sent).unwrap_or_default()
    }
}
