//! What a node of the DHT keeps for others: which peer has which content.
//!
//! This node's own keys stand apart, so that no stranger can take their place. Of strangers' records there is a bound
//! for each key, for each peer and in all; where it is reached, a random one gives way, so that neither who came first nor
//! who comes last owns a key. A record ends after an hour at the latest (Kademlia's paper has a day, libp2p 48 h; contents
//! here come and go with the programs that share them).
//!
//! What this is not: a check that somebody has what it says. Whoever asks finds out by asking that peer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use rand::RngExt;

use crate::SeededRng;

/// Bytes of a key: a multihash (its code, its length) of SHA-256.
const KEY: usize = 34;

/// The bounds of a [`ProviderTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderLimits {
    /// Records of strangers.
    pub records: usize,
    /// Records of strangers for one key.
    pub per_key: usize,
    /// Records of one stranger.
    pub per_provider: usize,
    /// Addresses of one record.
    pub addresses: usize,
    /// How long a record is kept.
    pub ttl: Duration,
}

impl Default for ProviderLimits {
    fn default() -> Self {
        let ttl = Duration::from_secs(3600);
        Self { records: 16_384, per_key: 20, per_provider: 1024, addresses: 4, ttl }
    }
}

/// A stranger's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEntry {
    /// Who says that it has the content.
    pub provider: PeerId,
    /// Where it can be reached, as it says itself.
    pub addresses: Vec<Multiaddr>,
    /// Until when it is kept.
    pub until: Duration,
}

/// Why a record is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotKept {
    /// The key is not that of a content.
    NoContent,
}

/// See the module.
#[derive(Debug)]
pub struct ProviderTable {
    limits: ProviderLimits,
    own: BTreeSet<Vec<u8>>,
    /// Dense, so that a random one is found at once.
    records: Vec<(Vec<u8>, ProviderEntry)>,
    /// Where the record of a key and a peer is.
    places: BTreeMap<Vec<u8>, BTreeMap<PeerId, usize>>,
    per_provider: BTreeMap<PeerId, usize>,
    rng: SeededRng,
}

impl ProviderTable {
    /// Starts empty.
    pub fn new(limits: ProviderLimits, rng: SeededRng) -> Self {
        Self {
            limits,
            own: BTreeSet::new(),
            records: Vec::new(),
            places: BTreeMap::new(),
            per_provider: BTreeMap::new(),
            rng,
        }
    }

    /// Whether a key can be that of a content: a multihash of SHA-256.
    pub fn is_content(key: &[u8]) -> bool {
        key.len() == KEY && key.starts_with(&[0x12, 0x20])
    }

    /// This node has a content.
    pub fn own(&mut self, key: Vec<u8>) {
        self.own.insert(key);
    }

    /// This node does not have a content any more.
    pub fn disown(&mut self, key: &[u8]) {
        self.own.remove(key);
    }

    /// The keys of this node's contents.
    pub fn owned(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.own.iter()
    }

    /// Whether this node has a content.
    pub fn owns(&self, key: &[u8]) -> bool {
        self.own.contains(key)
    }

    /// A stranger says that it has a content, or says it again.
    pub fn add(
        &mut self,
        now: Duration,
        key: Vec<u8>,
        provider: PeerId,
        mut addresses: Vec<Multiaddr>,
    ) -> Result<(), NotKept> {
        if !Self::is_content(&key) {
            return Err(NotKept::NoContent);
        }
        addresses.truncate(self.limits.addresses);
        let entry = ProviderEntry { provider, addresses, until: now.saturating_add(self.limits.ttl) };
        if let Some(at) = self.places.get(&key).and_then(|of_key| of_key.get(&provider)) {
            self.records[*at].1 = entry;
            return Ok(());
        }
        self.make_room(now, &key, &provider);
        self.places.entry(key.clone()).or_default().insert(provider, self.records.len());
        *self.per_provider.entry(provider).or_default() += 1;
        self.records.push((key, entry));
        Ok(())
    }

    /// Who says that it has a content, in no order that a stranger could choose.
    pub fn providers(&self, now: Duration, key: &[u8]) -> Vec<ProviderEntry> {
        let places = self.places.get(key).into_iter().flat_map(BTreeMap::values);
        let entries = places.map(|at| &self.records[*at].1);
        entries.filter(|entry| entry.until > now).cloned().collect()
    }

    /// A stranger does not have a content any more.
    pub fn remove(&mut self, key: &[u8], provider: &PeerId) {
        if let Some(at) = self.places.get(key).and_then(|of_key| of_key.get(provider)).copied() {
            self.drop_at(at);
        }
    }

    /// Forgets what has ended.
    pub fn expire(&mut self, now: Duration) {
        let mut at = 0;
        while at < self.records.len() {
            if self.records[at].1.until <= now {
                self.drop_at(at);
            } else {
                at += 1;
            }
        }
    }

    /// This node's keys, and the records of strangers.
    pub fn counts(&self) -> (usize, usize) {
        (self.own.len(), self.records.len())
    }

    fn make_room(&mut self, now: Duration, key: &[u8], provider: &PeerId) {
        if self.records.len() >= self.limits.records {
            self.expire(now);
        }
        if let Some(of_key) = self.places.get(key).filter(|it| it.len() >= self.limits.per_key) {
            let lot = self.rng.random_range(0..of_key.len());
            of_key.values().nth(lot).copied().into_iter().for_each(|at| self.drop_at(at));
        }
        if self.per_provider.get(provider).is_some_and(|count| *count >= self.limits.per_provider) {
            // Its own have to do.
            let own: Vec<usize> =
                (0..self.records.len()).filter(|at| self.records[*at].1.provider == *provider).collect();
            let lot = self.rng.random_range(0..own.len().max(1));
            own.get(lot).copied().into_iter().for_each(|at| self.drop_at(at));
        }
        if self.records.len() >= self.limits.records && !self.records.is_empty() {
            let lot = self.rng.random_range(0..self.records.len());
            self.drop_at(lot);
        }
    }

    fn drop_at(&mut self, at: usize) {
        let (key, entry) = self.records.swap_remove(at);
        if let Some(of_key) = self.places.get_mut(&key) {
            of_key.remove(&entry.provider);
            if of_key.is_empty() {
                self.places.remove(&key);
            }
        }
        if let Some(count) = self.per_provider.get_mut(&entry.provider) {
            *count -= 1;
            if *count == 0 {
                self.per_provider.remove(&entry.provider);
            }
        }
        // What stood last has moved here.
        if let Some((key, moved)) = self.records.get(at)
            && let Some(place) = self.places.get_mut(key).and_then(|of_key| of_key.get_mut(&moved.provider))
        {
            *place = at;
        }
    }
}

#[cfg(test)]
#[path = "providers_tests.rs"]
mod tests;
