//! The streams that each peer has open to this node.
//!
//! A peer needs one. While an old one dies, because the peer has connected anew, there may be a second one; of more,
//! the oldest ends.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;
use tokio_util::sync::CancellationToken;

/// Streams of one peer at once.
const MAX_PER_PEER: usize = 2;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<PeerId, VecDeque<CancellationToken>>>);

impl Places {
    /// Takes a place for a new stream of a peer.
    pub(super) fn take(self: &Arc<Self>, peer: PeerId) -> Place {
        let replaced = CancellationToken::new();
        let mut all = self.all();
        let of_peer = all.entry(peer).or_default();
        of_peer.push_back(replaced.clone());
        if of_peer.len() > MAX_PER_PEER
            && let Some(oldest) = of_peer.pop_front()
        {
            tracing::debug!(%peer, "a newer stream takes the place of an old one");
            oldest.cancel();
        }
        Place { places: self.clone(), peer, replaced }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<PeerId, VecDeque<CancellationToken>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.all().values().map(VecDeque::len).sum()
    }
}

/// The place of one stream; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    pub(super) peer: PeerId,
    /// Cancelled when newer streams have taken the place.
    pub(super) replaced: CancellationToken,
}

impl Drop for Place {
    fn drop(&mut self) {
        // A place that was taken away is not in the list any more.
        if self.replaced.is_cancelled() {
            return;
        }
        // So that its own token can be told from the others.
        self.replaced.cancel();
        let mut all = self.places.all();
        if let Some(of_peer) = all.get_mut(&self.peer) {
            of_peer.retain(|replaced| !replaced.is_cancelled());
            if of_peer.is_empty() {
                all.remove(&self.peer);
            }
        }
    }
}
