//! What a node does to find peers without a tracker, for all of its contents together.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use shoal_content::ContentId;

use super::agenda::{Agenda, AgendaStep};
use super::bootstraps::{Beginning, Bootstraps};
use super::lan::{LanPeers, Subnet, on_link};
use super::wish::ContentWish;
use crate::{PeerSource, SeededRng};

/// The most peers that worked the last time that a content asks.
const MOST_TOLD: usize = 16;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiscoveryOutput {
    /// Ask the DHT who has a content; [`Discovery::looked_up`] is expected.
    LookUp(ContentId),
    /// Tell the DHT that this node has a content; [`Discovery::announced`] is expected.
    Announce(ContentId),
    /// This node says no more that it has a content.
    Withdraw(ContentId),
    /// Let a content know of peers that may have it.
    Tell {
        /// Which content.
        content: ContentId,
        /// The peers.
        peers: Vec<PeerId>,
        /// How they were found.
        source: PeerSource,
    },
    /// Connect to a peer, to begin with; [`Discovery::reached`] or [`Discovery::failed`] is expected.
    Seek(PeerId),
    /// Ask the LAN for neighbours often, or rarely.
    Search {
        /// Often: something is missing and does not come from several peers.
        often: bool,
    },
}

/// See the module. Drain [`Discovery::poll`] after each call.
#[derive(Debug)]
pub struct Discovery {
    agenda: Agenda,
    lan: LanPeers,
    bootstraps: Bootstraps,
    wishes: BTreeMap<ContentId, ContentWish>,
    /// Peers that worked the last time; every content asks them first.
    remembered: Vec<PeerId>,
    /// Peers of the DHT that are known.
    table: usize,
    searching: bool,
    /// Whether the node takes part in the DHT; without that nobody is needed to begin with.
    dht: bool,
    /// Nothing is to be done before this time unless something is told; `None`: not known.
    idle_until: Option<Duration>,
    rng: SeededRng,
    outputs: VecDeque<DiscoveryOutput>,
}

impl Discovery {
    /// Starts with peers that worked the last time, the best first. `dht`: whether the node takes part in the DHT.
    pub fn new(now: Duration, mut remembered: Vec<PeerId>, dht: bool, rng: SeededRng) -> Self {
        let mut bootstraps = Bootstraps::default();
        remembered.iter().for_each(|peer| bootstraps.add(now, *peer, Beginning::Remembered));
        remembered.truncate(MOST_TOLD);
        Self {
            agenda: Agenda::default(),
            lan: LanPeers::default(),
            bootstraps,
            wishes: BTreeMap::new(),
            remembered,
            table: 0,
            searching: false,
            dht,
            idle_until: None,
            rng,
            outputs: VecDeque::new(),
        }
    }

    /// What a content wants now.
    pub fn wish(&mut self, now: Duration, content: ContentId, wish: ContentWish) {
        self.idle_until = None;
        let before = self.wishes.insert(content, wish).unwrap_or_default();
        self.agenda.set(now, content, wish);
        if wish.hungry && !before.hungry {
            self.tell(content, self.remembered.clone(), PeerSource::Remembered);
            self.tell(content, self.lan.all(), PeerSource::Lan);
        }
        self.note_search();
    }

    /// A content has nothing to do with others any more.
    pub fn forget(&mut self, content: ContentId) {
        self.idle_until = None;
        self.wishes.remove(&content);
        if self.agenda.remove(&content) {
            self.outputs.push_back(DiscoveryOutput::Withdraw(content));
        }
        self.note_search();
    }

    /// So many peers of the DHT are known now.
    pub fn set_table(&mut self, now: Duration, table: usize) {
        self.idle_until = None;
        if self.table == 0 && table > 0 {
            self.agenda.hurry(now);
        }
        self.table = table;
        self.bootstraps.set_table(now, table);
    }

    /// The user named a peer to begin with.
    pub fn named(&mut self, now: Duration, peer: PeerId) {
        self.idle_until = None;
        self.bootstraps.add(now, peer, Beginning::Named);
    }

    /// Multicast DNS brought addresses of a peer. Returns those that are of use; with none, it never heard of it.
    pub fn heard_on_lan(
        &mut self,
        now: Duration,
        peer: PeerId,
        addresses: impl IntoIterator<Item = Multiaddr>,
        own: &[Subnet],
    ) -> Vec<Multiaddr> {
        let addresses = on_link(addresses, own);
        if !addresses.is_empty() && self.lan.heard(now, peer, &mut self.rng) {
            self.idle_until = None;
            self.bootstraps.add(now, peer, Beginning::Lan);
            let hungry = self.wishes.iter().filter(|(_, wish)| wish.hungry);
            for content in hungry.map(|(content, _)| *content).collect::<Vec<_>>() {
                self.tell(content, vec![peer], PeerSource::Lan);
            }
        }
        addresses
    }

    /// A neighbour on the LAN was not heard of for some time.
    pub fn gone_from_lan(&mut self, peer: &PeerId) {
        self.lan.forget(peer);
        self.bootstraps.forget_lan(peer);
    }

    /// Neighbours on the LAN that are known.
    pub fn lan_peers(&self) -> usize {
        self.lan.len()
    }

    /// The DHT names peers that say that they have a content.
    pub fn found(&mut self, content: ContentId, peers: Vec<PeerId>) {
        if self.wishes.get(&content).is_some_and(|wish| wish.hungry) {
            self.idle_until = None;
            self.tell(content, peers, PeerSource::Dht);
        }
    }

    /// A lookup has ended.
    pub fn looked_up(&mut self, now: Duration, content: ContentId) {
        self.idle_until = None;
        self.agenda.looked_up(now, &content);
    }

    /// An announcement has ended. `reached`: somebody was told.
    pub fn announced(&mut self, now: Duration, content: ContentId, reached: bool) {
        self.idle_until = None;
        self.agenda.announced(now, &content, reached);
    }

    /// A peer is connected. Whether it was sought to begin with.
    pub fn reached(&mut self, peer: &PeerId) -> bool {
        self.idle_until = None;
        self.bootstraps.reached(peer)
    }

    /// A peer cannot be reached before `retry_at`.
    pub fn failed(&mut self, now: Duration, peer: &PeerId, retry_at: Duration) {
        self.idle_until = None;
        self.bootstraps.failed(now, peer, retry_at);
    }

    /// The next thing to do.
    pub fn poll(&mut self, now: Duration) -> Option<DiscoveryOutput> {
        // A node asks with each of its events, so where nothing is to be done that must cost nothing.
        if self.outputs.is_empty() && self.idle_until.is_some_and(|at| now < at) {
            return None;
        }
        let output = self.next_output(now);
        if output.is_none() {
            self.idle_until = Some(self.reckon_timeout().unwrap_or(Duration::MAX));
        }
        output
    }

    fn next_output(&mut self, now: Duration) -> Option<DiscoveryOutput> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        if self.dht
            && let Some(peer) = self.bootstraps.poll(now)
        {
            return Some(DiscoveryOutput::Seek(peer));
        }
        if self.table == 0 {
            return None;
        }
        Some(match self.agenda.poll(now)? {
            AgendaStep::LookUp(content) => DiscoveryOutput::LookUp(content),
            AgendaStep::Announce(content) => DiscoveryOutput::Announce(content),
        })
    }

    /// When [`poll`](Self::poll) may next have something that no call brings.
    pub fn next_timeout(&self) -> Option<Duration> {
        if !self.outputs.is_empty() {
            return Some(Duration::ZERO);
        }
        match self.idle_until {
            Some(Duration::MAX) => None,
            Some(at) => Some(at),
            None => self.reckon_timeout(),
        }
    }

    fn reckon_timeout(&self) -> Option<Duration> {
        let agenda = self.agenda.next_timeout().filter(|_| self.table > 0);
        let beginning = self.bootstraps.next_timeout().filter(|_| self.dht);
        agenda.into_iter().chain(beginning).min()
    }

    fn tell(&mut self, content: ContentId, peers: Vec<PeerId>, source: PeerSource) {
        if !peers.is_empty() {
            self.outputs.push_back(DiscoveryOutput::Tell { content, peers, source });
        }
    }

    fn note_search(&mut self) {
        let searching = self.wishes.values().any(|wish| wish.hungry && !wish.supplied);
        if searching != self.searching {
            self.searching = searching;
            self.outputs.push_back(DiscoveryOutput::Search { often: searching });
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use shoal_content::Hash;

    use super::*;
    use crate::testing::peer;

    const HUNGRY: ContentWish = ContentWish { hungry: true, supplied: false, holds: false };
    const HOLDS: ContentWish = ContentWish { hungry: false, supplied: false, holds: true };

    fn content(n: u8) -> ContentId {
        ContentId::from_root_hash(Hash::from_bytes([n; 32]))
    }

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn machine(remembered: Vec<PeerId>) -> Discovery {
        Discovery::new(secs(0), remembered, true, SeededRng::seed_from_u64(1))
    }

    fn drain(machine: &mut Discovery, now: u64) -> Vec<DiscoveryOutput> {
        std::iter::from_fn(|| machine.poll(secs(now))).collect()
    }

    fn tell(n: u8, who: usize, source: PeerSource) -> DiscoveryOutput {
        DiscoveryOutput::Tell { content: content(n), peers: vec![peer(who)], source }
    }

    #[test]
    fn the_dht_is_asked_once_somebody_of_it_is_known() {
        let mut machine = machine(vec![]);
        machine.wish(secs(0), content(1), HUNGRY);
        assert_eq!(drain(&mut machine, 0), [DiscoveryOutput::Search { often: true }]);
        assert_eq!(machine.next_timeout(), None, "there is nobody to ask");
        machine.set_table(secs(5), 1);
        assert_eq!(drain(&mut machine, 5), [DiscoveryOutput::LookUp(content(1))]);
        machine.found(content(1), vec![peer(3)]);
        machine.found(content(2), vec![peer(3)]);
        machine.looked_up(secs(6), content(1));
        assert_eq!(drain(&mut machine, 6), [tell(1, 3, PeerSource::Dht)]);
        machine.wish(secs(7), content(1), HOLDS);
        assert_eq!(
            drain(&mut machine, 7),
            [DiscoveryOutput::Search { often: false }, DiscoveryOutput::Announce(content(1))]
        );
        machine.announced(secs(8), content(1), true);
        machine.forget(content(1));
        assert_eq!(drain(&mut machine, 9), [DiscoveryOutput::Withdraw(content(1))]);
    }

    #[test]
    fn the_lan_is_asked_rarely_while_chunks_come_from_several_peers() {
        let mut machine = machine(vec![]);
        machine.wish(secs(0), content(1), HUNGRY);
        assert_eq!(drain(&mut machine, 0), [DiscoveryOutput::Search { often: true }]);
        machine.wish(secs(1), content(1), ContentWish { supplied: true, ..HUNGRY });
        assert_eq!(drain(&mut machine, 1), [DiscoveryOutput::Search { often: false }]);
        machine.wish(secs(2), content(1), HUNGRY);
        assert_eq!(drain(&mut machine, 2), [DiscoveryOutput::Search { often: true }]);
    }

    #[test]
    fn neighbours_and_remembered_peers_are_told_to_those_that_lack_something() {
        let mut machine = machine(vec![peer(9)]);
        let own = [Subnet::new("10.0.0.1".parse().unwrap(), 24)];
        let heard = |machine: &mut Discovery, who, at: &str| {
            machine.heard_on_lan(secs(0), peer(who), [at.parse().unwrap()], &own).len()
        };
        assert_eq!(heard(&mut machine, 1, "/ip4/10.0.0.9/tcp/1"), 1);
        assert_eq!(heard(&mut machine, 2, "/ip4/10.0.1.9/tcp/1"), 0, "that is another network");
        machine.wish(secs(0), content(1), HUNGRY);
        machine.wish(secs(0), content(2), HOLDS);
        assert_eq!(heard(&mut machine, 3, "/ip4/10.0.0.10/tcp/1"), 1);
        let said = drain(&mut machine, 0);
        let expected = [
            tell(1, 9, PeerSource::Remembered),
            tell(1, 1, PeerSource::Lan),
            DiscoveryOutput::Search { often: true },
            tell(1, 3, PeerSource::Lan),
        ];
        assert_eq!(said[..4], expected);
        let sought = said[4..].iter().filter(|it| matches!(it, DiscoveryOutput::Seek(_))).count();
        assert_eq!((sought, said.len()), (3, 7), "to begin with, all of them are sought: {said:?}");
        assert_eq!(machine.lan_peers(), 2);
    }

    #[test]
    fn without_the_dht_nobody_is_needed_to_begin_with() {
        let mut machine = Discovery::new(secs(0), vec![peer(1)], false, SeededRng::seed_from_u64(1));
        machine.wish(secs(0), content(1), HUNGRY);
        let said = drain(&mut machine, 0);
        assert_eq!(said, [tell(1, 1, PeerSource::Remembered), DiscoveryOutput::Search { often: true }]);
        assert_eq!(machine.next_timeout(), None);
    }

    #[test]
    fn a_peer_to_begin_with_that_fails_is_sought_again() {
        let mut machine = machine(vec![]);
        machine.named(secs(0), peer(1));
        assert_eq!(drain(&mut machine, 0), [DiscoveryOutput::Seek(peer(1))]);
        machine.failed(secs(0), &peer(1), secs(7));
        assert_eq!(machine.next_timeout(), Some(secs(7)));
        assert_eq!(drain(&mut machine, 7), [DiscoveryOutput::Seek(peer(1))]);
        assert!(machine.reached(&peer(1)));
    }
}
