//! The peers of one content that a job is in touch with, and what each knows of the other.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_content::{ChunkIndex, ChunkSet};
use shoal_wire::Have;
use shoal_wire::query::Load;

/// How far a job is with a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Connected; nothing said yet. Join at this time.
    Met { join_at: Duration },
    /// A join or the opening of a stream is under way.
    Busy,
    /// Joined; chunks can be asked for.
    Ready,
}

/// One neighbour.
#[derive(Debug)]
pub(super) struct Neighbour {
    pub(super) link: Link,
    pub(super) rtt: Duration,
    /// How busy it said it is.
    pub(super) load: Load,
    /// What it said that it has.
    pub(super) have: ChunkSet,
    /// Whether it joined us, or we it: either way it is told what is new.
    it_joined: bool,
    we_joined: bool,
    /// What it has not been told yet.
    unsaid: ChunkSet,
    /// Whether an update is under way.
    saying: bool,
    /// Failed joins in a row.
    pub(super) failures: u32,
}

impl Neighbour {
    fn is_joined(&self) -> bool {
        self.it_joined || self.we_joined
    }
}

/// All of them; bounded by the node's connection limit.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    all: BTreeMap<PeerId, Neighbour>,
    /// Where peers say they listen; kept for connected ones only.
    addresses: BTreeMap<PeerId, Vec<Multiaddr>>,
    /// The length of have-maps; 0 until the manifest is known.
    chunks: usize,
}

impl Neighbours {
    /// The manifest is known; have-maps have this length from now on.
    pub(super) fn set_chunks(&mut self, chunks: usize) {
        self.chunks = chunks;
        for neighbour in self.all.values_mut() {
            neighbour.have = ChunkSet::with_capacity(chunks);
            neighbour.unsaid = ChunkSet::with_capacity(chunks);
        }
    }

    /// Adds a peer if it is new.
    pub(super) fn meet(&mut self, now: Duration, peer: PeerId) -> &mut Neighbour {
        let chunks = self.chunks;
        self.all.entry(peer).or_insert_with(|| Neighbour {
            link: Link::Met { join_at: now },
            rtt: Duration::from_millis(50),
            load: Load::default(),
            have: ChunkSet::with_capacity(chunks),
            it_joined: false,
            we_joined: false,
            unsaid: ChunkSet::with_capacity(chunks),
            saying: false,
            failures: 0,
        })
    }

    /// Forgets a peer; returns what it had said that it has.
    pub(super) fn remove(&mut self, peer: &PeerId) -> Option<ChunkSet> {
        self.addresses.remove(peer);
        self.all.remove(peer).map(|neighbour| neighbour.have)
    }

    pub(super) fn get_mut(&mut self, peer: &PeerId) -> Option<&mut Neighbour> {
        self.all.get_mut(peer)
    }

    /// What each has said that it has.
    pub(super) fn haves(&self) -> impl Iterator<Item = (PeerId, &ChunkSet)> {
        self.all.iter().map(|(peer, neighbour)| (*peer, &neighbour.have))
    }

    /// Whether it is there and has not said that it has a chunk.
    pub(super) fn lacks(&self, peer: &PeerId, chunk: ChunkIndex) -> bool {
        self.all.get(peer).is_some_and(|neighbour| !neighbour.have.contains(chunk as usize))
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.all.keys().copied()
    }

    pub(super) fn set_addresses(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        self.addresses.insert(peer, addresses);
    }

    /// Neighbours that can be told to others, with where they listen.
    pub(super) fn with_addresses(&self) -> impl Iterator<Item = (PeerId, &[Multiaddr])> {
        let joined = self.all.iter().filter(|(_, n)| n.is_joined());
        joined.filter_map(|(peer, _)| Some((*peer, self.addresses.get(peer)?.as_slice())))
    }

    /// Takes what a peer said; returns what of it is new. `None` if it named a chunk that does not exist.
    pub(super) fn has(&mut self, peer: &PeerId, have: &Have) -> Option<ChunkSet> {
        let mut news = have.chunks(self.chunks as u32)?;
        let Some(neighbour) = self.all.get_mut(peer) else { return Some(ChunkSet::default()) };
        news.difference_with(&neighbour.have);
        neighbour.have.union_with(&news);
        neighbour.failures = 0;
        Some(news)
    }

    /// The peer joined us; `unsaid` is what the answer did not tell it.
    pub(super) fn it_joined(&mut self, peer: &PeerId, unsaid: &ChunkSet) {
        if let Some(neighbour) = self.all.get_mut(peer) {
            neighbour.it_joined = true;
            neighbour.unsaid.union_with(unsaid);
        }
    }

    /// We joined the peer; `unsaid` is what came since the join was sent, and what did not fit into it.
    pub(super) fn we_joined(&mut self, peer: &PeerId, unsaid: ChunkSet) {
        if let Some(neighbour) = self.all.get_mut(peer) {
            neighbour.we_joined = true;
            neighbour.unsaid.union_with(&unsaid);
        }
    }

    pub(super) fn left(&mut self, peer: &PeerId) {
        if let Some(neighbour) = self.all.get_mut(peer) {
            neighbour.it_joined = false;
            neighbour.we_joined = false;
        }
    }

    /// Notes chunks to be told to everybody; seeds too, because they give what nobody has yet.
    pub(super) fn announce(&mut self, chunks: &ChunkSet) {
        for neighbour in self.all.values_mut().filter(|n| n.is_joined()) {
            neighbour.unsaid.union_with(chunks);
        }
    }

    /// The next update to send, if some neighbour is due one. One at a time per neighbour.
    pub(super) fn next_update(&mut self) -> Option<(PeerId, Have)> {
        let due = |n: &Neighbour| n.is_joined() && !n.saying && !n.unsaid.is_clear();
        let (peer, neighbour) = self.all.iter_mut().find(|(_, n)| due(n))?;
        let update = Have::of(&neighbour.unsaid).swap_remove(0);
        let said = update.chunks(self.chunks as u32).unwrap_or_else(|| neighbour.unsaid.clone());
        neighbour.unsaid.difference_with(&said);
        neighbour.saying = true;
        Some((*peer, update))
    }

    /// The update that was under way has arrived, or has to be said again.
    pub(super) fn update_sent(&mut self, peer: &PeerId, again: Option<&Have>) {
        let chunks = self.chunks as u32;
        if let Some(neighbour) = self.all.get_mut(peer) {
            neighbour.saying = false;
            if let Some(lost) = again.and_then(|have| have.chunks(chunks)) {
                neighbour.unsaid.union_with(&lost);
            }
        }
    }

    /// Neighbours whose join is due.
    pub(super) fn due_joins(&self, now: Duration) -> Vec<PeerId> {
        let due = |n: &Neighbour| matches!(n.link, Link::Met { join_at } if join_at <= now);
        self.all.iter().filter(|(_, n)| due(n)).map(|(peer, _)| *peer).collect()
    }

    /// When the next join is due.
    pub(super) fn next_join(&self) -> Option<Duration> {
        let at = |n: &Neighbour| match n.link {
            Link::Met { join_at } => Some(join_at),
            _ => None,
        };
        self.all.values().filter_map(at).min()
    }

    /// Tries a neighbour again later, ever later.
    pub(super) fn postpone(&mut self, now: Duration, peer: &PeerId) {
        if let Some(neighbour) = self.all.get_mut(peer) {
            neighbour.failures += 1;
            let wait = Duration::from_secs(1 << neighbour.failures.min(4));
            neighbour.link = Link::Met { join_at: now + wait };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(len: usize, chunks: &[usize]) -> ChunkSet {
        let mut set = ChunkSet::with_capacity(len);
        chunks.iter().for_each(|c| set.insert(*c));
        set
    }

    #[test]
    fn each_neighbour_is_told_once_and_one_update_at_a_time() {
        let (a, b) = (PeerId::random(), PeerId::random());
        let mut all = Neighbours::default();
        all.set_chunks(20);
        for peer in [a, b] {
            all.meet(Duration::ZERO, peer);
        }
        all.we_joined(&a, set(20, &[]));
        all.announce(&set(20, &[3]));
        let (to, update) = all.next_update().unwrap();
        assert_eq!((to, update.chunks(20).unwrap()), (a, set(20, &[3])));
        all.announce(&set(20, &[4]));
        assert!(all.next_update().is_none(), "the first update is still under way, and b has not joined");
        all.update_sent(&a, Some(&update));
        assert_eq!(
            all.next_update().unwrap().1.chunks(20).unwrap(),
            set(20, &[3, 4]),
            "what was lost is said again"
        );
    }

    #[test]
    fn what_a_peer_says_again_is_no_news() {
        let peer = PeerId::random();
        let mut all = Neighbours::default();
        all.set_chunks(20);
        all.meet(Duration::ZERO, peer);
        let said = |chunks: &[usize]| Have::of(&set(20, chunks)).swap_remove(0);
        assert_eq!(all.has(&peer, &said(&[1, 2])), Some(set(20, &[1, 2])));
        assert_eq!(all.has(&peer, &said(&[2, 3])), Some(set(20, &[3])));
        assert_eq!(all.has(&peer, &Have { all: false, windows: vec![] }), Some(set(20, &[])));
        assert_eq!(all.remove(&peer), Some(set(20, &[1, 2, 3])));
    }

    #[test]
    fn long_maps_go_out_in_pieces() {
        let peer = PeerId::random();
        let mut all = Neighbours::default();
        all.set_chunks(1 << 20);
        all.meet(Duration::ZERO, peer);
        let every_other: Vec<_> = (0..1 << 20).step_by(2).collect();
        all.it_joined(&peer, &set(1 << 20, &every_other));
        let mut got = ChunkSet::with_capacity(1 << 20);
        let mut messages = 0;
        while let Some((_, update)) = all.next_update() {
            got.union_with(&update.chunks(1 << 20).unwrap());
            messages += 1;
            all.update_sent(&peer, None);
        }
        assert!(messages >= 4 && got == set(1 << 20, &every_other), "{messages}");
    }
}
