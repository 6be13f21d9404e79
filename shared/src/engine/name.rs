//! What names a peer.

use std::fmt::Debug;
use std::hash::Hash;

/// What the engine calls a peer: a [`PeerId`](libp2p_identity::PeerId) in a node, a number in the simulator, where
/// thousands of engines know each other's peers and a peer id's eighty bytes would fill the caches.
pub trait PeerName: Copy + Ord + Hash + Debug {}

impl<T: Copy + Ord + Hash + Debug> PeerName for T {}
