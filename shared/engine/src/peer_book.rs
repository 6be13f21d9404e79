//! Whom to dial, and when again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use rand::RngExt;
use shoal_addresses::{is_dialable, peer_of, without_peer};

use super::{Backoff, SeededRng};

/// The most peers that are remembered; further ones replace those that failed most.
pub const MAX_CANDIDATES: usize = 512;
/// The most addresses that are remembered of one peer.
const MAX_ADDRESSES: usize = 16;
/// Dials at once.
const MAX_DIALING: usize = 8;
/// Connections that are sought until [`SETTLED`]. Where many start at once, who comes first is dialled by those who
/// come later: were all to dial as many as they want at once, some would end with many times that.
const SOUGHT_AT_FIRST: usize = 8;
/// How long after its start a peer seeks few connections.
const SETTLED: Duration = Duration::from_secs(1);

/// Dial a peer at some addresses. Without a peer id, whoever answers at the address is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dial {
    /// Whom.
    pub peer: Option<PeerId>,
    /// Where; at least one.
    pub addresses: Vec<Multiaddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// To be dialled at this time.
    Waiting(Duration),
    Dialing,
    Connected,
}

#[derive(Debug)]
struct Candidate {
    addresses: BTreeSet<Multiaddr>,
    state: State,
    backoff: Backoff,
    /// Decides among those that have waited equally long, so that everybody connects to other ones.
    lot: u64,
    /// Given by the user: never forgotten to make room.
    pinned: bool,
}

/// Peers that may have what we want, and what came of dialling them.
///
/// Always holds: at most [`MAX_CANDIDATES`] peers with at most 16 addresses each; at most 8 dials at
/// once; never more connections [sought](PeerBook::sought) than `most_connected`; a banned peer is never dialled.
#[derive(Debug)]
pub struct PeerBook {
    local: PeerId,
    most_connected: usize,
    peers: BTreeMap<PeerId, Candidate>,
    /// Addresses given without a peer id, and when to try them.
    nameless: BTreeMap<Multiaddr, Candidate>,
    banned: BTreeSet<PeerId>,
    rng: SeededRng,
    /// When somebody to dial was first known.
    since: Option<Duration>,
}

fn candidate(now: Duration, rng: &mut SeededRng) -> Candidate {
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
    Candidate {
        addresses: BTreeSet::new(),
        state: State::Waiting(now),
        backoff,
        lot: rng.random(),
        pinned: false,
    }
}

impl PeerBook {
    /// Starts empty. `local` is never dialled.
    pub fn new(local: PeerId, most_connected: usize, rng: SeededRng) -> Self {
        Self {
            local,
            most_connected,
            peers: BTreeMap::new(),
            nameless: BTreeMap::new(),
            banned: BTreeSet::new(),
            rng,
            since: None,
        }
    }

    /// How many connections are sought in a swarm this long after the start, if in the end it is `most`.
    pub fn sought(after: Duration, most: usize) -> usize {
        if after < SETTLED { most.min(SOUGHT_AT_FIRST) } else { most }
    }

    /// Learns addresses of a peer. Addresses that cannot be dialled are ignored.
    pub fn add(&mut self, now: Duration, peer: PeerId, addresses: impl IntoIterator<Item = Multiaddr>) {
        if peer == self.local || self.banned.contains(&peer) {
            return;
        }
        let mut dialable = addresses.into_iter().filter(is_dialable).map(without_peer).peekable();
        if dialable.peek().is_none() || (!self.peers.contains_key(&peer) && !self.make_room()) {
            return;
        }
        let known = self.peers.entry(peer).or_insert_with(|| candidate(now, &mut self.rng));
        for address in dialable {
            // Addresses that led nowhere give way to new ones: anybody may have made them up.
            if known.addresses.len() >= MAX_ADDRESSES && known.backoff.failures() > 0 {
                known.addresses.pop_first();
            }
            if known.addresses.len() < MAX_ADDRESSES {
                known.addresses.insert(address);
            }
        }
    }

    /// Learns an address from the user, which may or may not end in `/p2p/PEER`.
    pub fn add_address(&mut self, now: Duration, address: Multiaddr) {
        match peer_of(&address) {
            Some(peer) => {
                self.add(now, peer, [address]);
                if let Some(known) = self.peers.get_mut(&peer) {
                    known.pinned = true;
                }
            }
            None if is_dialable(&address) && self.nameless.len() < MAX_CANDIDATES => {
                let known =
                    self.nameless.entry(address.clone()).or_insert_with(|| candidate(now, &mut self.rng));
                known.addresses.insert(address);
            }
            None => {}
        }
    }

    /// A connection stands, whoever began it.
    pub fn connected(&mut self, peer: PeerId, address: &Multiaddr) {
        if let Some(known) = self.peers.get_mut(&peer) {
            known.state = State::Connected;
            known.backoff.succeed();
        }
        let address = without_peer(address.clone());
        if let Some(mut known) = self.nameless.remove(&address) {
            known.state = State::Connected;
            self.peers.entry(peer).or_insert(known);
        }
    }

    /// The last connection to a peer is gone.
    pub fn disconnected(&mut self, now: Duration, peer: &PeerId) {
        if let Some(known) = self.peers.get_mut(peer) {
            retry(now, known, &mut self.rng);
        }
    }

    /// A dial led to nothing.
    pub fn dial_failed(&mut self, now: Duration, dial: &Dial) {
        let known = match &dial.peer {
            Some(peer) => self.peers.get_mut(peer),
            None => dial.addresses.first().and_then(|a| self.nameless.get_mut(a)),
        };
        if let Some(known) = known.filter(|k| k.state == State::Dialing) {
            retry(now, known, &mut self.rng);
        }
    }

    /// Never dial this peer again.
    pub fn ban(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
        if self.banned.len() < 16 * MAX_CANDIDATES {
            self.banned.insert(peer);
        }
    }

    /// The next dial that is due.
    pub fn poll(&mut self, now: Duration) -> Option<Dial> {
        let settled = *self.since.get_or_insert(now) + SETTLED;
        if !self.may_dial(now >= settled) {
            return None;
        }
        // Who has waited longest comes first, so that many dead peers cannot keep a living one waiting.
        let due = |c: &Candidate| match c.state {
            State::Waiting(at) if at <= now => Some(at),
            _ => None,
        };
        let named = self.peers.iter_mut().filter_map(|(peer, c)| Some((due(c)?, Some(*peer), c)));
        let nameless = self.nameless.values_mut().filter_map(|c| Some((due(c)?, None, c)));
        let (_, peer, known) = named.chain(nameless).min_by_key(|(at, _, c)| (*at, c.lot))?;
        known.state = State::Dialing;
        Some(Dial { peer, addresses: known.addresses.iter().cloned().collect() })
    }

    /// When [`poll`](Self::poll) may next have something; `None` if only an event can bring that.
    pub fn next_timeout(&self) -> Option<Duration> {
        let waiting = |c: &Candidate| match c.state {
            State::Waiting(at) => Some(at),
            _ => None,
        };
        let all = self.peers.values().chain(self.nameless.values());
        let next = all.filter_map(waiting).min()?;
        if self.may_dial(false) {
            return Some(next);
        }
        let settled = self.since.unwrap_or_default() + SETTLED;
        self.may_dial(true).then(|| next.max(settled))
    }

    /// Whether some dial is under way or some peer was never tried.
    pub fn is_hopeful(&self) -> bool {
        let hopeful = |c: &Candidate| c.state == State::Dialing || c.backoff.failures() == 0;
        self.peers.values().chain(self.nameless.values()).any(hopeful)
    }

    /// Peers and addresses that were ever learned and not banned.
    pub fn len(&self) -> usize {
        self.peers.len() + self.nameless.len()
    }

    /// Whether there is nobody to dial.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Peers that are taken for connected.
    pub fn connected_peers(&self) -> impl Iterator<Item = PeerId> {
        self.peers.iter().filter(|(_, c)| c.state == State::Connected).map(|(peer, _)| *peer)
    }

    /// Some known addresses of a peer, to pass on to others.
    pub fn addresses(&self, peer: &PeerId) -> Vec<Multiaddr> {
        self.peers.get(peer).map(|c| c.addresses.iter().cloned().collect()).unwrap_or_default()
    }

    fn may_dial(&self, settled: bool) -> bool {
        let count =
            |state| self.peers.values().chain(self.nameless.values()).filter(|c| c.state == state).count();
        let dialing = count(State::Dialing);
        let sought = Self::sought(if settled { SETTLED } else { Duration::ZERO }, self.most_connected);
        dialing < MAX_DIALING && dialing + count(State::Connected) < sought
    }

    /// Makes room for one more by forgetting who failed most; `false` if nobody failed.
    fn make_room(&mut self) -> bool {
        if self.peers.len() < MAX_CANDIDATES {
            return true;
        }
        let waiting = self.peers.iter().filter(|(_, c)| matches!(c.state, State::Waiting(_)) && !c.pinned);
        let worst = waiting.max_by_key(|(_, c)| c.backoff.failures());
        match worst.filter(|(_, c)| c.backoff.failures() > 0).map(|(id, _)| *id) {
            Some(worst) => self.peers.remove(&worst).is_some(),
            None => false,
        }
    }
}

/// Waits with jitter, so that peers that lost each other at once do not meet in the same moment again.
fn retry(now: Duration, known: &mut Candidate, rng: &mut SeededRng) {
    let wait = known.backoff.fail();
    known.state = State::Waiting(now + wait.mul_f64(rng.random_range(0.75..1.25)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;
    use rand::SeedableRng;

    fn address(port: u16) -> Multiaddr {
        format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()
    }

    fn book() -> PeerBook {
        PeerBook::new(peer(0), 10, SeededRng::seed_from_u64(1))
    }

    const START: Duration = Duration::ZERO;

    #[test]
    fn a_peer_is_dialled_once_and_again_later_after_a_failure() {
        let mut book = book();
        let peer = peer(1);
        book.add(START, peer, [address(1)]);
        let dial = book.poll(START).unwrap();
        assert_eq!(dial, Dial { peer: Some(peer), addresses: vec![address(1)] });
        assert_eq!(book.poll(START), None);
        book.dial_failed(START, &dial);
        assert_eq!(book.poll(START), None);
        let again = book.next_timeout().unwrap();
        assert!((750..1250).contains(&again.as_millis()), "{again:?}");
        assert_eq!(book.poll(again), Some(dial));
    }

    #[test]
    fn an_address_without_a_peer_becomes_the_peer_that_answers() {
        let mut book = book();
        book.add_address(START, address(1));
        assert_eq!(book.poll(START).unwrap().peer, None);
        let peer = peer(1);
        book.connected(peer, &address(1));
        book.disconnected(START, &peer);
        assert_eq!(book.poll(START + Duration::from_secs(2)).unwrap().peer, Some(peer));
    }

    #[test]
    fn banned_peers_and_oneself_are_never_dialled() {
        let mut book = book();
        let (local, bad) = (book.local, peer(1));
        book.add(START, local, [address(1)]);
        book.add(START, bad, [address(2)]);
        book.ban(bad);
        book.add(START, bad, [address(2)]);
        assert_eq!(book.poll(START), None);
    }

    #[test]
    fn no_more_connections_than_allowed_are_sought_and_at_first_fewer() {
        let mut book = book();
        for port in 1..=40 {
            book.add(START, peer(port.into()), [address(port)]);
        }
        let dial_all = |book: &mut PeerBook, now| {
            let dials = std::iter::from_fn(|| {
                let dial = book.poll(now)?;
                book.connected(dial.peer.unwrap(), &dial.addresses[0]);
                Some(dial)
            });
            dials.count()
        };
        assert_eq!(dial_all(&mut book, START), SOUGHT_AT_FIRST);
        let later = book.next_timeout().unwrap();
        assert_eq!(later, START + SETTLED);
        assert_eq!(dial_all(&mut book, later), 10 - SOUGHT_AT_FIRST);
        assert_eq!(book.next_timeout(), None);
    }

    #[test]
    fn the_book_is_bounded_and_forgets_failures_first() {
        let mut book = book();
        let first = peer(0xffff);
        book.add(START, first, [address(1)]);
        let dial = book.poll(START).unwrap();
        book.dial_failed(START, &dial);
        for n in 1..2 * MAX_CANDIDATES {
            book.add(START, peer(n), (1..100).map(address));
        }
        assert_eq!(book.len(), MAX_CANDIDATES);
        assert!(!book.peers.contains_key(&first));
        assert!(book.peers.values().all(|c| c.addresses.len() <= MAX_ADDRESSES));
    }

    #[test]
    fn many_dead_peers_do_not_keep_a_living_one_waiting() {
        let mut book = PeerBook::new(peer(0), 50, SeededRng::seed_from_u64(1));
        for n in 1..=60 {
            book.add(START, peer(n), [address(n as u16)]);
        }
        let last = peer(60);
        let mut now = START;
        for _ in 0..60 {
            let mut dials = vec![];
            while let Some(dial) = book.poll(now) {
                dials.push(dial);
            }
            if dials.iter().any(|dial| dial.peer == Some(last)) {
                return;
            }
            now += Duration::from_secs(10);
            dials.iter().for_each(|dial| book.dial_failed(now, dial));
        }
        panic!("the last of 60 was never dialled in {now:?}");
    }

    #[test]
    fn what_the_user_gave_is_never_forgotten() {
        let mut book = book();
        let given: Multiaddr = format!("/ip4/127.0.0.1/tcp/9/p2p/{}", peer(0xffff)).parse().unwrap();
        book.add_address(START, given);
        let dial = book.poll(START).unwrap();
        book.dial_failed(START, &dial);
        for n in 1..2 * MAX_CANDIDATES {
            book.add(START, peer(n), [address(1)]);
        }
        assert!(book.peers.contains_key(&peer(0xffff)));
    }
}
