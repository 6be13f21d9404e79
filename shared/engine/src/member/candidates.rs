//! Peers that may have the content, and which of them to connect to next.
//!
//! What always holds: at most [`MAX_CANDIDATES`] peers; a peer that the user named is never forgotten; what a less
//! trusted source tells never displaces what a more trusted one told.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;

use super::messages::PeerSource;
use crate::{PeerName, SeededRng};

/// The most peers that are remembered of one content.
pub(super) const MAX_CANDIDATES: usize = 256;
/// Tries in a row after which a candidate that only others told of is forgotten by a member that needs nothing.
const TRIES_OF_COMPLETE: u32 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// May be sought from this time on.
    Waiting(Duration),
    /// A connection was asked for.
    Sought,
    /// Connected because it was sought.
    Connected,
}

#[derive(Debug)]
struct Candidate {
    state: State,
    source: PeerSource,
    /// Whether a connection was ever asked for.
    tried: bool,
    /// Tries in a row that led to nothing.
    failures: u32,
    /// Whether it said that it has everything.
    complete: bool,
    /// Decides among those that have waited equally long, so that everybody connects to other ones.
    lot: u32,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Candidates<P> {
    all: BTreeMap<P, Candidate>,
    /// Connections that were asked for and do not stand yet.
    sought: usize,
    /// No candidate is due before this time; `None`: none waits.
    due: Option<Duration>,
}

impl<P> Default for Candidates<P> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), sought: 0, due: None }
    }
}

impl<P: PeerName> Candidates<P> {
    /// Connections that were asked for and do not stand yet.
    pub(super) fn sought(&self) -> usize {
        self.sought
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// When the next candidate may be due.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// Whether this member connected to the peer on its own account.
    pub(super) fn is_connected(&self, peer: &P) -> bool {
        self.all.get(peer).is_some_and(|c| c.state == State::Connected)
    }

    /// Whether a connection to the peer was asked for and does not stand yet.
    pub(super) fn is_sought(&self, peer: &P) -> bool {
        self.all.get(peer).is_some_and(|c| c.state == State::Sought)
    }

    /// Peers to which a connection was asked for that does not stand yet.
    pub(super) fn sought_peers(&self) -> impl Iterator<Item = P> {
        self.all.iter().filter(|(_, c)| c.state == State::Sought).map(|(peer, _)| *peer)
    }

    /// Learns of a peer.
    pub(super) fn add(&mut self, now: Duration, peer: P, source: PeerSource, rng: &mut SeededRng) {
        if let Some(known) = self.all.get_mut(&peer) {
            known.source = known.source.max(source);
            return;
        }
        if self.all.len() >= MAX_CANDIDATES && !self.make_room(source) {
            return;
        }
        let candidate = Candidate {
            state: State::Waiting(now),
            source,
            tried: false,
            failures: 0,
            complete: false,
            lot: rng.random(),
        };
        self.all.insert(peer, candidate);
        self.wait_until(now);
    }

    /// The next one to connect to; it counts as sought from now on. A member that needs nothing has no use for
    /// `complete` ones.
    pub(super) fn next(&mut self, now: Duration, complete: bool) -> Option<P> {
        if self.due.is_none_or(|due| now < due) {
            return None;
        }
        // The user's own come first, then those that have waited longest, so that many dead peers cannot keep a
        // living one waiting.
        let due = |c: &Candidate| match c.state {
            State::Waiting(at) if at <= now && (complete || !c.complete) => Some(at),
            _ => None,
        };
        let all = self.all.iter().filter_map(|(peer, c)| Some((due(c)?, *peer, c)));
        let next = all.min_by_key(|(at, _, c)| (c.source != PeerSource::User, *at, c.lot));
        let next = next.map(|(_, peer, _)| peer);
        match next {
            Some(peer) => {
                self.set(&peer, State::Sought);
            }
            None => self.reckon_due(now, complete),
        }
        next
    }

    /// When somebody is due that was never tried.
    pub(super) fn untried_due(&self) -> Option<Duration> {
        let waiting = |c: &Candidate| match c.state {
            State::Waiting(at) if !c.tried => Some(at),
            _ => None,
        };
        self.all.values().filter_map(waiting).min()
    }

    pub(super) fn connected(&mut self, peer: &P) {
        if let Some(candidate) = self.set(peer, State::Connected) {
            candidate.failures = 0;
        }
    }

    /// What was tried with a peer led to nothing. Not before `retry_at` again.
    pub(super) fn failed(&mut self, peer: &P, retry_at: Duration, complete: bool) {
        let Some(candidate) = self.set(peer, State::Waiting(retry_at)) else { return };
        candidate.failures += 1;
        if complete && candidate.failures >= TRIES_OF_COMPLETE && candidate.source != PeerSource::User {
            self.all.remove(peer);
        } else {
            self.wait_until(retry_at);
        }
    }

    /// A connection that stood has ended.
    pub(super) fn ended(&mut self, peer: &P, retry_at: Duration) {
        if self.set(peer, State::Waiting(retry_at)).is_some() {
            self.wait_until(retry_at);
        }
    }

    /// A peer has everything, or not any more.
    pub(super) fn set_complete(&mut self, peer: &P, complete: bool) {
        if let Some(candidate) = self.all.get_mut(peer) {
            candidate.complete = complete;
        }
    }

    /// Forgets a peer.
    pub(super) fn remove(&mut self, peer: &P) {
        self.set(peer, State::Connected);
        self.all.remove(peer);
    }

    fn set(&mut self, peer: &P, state: State) -> Option<&mut Candidate> {
        let candidate = self.all.get_mut(peer)?;
        self.sought -= usize::from(candidate.state == State::Sought);
        self.sought += usize::from(state == State::Sought);
        candidate.state = state;
        candidate.tried = true;
        Some(candidate)
    }

    fn wait_until(&mut self, at: Duration) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    fn reckon_due(&mut self, now: Duration, complete: bool) {
        let waiting = |c: &Candidate| match c.state {
            State::Waiting(at) if complete || !c.complete => Some(at),
            _ => None,
        };
        self.due = self.all.values().filter_map(waiting).filter(|at| *at > now).min();
    }

    /// Makes room for one more: a peer of the least trusted source that failed most often goes, ties by lot.
    fn make_room(&mut self, source: PeerSource) -> bool {
        let waits = |c: &Candidate| matches!(c.state, State::Waiting(_)) && c.source != PeerSource::User;
        let all = self.all.iter().filter(|(_, c)| waits(c) && c.source <= source);
        let worst = all.min_by_key(|(_, c)| (c.source, std::cmp::Reverse(c.failures), c.lot));
        worst.map(|(peer, _)| *peer).is_some_and(|peer| self.all.remove(&peer).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;

    const NOW: Duration = Duration::from_secs(1);

    fn rng() -> SeededRng {
        SeededRng::seed_from_u64(1)
    }

    fn with(peers: impl IntoIterator<Item = u32>, source: PeerSource) -> Candidates<u32> {
        let (mut all, mut rng) = (Candidates::default(), rng());
        peers.into_iter().for_each(|peer| all.add(NOW, peer, source, &mut rng));
        all
    }

    #[test]
    fn each_is_sought_once_and_again_after_its_time() {
        let mut all = with([7], PeerSource::Tracker);
        assert_eq!(all.next(NOW, true), Some(7));
        assert_eq!((all.next(NOW, true), all.sought()), (None, 1));
        let later = NOW + Duration::from_secs(5);
        all.failed(&7, later, false);
        assert_eq!((all.next(NOW, true), all.due(), all.sought()), (None, Some(later), 0));
        assert_eq!(all.next(later, true), Some(7));
    }

    #[test]
    fn what_the_user_named_comes_first_and_stays() {
        let mut all = with(0..100, PeerSource::Tracker);
        all.add(NOW, 1000, PeerSource::User, &mut rng());
        assert_eq!(all.next(NOW, true), Some(1000));
        all.failed(&1000, NOW, true);
        let mut rng = rng();
        (2000..4000).for_each(|peer| all.add(NOW, peer, PeerSource::User, &mut rng));
        assert!(all.all.contains_key(&1000) && all.all.len() <= MAX_CANDIDATES);
    }

    #[test]
    fn told_by_peers_never_displaces_told_by_trackers() {
        let mut all = with(0..MAX_CANDIDATES as u32, PeerSource::Tracker);
        let mut rng = rng();
        (1000..2000).for_each(|peer| all.add(NOW, peer, PeerSource::Peer, &mut rng));
        assert!(all.all.keys().all(|peer| *peer < 1000));
        all.add(NOW, 5000, PeerSource::Tracker, &mut rng);
        assert!(all.all.contains_key(&5000) && all.all.len() == MAX_CANDIDATES);
    }

    #[test]
    fn a_member_that_needs_nothing_seeks_no_complete_peer() {
        let mut all = with([1, 2], PeerSource::Tracker);
        all.set_complete(&1, true);
        assert_eq!((all.next(NOW, false), all.next(NOW, false)), (Some(2), None));
        all.failed(&2, NOW, true);
        assert_eq!(all.next(NOW, false), Some(2));
        all.failed(&2, NOW, true);
        assert_eq!(all.next(NOW, false), None, "forgotten after the second try");
        all.wait_until(NOW);
        assert_eq!(all.next(NOW, true), Some(1));
    }

    proptest! {
        /// Whatever happens, `due` never lies after the time at which somebody is due.
        #[test]
        fn nobody_is_overlooked(steps in prop::collection::vec((0u8..5, 0u32..8, 0u64..50), 0..100)) {
            let mut all = Candidates::default();
            let mut rng = rng();
            let mut now = Duration::ZERO;
            for (what, peer, millis) in steps {
                now += Duration::from_millis(millis);
                match what {
                    0 => all.add(now, peer, PeerSource::Tracker, &mut rng),
                    1 => drop(all.next(now, true)),
                    2 => all.connected(&peer),
                    3 => all.ended(&peer, now + Duration::from_millis(millis)),
                    _ => all.failed(&peer, now + Duration::from_millis(millis), false),
                }
                let sought = all.all.values().filter(|c| c.state == State::Sought).count();
                prop_assert_eq!(all.sought(), sought);
                let waiting = all.all.values().filter_map(|c| match c.state {
                    State::Waiting(at) => Some(at),
                    _ => None,
                });
                if let Some(at) = waiting.min() {
                    prop_assert!(all.due().is_some_and(|due| due <= at.max(now)), "{at:?} {:?}", all.due());
                }
            }
        }
    }
}
