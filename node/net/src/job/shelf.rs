//! A content's place in the node's library and uploads, given back when it is dropped.

use std::sync::Arc;

use libp2p::PeerId;
use shoal_content::ContentId;
use shoal_store::ChunkStore;
use tokio::sync::mpsc;

use crate::library::{Library, Question, Withdrawn};
use crate::traffic::{ContentTraffic, PeerTraffic, Traffic};
use crate::upload::Uploads;

/// Questions from peers that may wait for the job.
const QUESTIONS: usize = 64;

/// A content's place. Dropping it, in whatever way the job ends, takes the content out of the library and the uploads.
pub(super) struct Shelf {
    content: ContentId,
    library: Arc<Library>,
    uploads: Uploads,
    traffic: Arc<Traffic>,
    pub(super) questions: mpsc::Receiver<Question>,
    pub(super) notices: mpsc::Receiver<Withdrawn>,
}

impl Shelf {
    /// Takes the place of a content; `None` if somebody has it.
    pub(super) fn take(
        content: ContentId,
        library: Arc<Library>,
        uploads: Uploads,
        traffic: Arc<Traffic>,
    ) -> Option<Self> {
        let (asked, questions) = mpsc::channel(QUESTIONS);
        let (noticed, notices) = mpsc::channel(QUESTIONS);
        let free = library.add(content, asked, noticed);
        if free {
            traffic.open(content);
        }
        free.then_some(Self { content, library, uploads, traffic, questions, notices })
    }

    /// From now on chunks are served.
    pub(super) fn set_store(&self, store: Arc<dyn ChunkStore>) {
        let lengths = store.manifest().chunks().iter().map(|chunk| chunk.length).collect();
        self.uploads.add(self.content, lengths, store.have().is_full());
        self.library.set_store(self.content, store);
    }

    /// From now on nobody is served.
    pub(super) fn close(&self) {
        self.library.remove(self.content);
        self.uploads.remove(self.content);
    }

    /// Counts bytes that were exchanged with a peer.
    pub(super) fn count(&self, peer: PeerId, more: PeerTraffic) {
        self.traffic.count(self.content, peer, more);
    }

    /// Bytes exchanged with peers.
    pub(super) fn traffic(&self) -> ContentTraffic {
        self.traffic.of(self.content)
    }

    /// Bytes of chunks sent to all peers.
    pub(super) fn sent(&self) -> u64 {
        self.traffic.total(self.content).sent
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.close();
        self.traffic.close(self.content);
    }
}
