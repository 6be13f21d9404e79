//! What of a download is needed soon; see [`prefetch`](mod@crate::prefetch).

use std::mem::offset_of;

use super::Download;
use crate::PeerName;
use crate::prefetch::{prefetch_around, prefetch_bit};
use shoal_content::ChunkIndex;

impl<P: PeerName> Download<P> {
    /// Has the caches fetch it, without what it points to.
    pub(crate) fn prefetch(&self) {
        prefetch_around(size_of::<Self>(), &self.paused, offset_of!(Self, paused));
    }

    /// Has the caches fetch where each peer is; reads the download.
    pub(crate) fn prefetch_names(&self) {
        self.peers.prefetch_names();
    }

    pub(crate) fn prefetch_peer(&self, peer: &P) {
        if let Some(index) = self.peers.index_of(peer) {
            self.peers.prefetch(index);
        }
    }

    /// Has the caches fetch what chooses the next peer.
    pub(crate) fn prefetch_choice(&self) {
        self.peers.prefetch_all();
    }

    pub(crate) fn prefetch_chunk(&self, peer: &P, chunk: ChunkIndex) {
        self.rarity.prefetch(chunk);
        if let Some(index) = self.peers.index_of(peer) {
            prefetch_bit(&self.peers[index].have, chunk);
        }
    }
}
