//! The map of a swarm: who is connected to whom, and what each says of itself.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::PeerId;
use shoal_content::{ChunkIndex, ContentId};
use shoal_wire::query::LoadClaim;

use crate::remote::AskError;
use crate::target::PeerTarget;

/// What map is to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapOptions {
    /// Asks too how much each has of this content.
    pub content: Option<ContentId>,
    /// Peers are asked that are at most so many connections away.
    pub hops: u8,
    /// Begins at these peers, and leaves this node out. Empty: begins at this node.
    pub peers: Vec<PeerTarget>,
}

/// The map, as far as this node sees and as others say.
#[derive(Debug, Clone, PartialEq)]
pub struct SwarmMap {
    /// By distance, then by id; this node first, unless it was left out.
    pub nodes: Vec<MapNode>,
    /// Each once, by the ids of its ends.
    pub links: Vec<MapLink>,
    /// Whether there was more than the limits allow, or than there was time for.
    pub cut: bool,
}

/// A peer on the map.
#[derive(Debug, Clone, PartialEq)]
pub struct MapNode {
    /// Which.
    pub peer: PeerId,
    /// How many connections away it is from where the map begins.
    pub hops: u8,
    /// What it says of itself; `None` if it was not asked.
    pub answer: Option<Result<NodeAnswer, AskError>>,
}

/// What a peer says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAnswer {
    /// How long the smallest answer took: see [`RemotePeer::ping`](crate::RemotePeer::ping). None of this node itself.
    pub time: Option<Duration>,
    /// How busy it is.
    pub load: LoadClaim,
    /// Peers that it is connected to, without who asks.
    pub connections: u32,
    /// How many chunks it has of the content that was asked about, and of how many; `None` if of none, or if it does not
    /// say.
    pub holds: Option<(ChunkIndex, ChunkIndex)>,
}

/// A connection between two peers, the smaller id first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapLink {
    /// One end.
    pub a: PeerId,
    /// The other.
    pub b: PeerId,
    /// Whether this node sees it; it is one of its own then.
    pub seen: bool,
    /// Whether the first end says so, and the round trip that it says it measured.
    pub by_a: Option<Option<Duration>>,
    /// Whether the second end says so, likewise.
    pub by_b: Option<Option<Duration>>,
}

/// Links while they are gathered.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<(PeerId, PeerId), MapLink>);

impl Links {
    /// `teller` says that it is connected to `other`.
    pub(super) fn add(&mut self, teller: PeerId, other: PeerId, rtt: Option<Duration>, seen: bool) {
        if teller == other {
            return;
        }
        let (a, b) = (teller.min(other), teller.max(other));
        let link = self.0.entry((a, b)).or_insert(MapLink { a, b, seen: false, by_a: None, by_b: None });
        link.seen |= seen;
        if teller == a {
            link.by_a = Some(rtt);
        } else {
            link.by_b = Some(rtt);
        }
    }

    pub(super) fn list(self) -> Vec<MapLink> {
        self.0.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_is_one_whoever_tells() {
        let [one, two] = [PeerId::random(), PeerId::random()];
        let (a, b) = (one.min(two), one.max(two));
        let rtt = Some(Duration::from_millis(5));
        let mut links = Links::default();
        links.add(b, a, rtt, false);
        links.add(a, b, None, true);
        links.add(a, a, rtt, false);
        assert_eq!(links.list(), [MapLink { a, b, seen: true, by_a: Some(None), by_b: Some(rtt) }]);
    }
}
