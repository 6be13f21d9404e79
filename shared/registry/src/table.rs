//! The table itself: which peer is registered in which namespace, until when.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::PeerId;
use rand::{RngExt, SeedableRng};

use super::RegistryLimits;
use super::cookie::Cookies;
use super::quota::PrefixCounts;
use super::registration::{Contact, Counts, Entry, MAX_PREFIXES, Registration, RegistrationListing};
use super::report_limits::ReportLimits;
use super::side::Seat;
use super::slab::{Named, Slab};
use super::swarm::Swarm;
use rand_chacha::ChaCha8Rng;
use shoal_wire::rendezvous::{MAX_NAMESPACE, Quota, RendezvousRefusal};
use shoal_wire::tracker::{RegistryCounts, Role};

/// What is kept of a peer that is registered somewhere.
#[derive(Debug)]
pub(super) struct Peer {
    /// Namespace and entry of each of its registrations, in the order of namespaces' keys.
    pub(super) entries: Vec<(u32, u32)>,
    /// The entry that was registered or renewed last: its record is the newest.
    pub(super) latest: u32,
    /// When that was.
    pub(super) seen: Duration,
    /// Digest of the addresses that others were told, and the number of that news.
    pub(super) addresses: u64,
    pub(super) number: u64,
    /// Its seat in the swarm of everyone.
    pub(super) seat: Seat,
}

/// Why a registration leaves the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    Unregistered,
    Expired,
    Gone,
    Dead,
}

/// The tracker's table. See the [module](super) for what it promises.
///
/// Every call that is told the time first drops what has run out by then, so nothing that has expired is ever
/// given out, counted against a quota or renewed.
#[derive(Debug)]
pub struct Registry {
    pub(super) limits: RegistryLimits,
    pub(super) rng: ChaCha8Rng,
    pub(super) cookies: Cookies,
    pub(super) entries: Slab<Entry>,
    pub(super) peers: Named<PeerId, Peer>,
    pub(super) namespaces: Named<Arc<str>, Swarm>,
    /// All peers, each once; their roles differ by namespace and do not count here.
    pub(super) everyone: Swarm,
    pub(super) expiries: BTreeSet<(Duration, u32)>,
    pub(super) prefixes: PrefixCounts,
    pub(super) report_limits: ReportLimits,
    /// The number of the newest news.
    pub(super) last_number: u64,
    pub(super) counters: RegistryCounts,
}

impl Registry {
    /// Starts empty. Cookies are as hard to forge as the seed of `rng` is to guess.
    pub fn new(limits: RegistryLimits, mut rng: ChaCha8Rng) -> Self {
        let own = ChaCha8Rng::from_seed(rng.random());
        Self {
            cookies: Cookies::new(&mut rng),
            rng: own,
            entries: Slab::new(),
            peers: Named::new(),
            namespaces: Named::new(),
            everyone: Swarm::default(),
            expiries: BTreeSet::new(),
            prefixes: PrefixCounts::default(),
            report_limits: ReportLimits::new(&limits),
            last_number: 0,
            counters: RegistryCounts::default(),
            limits,
        }
    }

    /// Lists a peer in a namespace and returns the granted time in seconds. If it is listed there already, that
    /// is a renewal: the new record, role and time replace the old ones, whatever quota is used up.
    ///
    /// Costs O(log n).
    ///
    /// # Errors
    /// What is malformed or out of bounds, a record older than the one that is listed (one as old is a
    /// renewal), and for newcomers a used up quota. Then nothing has changed.
    pub fn register(&mut self, now: Duration, registration: Registration) -> Result<u64, RendezvousRefusal> {
        self.expire(now);
        let granted = self.limits.grant(registration.ttl);
        let result =
            granted.and_then(|ttl| self.admit(now, registration, Duration::from_secs(ttl)).map(|()| ttl));
        self.counters.refused += u64::from(result.is_err());
        result
    }

    /// Lists a peer again as [`registration`](Self::registration) told it before a restart, for the rest of its time:
    /// `ttl` is in seconds and has no lower bound here; the caller subtracts the time in between.
    ///
    /// # Errors
    /// As those of [`register`](Self::register), except for the time.
    pub fn restore(&mut self, now: Duration, registration: Registration) -> Result<(), RendezvousRefusal> {
        self.expire(now);
        let ttl = registration.ttl.unwrap_or(0).min(self.limits.max_ttl);
        self.admit(now, registration, Duration::from_secs(ttl))
    }

    /// Takes a registration back; `false` if there is none.
    pub fn unregister(&mut self, peer: &PeerId, namespace: &str) -> bool {
        let entry = self.find(peer, namespace);
        if let Some(entry) = entry {
            self.remove(entry, Leave::Unregistered);
        }
        entry.is_some()
    }

    /// A peer left or its last connection broke for good. Returns how many registrations that ends.
    pub fn remove_peer(&mut self, peer: &PeerId) -> usize {
        self.remove_all_of(peer, Leave::Gone)
    }

    /// Drops what has run out and returns how many. Costs O(log n) for each, nothing for the others.
    pub fn expire(&mut self, now: Duration) -> usize {
        let before = self.entries.len();
        while let Some((_, entry)) = self.expiries.first().filter(|(at, _)| *at <= now).copied() {
            self.remove(entry, Leave::Expired);
        }
        before - self.entries.len()
    }

    /// When [`expire`](Self::expire) next has something to do.
    pub fn next_expiry(&self) -> Option<Duration> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// Sets what a registered peer is in a swarm, without a new record. Returns whether that is a change; none if the
    /// peer is not registered there.
    pub fn set_role(&mut self, peer: &PeerId, namespace: &str, role: Role) -> Option<bool> {
        let entry = self.find(peer, namespace)?;
        let changes = self.entries[entry].role != Some(role);
        if changes {
            self.leave_swarm(entry);
            self.entries[entry].role = Some(role);
            self.join_swarm(entry);
        }
        Some(changes)
    }

    /// How many registrations there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody is registered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many peers are registered somewhere.
    pub fn peers(&self) -> usize {
        self.peers.len()
    }

    /// How many namespaces have somebody.
    pub fn namespaces(&self) -> usize {
        self.namespaces.len()
    }

    /// Whether a peer is registered somewhere.
    pub fn contains(&self, peer: &PeerId) -> bool {
        self.peers.key(peer).is_some()
    }

    /// Whether a peer is registered in a namespace.
    pub fn is_registered(&self, peer: &PeerId, namespace: &str) -> bool {
        self.find(peer, namespace).is_some()
    }

    /// What a registered peer registered last.
    pub fn contact(&self, peer: &PeerId) -> Option<Contact> {
        let entry = &self.entries[self.peers[self.peers.key(peer)?].latest];
        Some(Contact { record: entry.record.clone(), observed: entry.observed })
    }

    /// How many are registered in a namespace.
    pub fn counts(&self, namespace: &str) -> Counts {
        self.namespaces.key(namespace).map(|key| self.namespaces[key].counts()).unwrap_or_default()
    }

    /// What has happened since the start.
    pub fn counters(&self) -> RegistryCounts {
        self.counters
    }

    /// A registration as [`restore`](Self::restore) takes it, with the rest of its time, at least a second.
    pub fn registration(&self, now: Duration, peer: &PeerId, namespace: &str) -> Option<Registration> {
        let entry = &self.entries[self.find(peer, namespace)?];
        (entry.expires > now).then(|| self.registration_of(now, entry))
    }

    pub(crate) fn registration_of(&self, now: Duration, entry: &Entry) -> Registration {
        Registration {
            peer: *self.peers.name(entry.peer),
            namespace: self.namespaces.name(entry.namespace).to_string(),
            record: entry.record.clone(),
            sequence: entry.sequence,
            addresses: entry.addresses,
            prefixes: entry.prefixes.to_vec(),
            observed: entry.observed,
            ttl: Some(entry.left(now)),
            role: entry.role,
        }
    }

    /// An entry as others are told.
    pub(super) fn listing(&self, now: Duration, entry: u32) -> RegistrationListing {
        let entry = &self.entries[entry];
        RegistrationListing {
            peer: *self.peers.name(entry.peer),
            namespace: self.namespaces.name(entry.namespace).clone(),
            record: entry.record.clone(),
            ttl: entry.left(now),
            role: entry.role,
        }
    }

    pub(super) fn find(&self, peer: &PeerId, namespace: &str) -> Option<u32> {
        let (peer, namespace) = (self.peers.key(peer)?, self.namespaces.key(namespace)?);
        let entries = &self.peers[peer].entries;
        let at = entries.binary_search_by_key(&namespace, |(namespace, _)| *namespace).ok()?;
        Some(entries[at].1)
    }

    pub(super) fn remove_all_of(&mut self, peer: &PeerId, why: Leave) -> usize {
        let Some(peer) = self.peers.key(peer) else { return 0 };
        let entries: Vec<_> = self.peers[peer].entries.iter().map(|(_, entry)| *entry).collect();
        entries.iter().for_each(|entry| self.remove(*entry, why));
        entries.len()
    }

    fn admit(
        &mut self,
        now: Duration,
        mut new: Registration,
        ttl: Duration,
    ) -> Result<(), RendezvousRefusal> {
        if !(1..=MAX_NAMESPACE).contains(&new.namespace.len()) {
            return Err(RendezvousRefusal::Namespace);
        }
        if !(1..=self.limits.record).contains(&new.record.len()) {
            return Err(RendezvousRefusal::RecordSize);
        }
        let expires = now.saturating_add(ttl);
        match self.find(&new.peer, &new.namespace) {
            Some(entry) if new.sequence < self.entries[entry].sequence => {
                return Err(RendezvousRefusal::StaleRecord);
            }
            Some(entry) => {
                self.renew(now, entry, new, expires);
                self.counters.renewed += 1;
            }
            None => {
                new.prefixes.sort_unstable();
                new.prefixes.dedup();
                new.prefixes.truncate(MAX_PREFIXES);
                self.check_quotas(&new)?;
                self.insert(now, new, expires);
                self.counters.registered += 1;
            }
        }
        Ok(())
    }

    fn check_quotas(&self, new: &Registration) -> Result<(), Quota> {
        let of_peer = self.peers.key(&new.peer).map_or(0, |peer| self.peers[peer].entries.len());
        let in_namespace = self.counts(&new.namespace).total();
        if of_peer >= self.limits.per_peer {
            Err(Quota::Peer)
        } else if !self.prefixes.have_room(&new.prefixes, self.limits.per_prefix) {
            Err(Quota::Prefix)
        } else if in_namespace >= self.limits.per_namespace {
            Err(Quota::Namespace)
        } else if self.entries.len() >= self.limits.total {
            Err(Quota::Total)
        } else {
            Ok(())
        }
    }

    fn insert(&mut self, now: Duration, new: Registration, expires: Duration) {
        self.last_number += 1;
        self.prefixes.add(&new.prefixes);
        let namespace = self.namespaces.key(new.namespace.as_str());
        let namespace =
            namespace.unwrap_or_else(|| self.namespaces.insert(new.namespace.into(), Swarm::default()));
        let peer = self.peers.key(&new.peer).unwrap_or_else(|| self.join_everyone(new.peer, new.addresses));
        let entry = self.entries.insert(Entry {
            peer,
            namespace,
            record: self.shared(peer, new.record),
            sequence: new.sequence,
            addresses: new.addresses,
            number: self.last_number,
            expires,
            role: new.role,
            prefixes: new.prefixes.into_boxed_slice(),
            observed: new.observed,
            seat: Seat::default(),
        });
        let entries = &mut self.peers[peer].entries;
        let at = entries.partition_point(|(other, _)| *other < namespace);
        entries.insert(at, (namespace, entry));
        self.expiries.insert((expires, entry));
        self.join_swarm(entry);
        self.note_newest(now, entry);
    }

    fn renew(&mut self, now: Duration, key: u32, new: Registration, expires: Duration) {
        // A client that speaks the libp2p protocol only cannot tell its role. That takes nothing back.
        if let Some(role) = new.role {
            self.set_role(&new.peer, &new.namespace, role);
        }
        // Those that came before it from its network may have gone.
        if self.entries[key].seat.crowded {
            self.leave_swarm(key);
            self.join_swarm(key);
        }
        let peer = self.entries[key].peer;
        let record = self.shared(peer, new.record);
        let entry = &mut self.entries[key];
        self.expiries.remove(&(entry.expires, key));
        self.expiries.insert((expires, key));
        entry.expires = expires;
        entry.record = record;
        entry.sequence = new.sequence;
        entry.observed = new.observed;
        if entry.addresses != new.addresses {
            self.last_number += 1;
            self.namespaces[entry.namespace].renumber(key, entry.number, self.last_number);
            entry.number = self.last_number;
            entry.addresses = new.addresses;
        }
        self.note_newest(now, key);
    }

    /// Notes that the record of this entry is the peer's newest now.
    fn note_newest(&mut self, now: Duration, key: u32) {
        let entry = &self.entries[key];
        let peer = &mut self.peers[entry.peer];
        peer.latest = key;
        peer.seen = now;
        if peer.addresses != entry.addresses {
            self.last_number += 1;
            self.everyone.renumber(entry.peer, peer.number, self.last_number);
            peer.number = self.last_number;
            peer.addresses = entry.addresses;
        }
    }

    /// The record, in the memory that the peer's newest one already takes if they are equal.
    fn shared(&self, peer: u32, record: Arc<[u8]>) -> Arc<[u8]> {
        let peer = &self.peers[peer];
        let newest = (!peer.entries.is_empty()).then(|| &self.entries[peer.latest].record);
        newest.filter(|newest| **newest == record).cloned().unwrap_or(record)
    }

    fn remove(&mut self, key: u32, why: Leave) {
        self.leave_swarm(key);
        let Some(entry) = self.entries.remove(key) else { return };
        self.expiries.remove(&(entry.expires, key));
        self.prefixes.subtract(&entry.prefixes);
        if self.namespaces[entry.namespace].len() == 0 {
            self.namespaces.remove(entry.namespace);
        }
        let peer = &mut self.peers[entry.peer];
        if let Ok(at) = peer.entries.binary_search(&(entry.namespace, key)) {
            peer.entries.remove(at);
        }
        match peer.entries.last() {
            Some((_, other)) if peer.latest == key => peer.latest = *other,
            Some(_) => {}
            None => self.leave_everyone(entry.peer),
        }
        self.count(why);
    }

    fn count(&mut self, why: Leave) {
        let counter = match why {
            Leave::Unregistered => &mut self.counters.unregistered,
            Leave::Expired => &mut self.counters.expired,
            Leave::Gone => &mut self.counters.gone,
            Leave::Dead => &mut self.counters.dead,
        };
        *counter += 1;
    }

    fn join_swarm(&mut self, key: u32) {
        let entry = &mut self.entries[key];
        let swarm = &mut self.namespaces[entry.namespace];
        entry.seat = swarm.insert(key, entry.role, entry.number, &entry.prefixes);
    }

    fn leave_swarm(&mut self, key: u32) {
        let entry = &self.entries[key];
        let seat = entry.seat;
        let swarm = &mut self.namespaces[entry.namespace];
        if let Some(moved) = swarm.remove(entry.role, seat, entry.number, &entry.prefixes) {
            self.entries[moved].seat = seat;
        }
    }

    fn join_everyone(&mut self, peer: PeerId, addresses: u64) -> u32 {
        let number = self.last_number;
        let seen = Duration::ZERO;
        let new = Peer { entries: vec![], latest: 0, seen, addresses, number, seat: Seat::default() };
        let key = self.peers.insert(peer, new);
        self.peers[key].seat = self.everyone.insert(key, None, number, &[]);
        key
    }

    fn leave_everyone(&mut self, key: u32) {
        let Some(peer) = self.peers.remove(key) else { return };
        if let Some(moved) = self.everyone.remove(None, peer.seat, peer.number, &[]) {
            self.peers[moved].seat = peer.seat;
        }
    }
}
