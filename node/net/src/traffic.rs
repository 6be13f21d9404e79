//! What went to and came from each peer.
//!
//! What always holds: totals are exact; at most [`MAX_PEERS`] peers are listed, of the others there is the sum.

use std::collections::BTreeMap;

use libp2p::PeerId;

/// Peers that are listed one by one.
const MAX_PEERS: usize = 1024;

/// What was exchanged with a peer, or with several. Bytes are those of chunks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exchanged {
    /// Verified bytes that came.
    pub received: u64,
    /// Bytes that came and were here already.
    pub duplicate: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Verified chunks that came, without those that were here already.
    pub chunks_received: u64,
    /// Chunks that came and were here already.
    pub chunks_duplicate: u64,
    /// Chunks sent.
    pub chunks_sent: u64,
    /// Chunks that came and did not match their hashes.
    pub chunks_corrupt: u64,
    /// Requests for chunks that this node refused, without those for any chunk where nothing was fresh. Counted for the
    /// node as a whole, not for each content.
    pub requests_refused: u64,
}

impl Exchanged {
    /// A verified chunk of so many bytes came; `duplicate` if it was here already.
    pub(crate) fn received(bytes: u64, duplicate: bool) -> Self {
        match duplicate {
            true => Self { duplicate: bytes, chunks_duplicate: 1, ..Self::default() },
            false => Self { received: bytes, chunks_received: 1, ..Self::default() },
        }
    }

    /// A chunk of so many bytes was sent.
    pub(crate) fn sent(bytes: u64) -> Self {
        Self { sent: bytes, chunks_sent: 1, ..Self::default() }
    }

    /// A chunk did not match.
    pub(crate) fn corrupt() -> Self {
        Self { chunks_corrupt: 1, ..Self::default() }
    }

    /// This node refused a request.
    pub(crate) fn refused() -> Self {
        Self { requests_refused: 1, ..Self::default() }
    }

    fn all(&self) -> u64 {
        self.received.saturating_add(self.duplicate).saturating_add(self.sent)
    }

    fn add(&mut self, more: Self) {
        let add = |to: &mut u64, more: u64| *to = to.saturating_add(more);
        add(&mut self.received, more.received);
        add(&mut self.duplicate, more.duplicate);
        add(&mut self.sent, more.sent);
        add(&mut self.chunks_received, more.chunks_received);
        add(&mut self.chunks_duplicate, more.chunks_duplicate);
        add(&mut self.chunks_sent, more.chunks_sent);
        add(&mut self.chunks_corrupt, more.chunks_corrupt);
        add(&mut self.requests_refused, more.requests_refused);
    }
}

/// What was exchanged: for one content since it was started, or for all contents of a node since that was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// With everybody; exact.
    pub total: Exchanged,
    /// With each of at most 1024 peers. Where there were more, those with the least are not listed.
    pub peers: BTreeMap<PeerId, Exchanged>,
    /// With all peers that are not listed.
    pub others: Exchanged,
}

impl Traffic {
    /// What was exchanged with a peer, as far as it is listed.
    pub fn with(&self, peer: &PeerId) -> Exchanged {
        self.peers.get(peer).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, peer: PeerId, more: Exchanged) {
        self.total.add(more);
        if self.peers.len() >= MAX_PEERS && !self.peers.contains_key(&peer) {
            let least = self.peers.iter().min_by_key(|(_, exchanged)| exchanged.all());
            if let Some(least) = least.map(|(peer, _)| *peer)
                && let Some(exchanged) = self.peers.remove(&least)
            {
                self.others.add(exchanged);
            }
        }
        self.peers.entry(peer).or_default().add(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_exact_however_many_peers_there_are() {
        let mut traffic = Traffic::default();
        let large = PeerId::random();
        traffic.add(large, Exchanged::received(1 << 30, false));
        let n = 3 * MAX_PEERS as u64;
        for k in 0..n {
            traffic.add(PeerId::random(), Exchanged::sent(1000 + k));
            traffic.add(PeerId::random(), Exchanged::refused());
        }
        traffic.add(large, Exchanged::received(7, true));
        traffic.add(large, Exchanged::corrupt());
        let from_large = Exchanged {
            received: 1 << 30,
            duplicate: 7,
            chunks_received: 1,
            chunks_duplicate: 1,
            chunks_corrupt: 1,
            ..Exchanged::default()
        };
        let sent = 1000 * n + n * (n - 1) / 2;
        let total = Exchanged { sent, chunks_sent: n, requests_refused: n, ..from_large };
        assert_eq!((traffic.total, traffic.peers.len()), (total, MAX_PEERS));
        let mut sum = traffic.others;
        traffic.peers.values().for_each(|exchanged| sum.add(*exchanged));
        assert_eq!(sum, total);
        assert!(traffic.others.sent > 0 && traffic.others.received == 0);
        assert_eq!(traffic.with(&large), from_large);
    }
}
