//! News that has reached a peer and that it has not heard yet.
//!
//! Almost all that happens is that news arrives, and nothing follows from most of it. So what decides whether a peer
//! has to hear it now lies side by side for all peers, apart from the peers themselves: those are large, thousands of
//! them are in no cache, and news to twenty neighbours would have to fetch each of them from memory.

use super::id::Number;
use shoal_engine::ChunkNews;

/// Most news that waits.
const MOST: usize = 64;

/// News of chunks from a neighbour.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) from: Number,
    pub(super) chunks: ChunkNews,
}

/// The inbox of one peer.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Whether the peer has come and not gone.
    pub(super) open: bool,
    /// Whether a request could follow from news, as the peer's member said last.
    pub(super) hungry: bool,
    pub(super) news: Vec<News>,
}

impl Inbox {
    /// Takes news in. Returns whether the peer has to hear it now.
    pub(super) fn push(&mut self, news: News) -> bool {
        if !self.open {
            return false;
        }
        let waits = self.news.len() < MOST && !self.hungry;
        self.news.push(news);
        !waits
    }
}
