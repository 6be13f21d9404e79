//! Small payloads under their hash, for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::PeerId;

use super::stored::Lifetime;
use super::{ServiceChange, ServiceLimits, StoredPayload};
use shoal_addresses::Prefix;
use shoal_content::Hash;
use shoal_wire::tracker::TrackerErrorCode;

#[derive(Debug)]
struct Payload {
    bytes: Arc<[u8]>,
    /// The peer that put it first. It counts against this peer's quota until it is gone, also if others renew it.
    peer: PeerId,
    prefix: Option<Prefix>,
    life: Lifetime,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) count: usize,
    pub(super) bytes: usize,
}

impl Usage {
    fn has_room(self, len: usize, count: usize, bytes: usize) -> bool {
        self.count < count && self.bytes + len <= bytes
    }

    fn add(&mut self, len: usize) {
        self.count += 1;
        self.bytes += len;
    }

    fn subtract(&mut self, len: usize) {
        self.count -= 1;
        self.bytes -= len;
    }
}

/// The payloads. Each is under the SHA-256 of its bytes.
#[derive(Debug, Default)]
pub(super) struct Payloads {
    all: BTreeMap<Hash, Payload>,
    expiries: BTreeSet<(Duration, Hash)>,
    of_peers: BTreeMap<PeerId, Usage>,
    of_prefixes: BTreeMap<Prefix, Usage>,
    usage: Usage,
}

impl Payloads {
    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    /// Stores a payload, or prolongs one that is here. Any peer may prolong one.
    pub(super) fn put(
        &mut self,
        now: Duration,
        limits: &ServiceLimits,
        peer: PeerId,
        prefix: Option<Prefix>,
        bytes: Vec<u8>,
    ) -> Result<(Hash, Option<ServiceChange>), TrackerErrorCode> {
        if bytes.len() > limits.payload {
            return Err(TrackerErrorCode::TooLarge);
        }
        let id = Hash::of(&bytes);
        if let Some(payload) = self.all.get_mut(&id) {
            self.expiries.remove(&(payload.life.expires, id));
            let write = payload.life.renew(now, limits.payload_ttl, limits.payload_slack());
            self.expiries.insert((payload.life.expires, id));
            return Ok((id, write.then(|| ServiceChange::PutPayload(payload.stored(now, id)))));
        }
        let new = Payload {
            bytes: bytes.into(),
            peer,
            prefix,
            life: Lifetime::new(now.saturating_add(limits.payload_ttl)),
        };
        let stored = new.stored(now, id);
        self.insert(limits, id, new)?;
        Ok((id, Some(ServiceChange::PutPayload(stored))))
    }

    /// Takes a payload back after a restart. `false` if it is not what its id says, is there already, or is
    /// over a quota.
    pub(super) fn restore(&mut self, now: Duration, limits: &ServiceLimits, stored: StoredPayload) -> bool {
        let StoredPayload { id, bytes, peer, prefix, left } = stored;
        let fits = (1..=limits.payload).contains(&bytes.len()) && Hash::of(&bytes) == id;
        if !fits || left.is_zero() || self.all.contains_key(&id) {
            return false;
        }
        let life = Lifetime::new(now.saturating_add(left.min(limits.payload_ttl)));
        self.insert(limits, id, Payload { bytes, peer, prefix, life }).is_ok()
    }

    pub(super) fn get(&self, id: &Hash) -> Option<Arc<[u8]>> {
        self.all.get(id).map(|payload| payload.bytes.clone())
    }

    /// Drops what has run out.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<ServiceChange> {
        let mut changes = vec![];
        while let Some((_, id)) = self.expiries.first().filter(|(at, _)| *at <= now).copied() {
            self.remove(&id);
            changes.push(ServiceChange::DropPayload(id));
        }
        changes
    }

    pub(super) fn next_expiry(&self) -> Option<Duration> {
        self.expiries.first().map(|(at, _)| *at)
    }

    fn insert(&mut self, limits: &ServiceLimits, id: Hash, new: Payload) -> Result<(), TrackerErrorCode> {
        let len = new.bytes.len();
        let of_peer = self.of_peers.get(&new.peer).copied().unwrap_or_default();
        let of_prefix =
            new.prefix.and_then(|prefix| self.of_prefixes.get(&prefix)).copied().unwrap_or_default();
        let room = of_peer.has_room(len, limits.payloads_per_peer, limits.payload_bytes_per_peer)
            && of_prefix.has_room(len, limits.payloads_per_prefix, limits.payload_bytes_per_prefix)
            && self.usage.has_room(len, limits.payloads, limits.payload_bytes);
        if !room {
            return Err(TrackerErrorCode::Quota);
        }
        self.of_peers.entry(new.peer).or_default().add(len);
        new.prefix.into_iter().for_each(|prefix| self.of_prefixes.entry(prefix).or_default().add(len));
        self.usage.add(len);
        self.expiries.insert((new.life.expires, id));
        self.all.insert(id, new);
        Ok(())
    }

    fn remove(&mut self, id: &Hash) {
        let Some(payload) = self.all.remove(id) else { return };
        let len = payload.bytes.len();
        self.expiries.remove(&(payload.life.expires, *id));
        self.usage.subtract(len);
        release(&mut self.of_peers, &payload.peer, len);
        payload.prefix.iter().for_each(|prefix| release(&mut self.of_prefixes, prefix, len));
    }

    /// Everything that memory is proportional to, apart from the bytes.
    #[cfg(test)]
    pub(super) fn footprint(&self) -> [usize; 4] {
        [self.all.len(), self.expiries.len(), self.of_peers.len(), self.of_prefixes.len()]
    }
}

impl Payload {
    fn stored(&self, now: Duration, id: Hash) -> StoredPayload {
        let left = self.life.expires.saturating_sub(now);
        StoredPayload { id, bytes: self.bytes.clone(), peer: self.peer, prefix: self.prefix, left }
    }
}

fn release<K: Ord>(usages: &mut BTreeMap<K, Usage>, key: &K, len: usize) {
    let Some(usage) = usages.get_mut(key) else { return };
    usage.subtract(len);
    if usage.count == 0 {
        usages.remove(key);
    }
}
