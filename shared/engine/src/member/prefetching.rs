//! What of a member is needed soon; see [`prefetch`](mod@crate::prefetch).

use super::{Member, Phase};
use crate::{ChunkNews, PeerName};

impl<P: PeerName> Member<P> {
    /// Has the caches fetch what almost every input needs, but for the member itself.
    pub fn prefetch(&self) {
        self.neighbours.prefetch();
        if let Phase::Downloading(download, _) = &self.phase {
            download.prefetch();
        }
    }

    /// Has the caches fetch where the download knows what of. What [`prefetch`](Self::prefetch) fetches is read.
    pub fn prefetch_names(&self) {
        if let Phase::Downloading(download, _) = &self.phase {
            download.prefetch_names();
        }
    }

    /// Has the caches fetch what an input about a peer needs. What [`prefetch_names`](Self::prefetch_names) fetches is
    /// read.
    pub fn prefetch_peer(&self, peer: &P) {
        if let Some(neighbour) = self.neighbours.get(peer) {
            neighbour.prefetch();
        }
        if let Phase::Downloading(download, _) = &self.phase {
            download.prefetch_peer(peer);
        }
    }

    /// Has the caches fetch what a stored chunk needs: it is told to every neighbour, and another one is asked for.
    pub fn prefetch_all_peers(&self) {
        self.neighbours.iter().for_each(|(_, neighbour)| neighbour.prefetch());
        if let Phase::Downloading(download, _) = &self.phase {
            download.prefetch_choice();
        }
    }

    /// Has the caches fetch what news of a peer needs. What [`prefetch_peer`](Self::prefetch_peer) fetches is read.
    pub fn prefetch_news(&self, peer: &P, news: &ChunkNews) {
        let Some(chunk) = news.iter().next() else { return };
        if let Some(neighbour) = self.neighbours.get(peer) {
            neighbour.prefetch_chunk(chunk);
        }
        if let Phase::Downloading(download, _) = &self.phase {
            download.prefetch_chunk(peer, chunk);
        }
    }
}
