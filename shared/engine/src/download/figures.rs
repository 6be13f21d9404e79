//! The peers of a download in figures, to explain how it goes.

use std::time::Duration;

use super::Download;
use super::peer::Peer;
use crate::PeerName;
use crate::explain::NeighbourFigures;

impl<P: PeerName> Download<P> {
    /// What can be said of the peers that may be asked; how many are connected is not known here. Takes a pass over the
    /// chunks for each peer that has nothing of use, so it is meant for questions of people.
    pub(crate) fn figures(&self, now: Duration) -> NeighbourFigures {
        let mut figures = NeighbourFigures::default();
        let useful = self.peers.values().filter(|peer| self.has_something_missing(peer));
        for peer in useful {
            figures.useful += 1;
            // A stall rests a peer too.
            let is_refused = peer.rest_until > now || peer.backoff.failures() > 0;
            figures.refusing += usize::from(peer.stalls == 0 && is_refused);
            figures.asked += usize::from(peer.stalls > 0 || !peer.pending.is_empty());
            figures.asked_bytes = figures.asked_bytes.saturating_add(peer.queued());
            figures.sending += usize::from(peer.told.active > 0);
            figures.queued = figures.queued.saturating_add(peer.told.queued);
            figures.told_rate = figures.told_rate.saturating_add(peer.told.rate);
        }
        figures
    }

    /// Bytes that are wanted and not stored.
    pub fn left_bytes(&self) -> u64 {
        self.wanted.difference(&self.stored).map(|chunk| u64::from(self.lengths[chunk])).sum()
    }

    fn has_something_missing(&self, peer: &Peer<P>) -> bool {
        let is_missing = |chunk: usize| self.wanted.contains(chunk) && !self.stored.contains(chunk);
        if peer.complete { self.left > 0 } else { peer.have.ones().any(is_missing) }
    }
}
