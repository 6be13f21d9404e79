//! The part of the book that dials: which peer, when, and what follows from success and failure.

use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use rand::RngExt;
use shoal_addresses::{Prefix, without_peer};

use super::book::{PATIENCE, PeerBook};
use super::connected::Which;
use super::output::{Connection, Dial, DialFailure, PeerBookOutput, Teller};
use super::queue::{Place, Subject};
use crate::backoff::jittered;

/// Peers of which there is nothing but hearsay are dialled after others that have waited this much shorter.
const HEARSAY_AFTER: Duration = Duration::from_secs(2);
/// How long to wait before room for a connection is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl<C: Copy + Ord> PeerBook<C> {
    /// Lets a peer wait for its dial, if it is sought and there is reason to dial it.
    pub(super) fn line_up(&mut self, now: Duration, peer: PeerId) {
        let subject = Subject::Peer(peer);
        let there = self.connected.has_any(&peer) || self.dials.is_underway(&subject);
        let Some(retry_at) = self.retry_at(&peer).filter(|_| !there && self.uses.wants(&peer)) else {
            return;
        };
        let Some(entry) = self.table.get(&peer) else { return };
        let at = retry_at.max(now);
        let handicap = if entry.addresses.is_proven() { Duration::ZERO } else { HEARSAY_AFTER };
        let place = Place { since: at + handicap, lot: self.rng.random() };
        let named = entry.named;
        self.dials.queue.add(subject, at, place, named);
    }

    pub(super) fn line_up_address(&mut self, address: Multiaddr, at: Duration) {
        let subject = Subject::Address(address);
        if !self.dials.is_underway(&subject) {
            let place = Place { since: at, lot: self.rng.random() };
            self.dials.queue.add(subject, at, place, true);
        }
    }

    /// From when on a peer may be dialled; `None` if there is nothing to dial.
    pub(super) fn retry_at(&self, peer: &PeerId) -> Option<Duration> {
        if *peer == self.local || self.bans.contains(peer) {
            return None;
        }
        self.table.get(peer).filter(|entry| !entry.addresses.is_empty()).map(|entry| entry.retry_at)
    }

    /// What is to be dialled next, if a dial may begin now.
    pub(super) fn next_to_dial(&mut self, now: Duration) -> Option<Subject> {
        let named = self.dials.queue.first_named(now).filter(|_| self.has_slot(true));
        let first = self.dials.queue.first(now).filter(|_| self.has_slot(false));
        let waiting = first.into_iter().chain(named).collect::<Vec<_>>();
        if let Some(subject) = waiting.iter().find(|it| self.has_room(self.dials.queue.is_named(it))) {
            return Some(subject.clone());
        }
        if waiting.is_empty() || now < self.look_at {
            return None;
        }
        self.look_at = now + LOOK_AGAIN;
        self.make_room(now, waiting)
    }

    /// When a dial may next begin without anything happening.
    pub(super) fn next_dial(&self) -> Option<Duration> {
        let queue = &self.dials.queue;
        let ready = queue.ready().next().is_some_and(|first| self.has_slot(queue.is_named(first)));
        ready.then_some(self.look_at).into_iter().chain(queue.next_later()).min()
    }

    fn has_slot(&self, named: bool) -> bool {
        let kept = if named { 0 } else { self.config.dialing_kept_for_named };
        self.dials.len() + kept < self.config.max_dialing
    }

    fn has_room(&self, named: bool) -> bool {
        let config = &self.config;
        let kept = config.kept_for_newcomers + if named { 0 } else { config.kept_for_named };
        let (dials, all) = (self.dials.len(), self.connected.count(Which::All));
        all + dials < config.max_connections
            && self.connected.count(Which::Outbound) + dials + kept < config.max_connections
    }

    /// Closes a connection that matters less than one of those that wait. Returns the one that has room now.
    fn make_room(&mut self, now: Duration, waiting: Vec<Subject>) -> Option<Subject> {
        let used = |peer: &PeerId| self.uses.wants(peer);
        let idle_since = now.saturating_sub(self.config.busy);
        if let Some(peer) = self.connected.least_useful(Some(idle_since), Which::All, used) {
            self.close(peer);
        } else if self.dials.queue.ready().any(|subject| self.is_needed(subject)) {
            let peer = self.spare()?;
            self.lose(&peer, true);
            self.close(peer);
            let needed = self.dials.queue.ready().find(|subject| self.is_needed(subject))?;
            return Some(needed.clone()).filter(|it| self.has_room(self.dials.queue.is_named(it)));
        }
        waiting.into_iter().find(|it| self.has_room(self.dials.queue.is_named(it)))
    }

    /// Whether some content waits for it that has no connection at all.
    fn is_needed(&self, subject: &Subject) -> bool {
        let poor = |content| self.uses.count(content, |peer| self.connected.contains(peer)) == 0;
        match subject {
            Subject::Peer(peer) => self.uses.contents_of(peer).any(poor),
            Subject::Address(address) => self.named.contents_of(address).any(poor),
        }
    }

    /// The connected peer that its contents can best do without, if each of them has enough others.
    fn spare(&self) -> Option<PeerId> {
        let peers = self.connected.peers().filter(|peer| self.table.get(peer).is_none_or(|it| !it.named));
        let counted = peers.filter_map(|peer| {
            let count = |content| self.uses.count(content, |peer| self.connected.contains(peer));
            let least = self.uses.contents_of(&peer).map(count).min()?;
            (least > self.config.enough).then_some((least, peer))
        });
        counted.max_by_key(|(least, _)| *least).map(|(_, peer)| peer)
    }

    /// Begins a dial, or puts it off for as long as the budget does not allow it.
    pub(super) fn dial(&mut self, now: Duration, subject: &Subject) {
        let peer = match subject {
            Subject::Address(address) => {
                let id = self.dials.begin_named(address);
                let dial = Dial { peer: None, addresses: vec![address.clone()] };
                return self.outputs.push_back(PeerBookOutput::Dial { id, dial });
            }
            Subject::Peer(peer) => *peer,
        };
        let most = self.config.max_addresses_per_dial;
        let entry = self.table.get_mut(&peer);
        let addresses = entry.as_ref().map(|entry| entry.addresses.to_try()).unwrap_or_default();
        match self.dials.begin(now, subject, addresses, most) {
            Ok((id, addresses)) => {
                let dial = Dial { peer: Some(peer), addresses };
                self.outputs.push_back(PeerBookOutput::Dial { id, dial });
            }
            Err(at) if at > now + PATIENCE => {
                entry.into_iter().for_each(|entry| entry.retry_at = at);
                self.dials.queue.take(subject);
                self.unreachable(&peer);
            }
            Err(at) => self.dials.queue.postpone(subject, at),
        }
    }

    /// Notes what a connection tells of addresses. Returns whether this book dialled it.
    pub(super) fn dial_succeeded(&mut self, now: Duration, peer: PeerId, connection: &Connection) -> bool {
        if !connection.outbound {
            return false;
        }
        let address = without_peer(connection.remote.clone());
        let dial = connection.dial.and_then(|id| self.dials.succeeded(now, id, &address));
        let named = match &dial {
            Some(Subject::Address(address)) => self.named.remove(address),
            _ => Default::default(),
        };
        let keep = |it: &PeerId| self.uses.wants(it) || self.connected.has_any(it);
        if let Some(entry) = self.table.get_or_insert(now, peer, &self.config, keep) {
            let most = self.config.max_addresses;
            if let Some(Subject::Address(_)) = dial {
                entry.named = true;
                entry.addresses.answered(&address, most);
            } else {
                entry.addresses.worked(&address, most);
            }
        }
        let told = |content| PeerBookOutput::AddressAnswered { content, address: address.clone(), peer };
        self.outputs.extend(named.into_iter().map(told));
        dial.is_some()
    }

    /// A dial of a peer failed at these addresses.
    pub(super) fn peer_failed(
        &mut self,
        now: Duration,
        peer: PeerId,
        tried: &[Multiaddr],
        failure: DialFailure,
    ) {
        let Some(entry) = self.table.get_mut(&peer).filter(|_| !self.connected.has_any(&peer)) else {
            return;
        };
        match failure {
            DialFailure::NotTried => {
                entry.retry_at = now + jittered(self.config.retry_first, &mut self.rng);
                return self.line_up(now, peer);
            }
            DialFailure::Unreachable => tried.iter().for_each(|address| entry.addresses.failed(address)),
            DialFailure::WrongPeer { address, obtained } => {
                let address = without_peer(address);
                if entry.addresses.wrong(&address) {
                    self.taken_over(now, &peer, address, obtained);
                }
            }
        }
        if !self.dial_untried(now, peer) {
            let named_most = self.config.retry_named_most;
            let entry = self.table.get_mut(&peer).map(|entry| entry.failed(now, named_most, &mut self.rng));
            entry.into_iter().for_each(|()| self.unreachable(&peer));
        }
    }

    /// Dials the addresses of a peer that have not had their turn. `false` if there are none, or none may be tried.
    fn dial_untried(&mut self, now: Duration, peer: PeerId) -> bool {
        if !self.uses.wants(&peer) {
            return false;
        }
        let Some(entry) = self.table.get(&peer) else { return false };
        let most = self.config.max_addresses_per_dial;
        let begun = self.dials.begin(now, &Subject::Peer(peer), entry.addresses.untried(), most);
        let Ok((id, addresses)) = begun else { return false };
        self.outputs.push_back(PeerBookOutput::Dial { id, dial: Dial { peer: Some(peer), addresses } });
        true
    }

    /// Another peer answered at an address where the user means any peer: those that seek the one before it learn
    /// of the other.
    fn taken_over(&mut self, now: Duration, before: &PeerId, address: Multiaddr, peer: PeerId) {
        self.learn(now, peer, [address.clone()], Teller::User);
        if let Some(entry) = self.table.get_mut(&peer) {
            entry.addresses.means_anybody(&address);
        }
        let told = |content| PeerBookOutput::AddressAnswered { content, address: address.clone(), peer };
        self.outputs.extend(self.uses.contents_of(before).map(told));
    }

    pub(super) fn address_failed(&mut self, now: Duration, address: &Multiaddr) {
        let Some(at) = self.named.failed(now, address, &mut self.rng) else { return };
        let told = |content| PeerBookOutput::AddressUnreachable { content, address: address.clone() };
        self.outputs.extend(self.named.contents_of(address).map(told));
        self.line_up_address(address.clone(), at);
    }

    /// Ends the seeking of a peer.
    fn unreachable(&mut self, peer: &PeerId) {
        let retry_at = self.retry_at(peer);
        for content in self.uses.remove_peer(peer) {
            self.outputs.push_back(PeerBookOutput::Unreachable { content, peer: *peer, retry_at });
        }
    }

    /// Ends all uses of a peer.
    pub(super) fn lose(&mut self, peer: &PeerId, connected: bool) {
        for content in self.uses.remove_peer(peer) {
            self.outputs.push_back(if connected {
                PeerBookOutput::Disconnected { content, peer: *peer }
            } else {
                PeerBookOutput::Unreachable { content, peer: *peer, retry_at: None }
            });
        }
    }

    fn close(&mut self, peer: PeerId) {
        if self.connected.close(&peer) {
            self.outputs.push_back(PeerBookOutput::Close { peer });
        }
    }

    /// Lets the least useful peer go of each kind of which there are too many.
    pub(super) fn keep_within_limits(&mut self, network: Option<Prefix>) {
        let config = &self.config;
        let limits = [
            (network.map(Which::Of), config.max_connections_per_network),
            (Some(Which::Inbound), config.max_connections.saturating_sub(config.kept_for_dials)),
            (Some(Which::All), config.max_connections),
        ];
        for (which, most) in limits {
            let Some(which) = which.filter(|which| self.connected.count(*which) > most) else { continue };
            let used = |peer: &PeerId| self.uses.wants(peer);
            let least = self.connected.least_useful(None, which, used);
            least.into_iter().for_each(|peer| self.close(peer));
        }
    }
}
