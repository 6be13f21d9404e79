//! The peers to begin with: those that the user named, those that worked the last time, neighbours on the LAN.
//!
//! Each is sought until it was reached once, as long as too few peers of the DHT are known; when none is known any more, it
//! begins anew. Any running node will do, so there is nothing special about the first one of a network.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p_identity::PeerId;

use crate::Backoff;

/// Where a peer to begin with is known from. Earlier kinds come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Beginning {
    Named,
    Remembered,
    Lan,
}

impl Beginning {
    /// It is sought while fewer peers of the DHT than this are known.
    fn enough(self) -> usize {
        match self {
            Self::Named => usize::MAX,
            Self::Remembered => 8,
            Self::Lan => 1,
        }
    }

    /// The most that are sought at once.
    fn at_once(self) -> usize {
        match self {
            Self::Named => 8,
            Self::Remembered => 4,
            Self::Lan => 3,
        }
    }
}

/// The most peers of each kind.
const MAX_OF_A_KIND: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// May be sought from this time on.
    Waiting(Duration),
    Sought,
    /// It was reached.
    Done,
}

#[derive(Debug)]
struct Entry {
    kind: Beginning,
    state: State,
    backoff: Backoff,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Bootstraps {
    peers: BTreeMap<PeerId, Entry>,
    /// Peers of the DHT that are known.
    table: usize,
}

impl Bootstraps {
    pub(super) fn add(&mut self, now: Duration, peer: PeerId, kind: Beginning) {
        if let Some(known) = self.peers.get_mut(&peer) {
            known.kind = known.kind.min(kind);
            return;
        }
        if self.peers.values().filter(|entry| entry.kind == kind).count() < MAX_OF_A_KIND {
            let backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(60));
            self.peers.insert(peer, Entry { kind, state: State::Waiting(now), backoff });
        }
    }

    /// A neighbour on the LAN may be gone.
    pub(super) fn forget_lan(&mut self, peer: &PeerId) {
        if self.peers.get(peer).is_some_and(|entry| entry.kind == Beginning::Lan) {
            self.peers.remove(peer);
        }
    }

    /// So many peers of the DHT are known now.
    pub(super) fn set_table(&mut self, now: Duration, table: usize) {
        if table == 0 && self.table > 0 {
            for entry in self.peers.values_mut().filter(|entry| entry.state == State::Done) {
                entry.state = State::Waiting(now + entry.backoff.fail());
            }
        }
        self.table = table;
    }

    /// A peer that was sought is connected. Whether it was.
    pub(super) fn reached(&mut self, peer: &PeerId) -> bool {
        let Some(entry) = self.peers.get_mut(peer).filter(|entry| entry.state == State::Sought) else {
            return false;
        };
        entry.state = State::Done;
        entry.backoff.succeed();
        true
    }

    /// A peer that was sought cannot be reached before `retry_at`, as far as is known.
    pub(super) fn failed(&mut self, now: Duration, peer: &PeerId, retry_at: Duration) {
        if let Some(entry) = self.peers.get_mut(peer).filter(|entry| entry.state == State::Sought) {
            entry.state = State::Waiting((now + entry.backoff.fail()).max(retry_at));
        }
    }

    /// The next one to seek.
    pub(super) fn poll(&mut self, now: Duration) -> Option<PeerId> {
        let ready = self.ready();
        let due = ready.filter(|(at, ..)| *at <= now).min_by_key(|(at, kind, peer)| (*kind, *at, *peer));
        let (_, _, peer) = due?;
        self.peers.get_mut(&peer)?.state = State::Sought;
        Some(peer)
    }

    /// When [`poll`](Self::poll) may next have one.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.ready().map(|(at, ..)| at).min()
    }

    /// Those that are wanted and not sought: when, of which kind, who.
    fn ready(&self) -> impl Iterator<Item = (Duration, Beginning, PeerId)> + use<> {
        let sought = |kind| {
            let of_kind = self.peers.values().filter(move |entry| entry.kind == kind);
            of_kind.filter(|entry| entry.state == State::Sought).count()
        };
        let kinds = [Beginning::Named, Beginning::Remembered, Beginning::Lan];
        let open: Vec<Beginning> = kinds
            .into_iter()
            .filter(|kind| self.table < kind.enough() && sought(*kind) < kind.at_once())
            .collect();
        let waiting = self.peers.iter().filter_map(|(peer, entry)| match entry.state {
            State::Waiting(at) if open.contains(&entry.kind) => Some((at, entry.kind, *peer)),
            _ => None,
        });
        waiting.collect::<Vec<_>>().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn named_ones_are_always_reached_and_others_only_where_there_is_need() {
        let mut all = Bootstraps::default();
        all.add(secs(0), peer(1), Beginning::Lan);
        all.add(secs(0), peer(2), Beginning::Remembered);
        all.add(secs(0), peer(3), Beginning::Named);
        all.set_table(secs(0), 1);
        let begun: Vec<_> = std::iter::from_fn(|| all.poll(secs(0))).collect();
        assert_eq!(begun, [peer(3), peer(2)], "one peer is known, so none of the LAN is needed");
        assert!(all.reached(&peer(3)) && !all.reached(&peer(1)));
        all.failed(secs(0), &peer(2), secs(0));
        assert_eq!((all.poll(secs(1)), all.poll(secs(2))), (None, Some(peer(2))));
    }

    #[test]
    fn when_nobody_is_left_it_begins_anew() {
        let mut all = Bootstraps::default();
        all.add(secs(0), peer(1), Beginning::Named);
        assert_eq!(all.poll(secs(0)), Some(peer(1)));
        all.reached(&peer(1));
        all.set_table(secs(1), 3);
        assert_eq!((all.poll(secs(100)), all.next_timeout()), (None, None));
        all.set_table(secs(100), 0);
        assert_eq!(all.next_timeout(), Some(secs(102)));
        assert_eq!(all.poll(secs(102)), Some(peer(1)));
    }

    #[test]
    fn a_failure_is_waited_for_ever_longer_and_the_list_is_bounded() {
        let mut all = Bootstraps::default();
        (0..1000).for_each(|n| all.add(secs(0), peer(n), Beginning::Lan));
        assert_eq!(all.peers.len(), MAX_OF_A_KIND);
        let begun: Vec<_> = std::iter::from_fn(|| all.poll(secs(0))).collect();
        assert_eq!(begun.len(), 3);
        for wait in [2, 4, 8] {
            begun.iter().for_each(|it| all.failed(secs(0), it, secs(0)));
            let State::Waiting(at) = all.peers[&begun[0]].state else { panic!("it waits") };
            assert_eq!(at, secs(wait));
            begun.iter().for_each(|it| all.peers.get_mut(it).unwrap().state = State::Sought);
        }
    }
}
