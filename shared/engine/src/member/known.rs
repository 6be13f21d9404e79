//! What a member knows of its neighbours, for those that look on.

use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_wire::query::Load;

use super::Member;
use crate::PeerName;

/// A peer that is connected for a content. What it has and how busy it is, is its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownNeighbour<P = PeerId> {
    /// Which peer.
    pub peer: P,
    /// How many chunks it says it has.
    pub chunks: usize,
    /// Whether either side has joined the other: before that it has said nothing.
    pub joined: bool,
    /// How long it took to answer the join, if this member joined it.
    pub rtt: Option<Duration>,
    /// How busy it said it is.
    pub load: Load,
}

impl<P: PeerName> Member<P> {
    /// Peers that are connected for this content, in their order.
    pub fn known_neighbours(&self) -> impl Iterator<Item = KnownNeighbour<P>> {
        self.neighbours.iter().map(|(peer, neighbour)| KnownNeighbour {
            peer,
            chunks: neighbour.chunks_told(),
            joined: neighbour.is_joined(),
            rtt: neighbour.we_joined.then_some(neighbour.rtt),
            load: neighbour.load,
        })
    }
}
