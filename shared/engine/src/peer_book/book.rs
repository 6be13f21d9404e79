//! The state machine.

use std::collections::VecDeque;
use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use shoal_addresses::{Prefix, Scope, is_dialable, peer_of};

use super::bans::Bans;
use super::config::PeerBookConfig;
use super::connected::{Connected, network_of};
use super::dials::Dials;
use super::named::NamedAddresses;
use super::output::{Connection, DialFailure, DialId, PeerBookOutput, Teller};
use super::policy::learnable;
use super::queue::Subject;
use super::table::Table;
use super::uses::Uses;
use crate::SeededRng;
use crate::backoff::jittered;

/// A content that seeks a peer is told if it has to wait for longer, so that it can look for others.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// The peers of a node: their addresses, which are connected, which are dialled and when, and for which contents.
#[derive(Debug)]
pub struct PeerBook<C> {
    pub(super) local: PeerId,
    pub(super) config: PeerBookConfig,
    pub(super) rng: SeededRng,
    pub(super) table: Table,
    pub(super) named: NamedAddresses<C>,
    pub(super) uses: Uses<C>,
    pub(super) bans: Bans,
    pub(super) connected: Connected,
    pub(super) dials: Dials,
    /// No room for a further connection is looked for before this time.
    pub(super) look_at: Duration,
    pub(super) outputs: VecDeque<PeerBookOutput<C>>,
}

impl<C: Copy + Ord> PeerBook<C> {
    /// Starts empty. `local` is this node, which is never dialled.
    pub fn new(local: PeerId, config: PeerBookConfig, rng: SeededRng) -> Self {
        Self {
            local,
            rng,
            table: Table::new(),
            named: NamedAddresses::new(),
            uses: Uses::new(),
            bans: Bans::new(config.max_banned),
            connected: Connected::default(),
            dials: Dials::new(&config),
            config,
            look_at: Duration::ZERO,
            outputs: VecDeque::new(),
        }
    }

    /// Learns addresses of a peer. Those that this teller may not name are left out; a peer that tells of itself
    /// takes back what it said before.
    pub fn learn(
        &mut self,
        now: Duration,
        peer: PeerId,
        addresses: impl IntoIterator<Item = Multiaddr>,
        teller: Teller,
    ) {
        if peer == self.local || self.bans.contains(&peer) {
            return;
        }
        let standing = match &teller {
            Teller::User | Teller::Dht | Teller::Lan | Teller::Remembered => Scope::Loopback,
            Teller::Tracker(who) | Teller::Peer(who) => self.connected.standing(who),
        };
        let addresses = learnable(&peer, addresses, teller, standing);
        let keep = |it: &PeerId| self.uses.wants(it) || self.connected.has_any(it);
        if self.table.learn(now, peer, (addresses, teller), &self.config, keep)
            && let Some(entry) = self.table.get_mut(&peer)
        {
            // What is new has not failed yet.
            entry.retry_at = entry.retry_at.min(now);
            self.line_up(now, peer);
        }
    }

    /// A content wants a connection to a peer. It is told at once if one stands, or if it has to wait for long.
    /// It stays wanted until it is [released](Self::release), unreachable or disconnected.
    pub fn seek(&mut self, now: Duration, content: C, peer: PeerId) {
        if self.connected.contains(&peer) {
            self.uses.add(content, peer);
            return self.outputs.push_back(PeerBookOutput::Connected { content, peer });
        }
        let retry_at = self.retry_at(&peer);
        let waits = self.connected.has_any(&peer) || self.dials.is_underway(&Subject::Peer(peer));
        let waits = waits && !self.bans.contains(&peer);

        if !waits && retry_at.is_none_or(|at| at > now + PATIENCE) {
            if self.uses.remove(content, &peer) {
                self.dials.queue.take(&Subject::Peer(peer));
            }
            return self.outputs.push_back(PeerBookOutput::Unreachable { content, peer, retry_at });
        }
        self.uses.add(content, peer);
        self.line_up(now, peer);
    }

    /// A content uses a peer that is connected, and does not ask for it to be dialled. If it is not connected any
    /// more, that is told.
    pub fn hold(&mut self, content: C, peer: PeerId) {
        if self.connected.contains(&peer) {
            self.uses.add(content, peer);
        } else {
            if self.uses.remove(content, &peer) {
                self.dials.queue.take(&Subject::Peer(peer));
            }
            self.outputs.push_back(PeerBookOutput::Disconnected { content, peer });
        }
    }

    /// A content has no more use for a peer.
    pub fn release(&mut self, now: Duration, content: C, peer: PeerId) {
        if self.uses.remove(content, &peer) {
            self.dials.queue.take(&Subject::Peer(peer));
            self.connected.released(now, &peer, self.config.grace);
        }
    }

    /// The user named an address for a content. If a peer id stands at its end, that peer is told at once as the one
    /// that answers there. Else the address is dialled until some peer answers, or until it is
    /// [released](Self::release_address).
    pub fn name_address(&mut self, now: Duration, content: C, address: Multiaddr) {
        if let Some(peer) = peer_of(&address) {
            self.learn(now, peer, [address.clone()], Teller::User);
            return self.outputs.push_back(PeerBookOutput::AddressAnswered { content, address, peer });
        }
        let dialable = is_dialable(&address);
        match self.named.add(now, content, &address, &self.config).filter(|_| dialable) {
            Some(at) => self.line_up_address(address, at),
            None => {
                self.named.release(content, |it| *it == address);
                self.outputs.push_back(PeerBookOutput::AddressUnreachable { content, address });
            }
        }
    }

    /// A content has no more use for an address that was named for it.
    pub fn release_address(&mut self, content: C, address: &Multiaddr) {
        for gone in self.named.release(content, |it| it == address) {
            self.dials.queue.take(&Subject::Address(gone));
        }
    }

    /// A content is gone, and all of its uses.
    pub fn forget_content(&mut self, now: Duration, content: C) {
        let peers: Vec<PeerId> = self.uses.peers_of(content).collect();
        peers.into_iter().for_each(|peer| self.release(now, content, peer));
        for gone in self.named.release(content, |_| true) {
            self.dials.queue.take(&Subject::Address(gone));
        }
    }

    /// A peer asked this node for something, or sent it something: its connection is not idle.
    pub fn used_by_remote(&mut self, now: Duration, peer: &PeerId) {
        self.connected.active(now, peer);
    }

    /// How many chunk streams a peer has open to this node. As long as it has one, its connection is only closed
    /// to make room for others.
    pub fn streams_of_remote(&mut self, now: Duration, peer: &PeerId, open: usize) {
        self.connected.set_streams(now, peer, open, self.config.grace);
    }

    /// Never connects to a peer again, for any content, as long as the ban is remembered.
    pub fn ban(&mut self, peer: PeerId) {
        if peer == self.local || self.bans.contains(&peer) {
            return;
        }
        let connected = self.connected.contains(&peer);
        self.lose(&peer, connected);
        self.table.forget(&peer);
        self.dials.queue.take(&Subject::Peer(peer));
        self.connected.close(&peer);
        self.outputs.push_back(PeerBookOutput::Block { peer });
        if let Some(peer) = self.bans.add(peer) {
            self.outputs.push_back(PeerBookOutput::Unblock { peer });
        }
    }

    /// A connection stands, whichever side began it. Told for each one.
    pub fn connected(&mut self, now: Duration, peer: PeerId, connection: Connection) {
        if self.bans.contains(&peer) {
            connection.dial.map(|id| self.dials.failed(id));
            self.connected.add(now, peer, connection);
            self.connected.close(&peer);
            return self.outputs.push_back(PeerBookOutput::Block { peer });
        }
        let dial = self.dial_succeeded(now, peer, &connection);
        let network = network_of(&connection);
        if self.connected.add(now, peer, connection) {
            self.dials.queue.take(&Subject::Peer(peer));
            let users = self.uses.contents_of(&peer);
            self.outputs.extend(users.map(|content| PeerBookOutput::Connected { content, peer }));
        }
        if dial && !self.uses.wants(&peer) {
            self.connected.released(now, &peer, self.config.grace);
        }
        self.keep_within_limits(network);
    }

    /// A connection is gone. Told for each one, as it was told by [`connected`](Self::connected).
    pub fn disconnected(&mut self, now: Duration, peer: PeerId, connection: &Connection) {
        let Some((since, closing)) = self.connected.remove(&peer, connection) else { return };
        if let Some(entry) = self.table.get_mut(&peer) {
            if now >= since + self.config.settled {
                entry.succeeded();
            }
            if !closing {
                entry.failed(now, self.config.retry_named_most, &mut self.rng);
            }
        }
        if closing {
            // A content that seeks it now began to do so after the closing was ordered.
            self.line_up(now, peer);
        } else {
            self.lose(&peer, true);
        }
    }

    /// A dial led to no connection.
    pub fn dial_failed(&mut self, now: Duration, id: DialId, failure: DialFailure) {
        let Some(dial) = self.dials.failed(id) else { return };
        match &dial.subject {
            Subject::Peer(peer) => self.peer_failed(now, *peer, &dial.addresses, failure),
            Subject::Address(address) => self.address_failed(now, address),
        }
    }

    /// This node has got or lost an address: what led to nobody before may lead somewhere now.
    pub fn addresses_changed(&mut self, now: Duration) {
        let soon = jittered(self.config.retry_first, &mut self.rng);
        self.table.retry_by(now + soon);
    }

    /// The next thing to say. Ask until there is nothing more.
    pub fn poll(&mut self, now: Duration) -> Option<PeerBookOutput<C>> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Some(output);
            }
            let used = |peer: &PeerId| self.uses.wants(peer);
            if let Some(peer) = self.connected.unused(now, self.config.grace, used) {
                self.connected.close(&peer);
                return Some(PeerBookOutput::Close { peer });
            }
            match self.next_to_dial(now) {
                Some(subject) => self.dial(now, &subject),
                // To look for room may have led to something.
                None => return self.outputs.pop_front(),
            }
        }
    }

    /// When [`poll`](Self::poll) may next have something; `None` if only an event can bring that.
    pub fn next_timeout(&self) -> Option<Duration> {
        if !self.outputs.is_empty() {
            return Some(Duration::ZERO);
        }
        let dial = self.next_dial();
        dial.into_iter().chain(self.connected.next_check()).min()
    }

    /// The public network in which a connected peer stands.
    pub fn network_of(&self, peer: &PeerId) -> Option<Prefix> {
        self.connected.network(peer)
    }

    /// Where a peer may be found, to be told to others: addresses that led there, or that the peer itself said.
    pub fn addresses_of(&self, peer: &PeerId) -> Vec<Multiaddr> {
        self.table.get(peer).map(|entry| entry.addresses.to_tell()).unwrap_or_default()
    }

    /// The connected peers that a content uses.
    pub fn connected_peers(&self, content: C) -> impl Iterator<Item = PeerId> {
        self.uses.peers_of(content).filter(|peer| self.connected.contains(peer))
    }

    /// The contents that use or seek a peer.
    pub fn contents_with(&self, peer: &PeerId) -> impl Iterator<Item = C> {
        self.uses.contents_of(peer)
    }

    /// Pairs of a content and a peer that it seeks or uses.
    pub fn uses(&self) -> usize {
        self.uses.len()
    }

    /// Peers that are remembered.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no peer is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
