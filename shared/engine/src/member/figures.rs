//! A member in figures, to explain how it goes.

use std::time::Duration;

use super::{Member, Phase};
use crate::PeerName;
use crate::explain::NeighbourFigures;

impl<P: PeerName> Member<P> {
    /// What can be said of the peers that are connected, but for those that do not know what they are asked. For
    /// questions of people: it may take a pass over the chunks for each peer.
    pub fn figures(&self, now: Duration) -> NeighbourFigures {
        let peers = match &self.phase {
            Phase::Downloading(download, _) => download.figures(now),
            _ => NeighbourFigures::default(),
        };
        NeighbourFigures { connected: self.neighbours.len(), ..peers }
    }

    /// Peers that were heard of and are remembered.
    pub fn heard_of(&self) -> usize {
        self.candidates.all.len()
    }
}
