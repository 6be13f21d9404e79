//! Which contents use or seek which peer.

use std::collections::{BTreeMap, BTreeSet};

use libp2p_identity::PeerId;

/// Pairs of a content and a peer, to be found from either side. Bounded by what contents ask for.
#[derive(Debug)]
pub(super) struct Uses<C> {
    by_peer: BTreeMap<PeerId, BTreeSet<C>>,
    by_content: BTreeMap<C, BTreeSet<PeerId>>,
}

impl<C: Copy + Ord> Uses<C> {
    pub(super) fn new() -> Self {
        Self { by_peer: BTreeMap::new(), by_content: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, content: C, peer: PeerId) {
        self.by_peer.entry(peer).or_default().insert(content);
        self.by_content.entry(content).or_default().insert(peer);
    }

    /// Takes a use away. `true` if it was the peer's last one.
    pub(super) fn remove(&mut self, content: C, peer: &PeerId) -> bool {
        if let Some(peers) = self.by_content.get_mut(&content) {
            peers.remove(peer);
            if peers.is_empty() {
                self.by_content.remove(&content);
            }
        }
        let Some(contents) = self.by_peer.get_mut(peer) else { return false };
        let was_one = contents.remove(&content);
        if contents.is_empty() {
            self.by_peer.remove(peer);
            return was_one;
        }
        false
    }

    /// Takes all uses of a peer away; returns the contents that had them.
    pub(super) fn remove_peer(&mut self, peer: &PeerId) -> BTreeSet<C> {
        let contents = self.by_peer.remove(peer).unwrap_or_default();
        for content in &contents {
            if let Some(peers) = self.by_content.get_mut(content) {
                peers.remove(peer);
                if peers.is_empty() {
                    self.by_content.remove(content);
                }
            }
        }
        contents
    }

    /// Whether any content uses or seeks the peer.
    pub(super) fn wants(&self, peer: &PeerId) -> bool {
        self.by_peer.contains_key(peer)
    }

    pub(super) fn contents_of(&self, peer: &PeerId) -> impl Iterator<Item = C> {
        self.by_peer.get(peer).into_iter().flatten().copied()
    }

    pub(super) fn peers_of(&self, content: C) -> impl Iterator<Item = PeerId> {
        self.by_content.get(&content).into_iter().flatten().copied()
    }

    /// How many of a content's peers are among some.
    pub(super) fn count(&self, content: C, among: impl Fn(&PeerId) -> bool) -> usize {
        self.by_content.get(&content).into_iter().flatten().filter(|peer| among(peer)).count()
    }

    pub(super) fn len(&self) -> usize {
        self.by_peer.values().map(BTreeSet::len).sum()
    }

    #[cfg(test)]
    pub(super) fn pairs(&self) -> BTreeSet<(C, PeerId)> {
        let one = self.by_peer.iter().flat_map(|(peer, all)| all.iter().map(|content| (*content, *peer)));
        let other =
            self.by_content.iter().flat_map(|(content, all)| all.iter().map(|peer| (*content, *peer)));
        let (one, other): (BTreeSet<_>, BTreeSet<_>) = (one.collect(), other.collect());
        assert!(one == other, "both sides say the same");
        one
    }
}
