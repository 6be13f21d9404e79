//! A content that this node serves.

use std::sync::Arc;

use libp2p::PeerId;
use shoal_content::{ChunkIndex, ChunkSet, ContentId};
use shoal_engine::ChunkNews;

use super::shared::Shared;

/// Serves a content for as long as it is kept; when it is dropped, in whatever way, nothing of it is left.
pub(crate) struct Offer {
    pub(super) shared: Arc<Shared>,
    pub(super) content: ContentId,
}

impl Offer {
    /// All of the content is here now.
    pub(crate) fn completed(&self) {
        self.shared.tell(|board| board.queue.completed(&self.content));
    }

    /// A peer said that it has chunks that it did not have before, or joined and has none.
    pub(crate) fn gained(&self, peer: PeerId, news: &ChunkNews) {
        self.shared.tell(|board| board.queue.gained(&self.content, peer, news));
    }

    /// A peer is gone that had said that it has these chunks.
    pub(crate) fn gone(&self, peer: &PeerId, had: &ChunkSet) {
        self.shared.tell(|board| board.queue.gone(&self.content, peer, had));
    }

    /// How many copies of the content the known peers have together.
    pub(crate) fn copies(&self) -> usize {
        self.shared.look(|board| board.queue.copies(&self.content))
    }

    /// How many known peers have the rarest chunk of each stretch of the chunk table.
    pub(crate) fn rarity(&self, stretch: usize) -> Vec<u16> {
        self.shared.look(|board| board.queue.rarity(&self.content, stretch))
    }

    /// The chunk that was sent last on each stream, where it was one of this content. What was sent before it on the
    /// same stream arrives before it.
    pub(crate) fn last_sent(&self) -> Vec<(PeerId, ChunkIndex)> {
        self.shared.look(|board| board.queue.last_sent(&self.content).collect())
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.shared.tell(|board| board.withdraw(&self.content));
    }
}
