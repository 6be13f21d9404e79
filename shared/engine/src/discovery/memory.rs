//! Peers that worked, to begin with at the next start.
//!
//! What always holds: at most [`MAX_REMEMBERED`]; those that were of use come before those that were only met, and of
//! each kind those that were met last.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

/// The most peers that are remembered.
pub const MAX_REMEMBERED: usize = 64;
/// The most addresses of one of them.
const MAX_ADDRESSES: usize = 4;

/// A peer that worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedPeer {
    /// Which.
    pub peer: PeerId,
    /// Where it was reached, or said that it can be reached; at most 4.
    pub addresses: Vec<Multiaddr>,
    /// Whether anything was exchanged with it.
    pub useful: bool,
    /// When it was met last, as the time since 1970.
    pub met: Duration,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct PeerMemory(BTreeMap<PeerId, RememberedPeer>);

impl PeerMemory {
    /// Takes what was remembered the last time.
    pub fn recall(peers: impl IntoIterator<Item = RememberedPeer>) -> Self {
        let mut memory = Self::default();
        peers.into_iter().for_each(|peer| memory.note(peer));
        memory
    }

    /// A peer was met, or is being met.
    pub fn note(&mut self, mut it: RememberedPeer) {
        it.addresses.truncate(MAX_ADDRESSES);
        if it.addresses.is_empty() {
            return;
        }
        if let Some(known) = self.0.get(&it.peer) {
            it.useful |= known.useful;
            it.met = it.met.max(known.met);
        }
        self.0.insert(it.peer, it);
        if self.0.len() > MAX_REMEMBERED
            && let Some(worst) = self.0.values().min_by_key(|it| (it.useful, it.met)).map(|it| it.peer)
        {
            self.0.remove(&worst);
        }
    }

    /// All of them, the best first.
    pub fn best_first(&self) -> Vec<RememberedPeer> {
        let mut all: Vec<_> = self.0.values().cloned().collect();
        all.sort_by_key(|it| std::cmp::Reverse((it.useful, it.met)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;

    fn met(n: usize, useful: bool, at: u64) -> RememberedPeer {
        let addresses = vec!["/ip4/192.168.1.9/tcp/1".parse().unwrap()];
        RememberedPeer { peer: peer(n), addresses, useful, met: Duration::from_secs(at) }
    }

    #[test]
    fn who_was_of_use_stays_and_the_list_is_bounded() {
        let mut memory = PeerMemory::recall([met(1, true, 1)]);
        (2..1000).for_each(|n| memory.note(met(n, false, n as u64)));
        let all = memory.best_first();
        assert_eq!(all.len(), MAX_REMEMBERED);
        assert_eq!((all[0].peer, all[1].peer), (peer(1), peer(999)));
    }

    #[test]
    fn a_peer_that_was_of_use_stays_one_and_one_without_an_address_is_none() {
        let mut memory =
            PeerMemory::recall([met(1, true, 5), RememberedPeer { addresses: vec![], ..met(2, true, 1) }]);
        memory.note(met(1, false, 9));
        assert_eq!(memory.best_first(), [met(1, true, 9)]);
        let many = (1..20).map(|port| format!("/ip4/192.168.1.9/tcp/{port}").parse().unwrap()).collect();
        memory.note(RememberedPeer { addresses: many, ..met(3, false, 1) });
        assert_eq!(memory.best_first()[1].addresses.len(), MAX_ADDRESSES);
    }
}
