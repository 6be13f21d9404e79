//! Addresses that users named without a peer id: any peer that answers there is meant.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use multiaddr::Multiaddr;

use super::config::PeerBookConfig;
use crate::SeededRng;
use crate::backoff::{Backoff, jittered};

/// One of them.
#[derive(Debug)]
struct NamedAddress<C> {
    contents: BTreeSet<C>,
    /// Not dialled before this time.
    retry_at: Duration,
    backoff: Backoff,
}

/// All of them. Always holds: at most as many as may be, each for at least one content.
#[derive(Debug)]
pub(super) struct NamedAddresses<C>(BTreeMap<Multiaddr, NamedAddress<C>>);

impl<C: Copy + Ord> NamedAddresses<C> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Names an address for a content. Returns when it may be dialled; `None` if there are too many.
    pub(super) fn add(
        &mut self,
        now: Duration,
        content: C,
        address: &Multiaddr,
        config: &PeerBookConfig,
    ) -> Option<Duration> {
        if self.0.len() >= config.max_named_addresses && !self.0.contains_key(address) {
            return None;
        }
        let named = self.0.entry(address.clone()).or_insert_with(|| NamedAddress {
            contents: BTreeSet::new(),
            retry_at: now,
            backoff: Backoff::new(config.retry_first, config.retry_named_most),
        });
        named.contents.insert(content);
        Some(named.retry_at)
    }

    /// A dial led nowhere. Returns when it may be dialled again; `None` if no content has it any more.
    pub(super) fn failed(
        &mut self,
        now: Duration,
        address: &Multiaddr,
        rng: &mut SeededRng,
    ) -> Option<Duration> {
        let named = self.0.get_mut(address)?;
        named.retry_at = now + jittered(named.backoff.fail(), rng);
        Some(named.retry_at)
    }

    pub(super) fn contents_of(&self, address: &Multiaddr) -> impl Iterator<Item = C> {
        self.0.get(address).into_iter().flat_map(|named| &named.contents).copied()
    }

    /// Takes an address away; returns the contents that had it.
    pub(super) fn remove(&mut self, address: &Multiaddr) -> BTreeSet<C> {
        self.0.remove(address).map(|named| named.contents).unwrap_or_default()
    }

    /// Takes addresses of a content away; returns those that no content has any more.
    pub(super) fn release(&mut self, content: C, which: impl Fn(&Multiaddr) -> bool) -> Vec<Multiaddr> {
        for (_, named) in self.0.iter_mut().filter(|(address, _)| which(address)) {
            named.contents.remove(&content);
        }
        let unnamed = self.0.iter().filter(|(_, named)| named.contents.is_empty());
        let gone: Vec<_> = unnamed.map(|(address, _)| address.clone()).collect();
        gone.iter().for_each(|address| drop(self.0.remove(address)));
        gone
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
