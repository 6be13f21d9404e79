//! Memory of answers that are under way: a peer that asks and does not read must not make them pile up.
//!
//! What always holds: at most [`TOTAL`] bytes of large answers wait for their readers, of one network at most
//! [`PER_NETWORK`], of one peer at most [`PER_PEER`]. Small answers are not counted; their number is bounded by streams.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::IpAddr;

use libp2p::PeerId;
use shoal_addresses::Prefix;

/// Bytes for all together.
const TOTAL: usize = 64 << 20;
/// Bytes for a public /24 or /48.
const PER_NETWORK: usize = 8 << 20;
/// Bytes for one peer: more than the longest answer, and some hundred usual ones.
const PER_PEER: usize = 2 << 20;
/// Shorter answers are small, in bytes.
const SMALL: usize = 1 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Peer(PeerId),
    Network(Prefix),
}

impl Holder {
    fn most(self) -> usize {
        match self {
            Self::Peer(_) => PER_PEER,
            Self::Network(_) => PER_NETWORK,
        }
    }
}

/// Counts answers from when they are given until they are read or given up. `K` names one.
#[derive(Debug)]
pub(crate) struct AnswerBudget<K> {
    under_way: HashMap<K, (usize, Vec<Holder>)>,
    of: BTreeMap<Holder, usize>,
    total: usize,
}

impl<K> Default for AnswerBudget<K> {
    fn default() -> Self {
        Self { under_way: HashMap::new(), of: BTreeMap::new(), total: 0 }
    }
}

impl<K: Eq + Hash> AnswerBudget<K> {
    /// Whether there is room for an answer of so many bytes to a peer at `ip`; if so, that is taken until
    /// [`ended`](Self::ended).
    pub(crate) fn begin(&mut self, answer: K, peer: PeerId, ip: Option<IpAddr>, bytes: usize) -> bool {
        if bytes < SMALL {
            return true;
        }
        let network = ip.and_then(Prefix::of).map(Holder::Network);
        let holders: Vec<Holder> = [Holder::Peer(peer)].into_iter().chain(network).collect();
        let taken = |holder: &Holder| self.of.get(holder).copied().unwrap_or(0);
        let fits = holders.iter().all(|holder| taken(holder) + bytes <= holder.most());
        if !fits || self.total + bytes > TOTAL {
            return false;
        }
        self.total += bytes;
        holders.iter().for_each(|holder| *self.of.entry(*holder).or_default() += bytes);
        self.under_way.insert(answer, (bytes, holders));
        true
    }

    /// An answer is read or given up. One that was small is none of these.
    pub(crate) fn ended(&mut self, answer: &K) {
        let Some((bytes, holders)) = self.under_way.remove(answer) else { return };
        self.total -= bytes;
        for holder in holders {
            let left = self.of.get_mut(&holder).map(|taken| {
                *taken -= bytes;
                *taken
            });
            if left == Some(0) {
                self.of.remove(&holder);
            }
        }
    }

    /// Bytes that are taken.
    #[cfg(test)]
    pub(crate) fn total(&self) -> usize {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 1 << 20;

    /// How many of 1000 large answers fit at once, `peers` taking turns, each at the address that `ip` gives.
    fn fit(peers: usize, ip: impl Fn(usize) -> Option<IpAddr>) -> usize {
        let peers: Vec<_> = (0..peers).map(|_| PeerId::random()).collect();
        let mut budget = AnswerBudget::default();
        let mut fits = 0;
        for n in 0..1000 {
            let who = n % peers.len();
            fits += usize::from(budget.begin(n, peers[who], ip(who), LARGE));
        }
        assert_eq!(budget.total(), fits * LARGE);
        (0..1000).for_each(|n| budget.ended(&n));
        assert!(budget.total() == 0 && budget.of.is_empty() && budget.under_way.is_empty());
        fits
    }

    #[test]
    fn each_peer_each_network_and_all_have_a_bound() {
        assert_eq!(fit(1, |_| None), PER_PEER / LARGE);
        assert_eq!(fit(100, |n| Some([8, 8, 8, n as u8].into())), PER_NETWORK / LARGE);
        assert_eq!(fit(100, |n| Some([8, 8, n as u8, 8].into())), TOTAL / LARGE);
        assert_eq!(fit(100, |_| Some([127, 0, 0, 1].into())), TOTAL / LARGE, "a proxy's peers are many");
    }

    #[test]
    fn small_answers_always_fit() {
        let mut budget = AnswerBudget::default();
        let peer = PeerId::random();
        assert!((0..10_000).all(|n| budget.begin(n, peer, None, SMALL - 1)));
        assert_eq!(budget.total(), 0);
    }
}
