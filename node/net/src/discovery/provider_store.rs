//! The engine's table of providers, as libp2p's kad asks for it.
//!
//! libp2p's own store counts strangers' keys against this node's, drops newcomers where twenty providers are known, and
//! keeps records for two days. What this is not: a store of values; none is taken.

use std::borrow::Cow;

use libp2p::kad::store::{Error, RecordStore, Result};
use libp2p::kad::{ProviderRecord, Record, RecordKey};
use libp2p::{Multiaddr, PeerId};
use shoal_addresses::{Scope, told, without_peer};
use shoal_engine::{ProviderEntry, ProviderLimits, ProviderTable};

use crate::clock::Clock;

/// See the module.
pub(crate) struct ProviderStore {
    table: ProviderTable,
    clock: Clock,
    local: PeerId,
    /// Where those stand that may bring records.
    standing: Scope,
}

impl ProviderStore {
    pub(super) fn new(local: PeerId, clock: Clock, standing: Scope) -> Self {
        let table = ProviderTable::new(ProviderLimits::default(), rand::make_rng());
        Self { table, clock, local, standing }
    }

    /// This node's keys, and the records of strangers.
    pub(super) fn counts(&mut self) -> (usize, usize) {
        self.table.expire(self.clock.now());
        self.table.counts()
    }

    /// Where a peer says that it can be reached, in a record that is kept here.
    pub(super) fn addresses(&self, key: &RecordKey, peer: &PeerId) -> Vec<Multiaddr> {
        let entries = self.table.providers(self.clock.now(), key.as_ref());
        entries.into_iter().find(|entry| entry.provider == *peer).map(|it| it.addresses).unwrap_or_default()
    }

    fn record(key: &RecordKey, entry: ProviderEntry) -> ProviderRecord {
        ProviderRecord {
            key: key.clone(),
            provider: entry.provider,
            expires: None,
            addresses: entry.addresses,
        }
    }
}

impl RecordStore for ProviderStore {
    type RecordsIter<'a> = std::iter::Empty<Cow<'a, Record>>;
    type ProvidedIter<'a> = std::vec::IntoIter<Cow<'a, ProviderRecord>>;

    fn get(&self, _: &RecordKey) -> Option<Cow<'_, Record>> {
        None
    }

    fn put(&mut self, _: Record) -> Result<()> {
        Err(Error::MaxRecords)
    }

    fn remove(&mut self, _: &RecordKey) {}

    fn records(&self) -> Self::RecordsIter<'_> {
        std::iter::empty()
    }

    fn add_provider(&mut self, record: ProviderRecord) -> Result<()> {
        let key = record.key.to_vec();
        if record.provider == self.local {
            self.table.own(key);
            return Ok(());
        }
        let addresses = told(record.addresses, self.standing).direct.into_iter().map(without_peer).collect();
        let kept = self.table.add(self.clock.now(), key, record.provider, addresses);
        kept.map_err(|_| Error::MaxProvidedKeys)
    }

    fn providers(&self, key: &RecordKey) -> Vec<ProviderRecord> {
        let own = self.table.owns(key.as_ref()).then(|| ProviderRecord::new(key.clone(), self.local, vec![]));
        let others = self.table.providers(self.clock.now(), key.as_ref());
        own.into_iter().chain(others.into_iter().map(|entry| Self::record(key, entry))).collect()
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        let own = self
            .table
            .owned()
            .map(|key| Cow::Owned(ProviderRecord::new(RecordKey::from(key.clone()), self.local, vec![])));
        own.collect::<Vec<_>>().into_iter()
    }

    fn remove_provider(&mut self, key: &RecordKey, provider: &PeerId) {
        if *provider == self.local {
            self.table.disown(key.as_ref());
        } else {
            self.table.remove(key.as_ref(), provider);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RecordKey {
        RecordKey::from([vec![0x12, 0x20], vec![7; 32]].concat())
    }

    #[tokio::test]
    async fn records_of_strangers_keep_no_address_that_they_may_not_tell_and_values_are_refused() {
        let (local, other) = (PeerId::random(), PeerId::random());
        let mut store = ProviderStore::new(local, Clock::start(), Scope::Public);
        let addresses: Vec<Multiaddr> =
            ["/ip4/10.0.0.1/tcp/22", "/ip4/127.0.0.1/tcp/22", "/ip4/8.8.8.8/tcp/1"]
                .map(|a| a.parse().unwrap())
                .into();
        store.add_provider(ProviderRecord::new(key(), other, addresses.clone())).unwrap();
        assert_eq!(store.providers(&key())[0].addresses, [addresses[2].clone()]);
        store.add_provider(ProviderRecord::new(key(), local, vec![])).unwrap();
        assert_eq!(store.provided().count(), 1);
        assert_eq!(store.providers(&key()).len(), 2);
        store.remove_provider(&key(), &local);
        assert_eq!((store.counts(), store.addresses(&key(), &other)), ((0, 1), vec![addresses[2].clone()]));
        assert!(store.put(Record::new(key(), vec![1])).is_err());
        let no_content = RecordKey::from(vec![1, 2, 3]);
        assert!(store.add_provider(ProviderRecord::new(no_content, other, vec![])).is_err());
    }
}
