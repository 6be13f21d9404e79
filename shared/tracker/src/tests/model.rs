//! What the services must do, told so slowly and simply that it is obvious.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p_identity::PeerId;

use crate::ServiceLimits;
use shoal_addresses::Prefix;
use shoal_content::{ContentId, Hash, fold_case};
use shoal_wire::tracker::{IndexEntry, Mode, TrackerErrorCode};

#[derive(Debug, Clone)]
pub(super) struct Publication {
    pub(super) peer: PeerId,
    pub(super) entry: IndexEntry,
    pub(super) expires: Duration,
}

#[derive(Debug, Clone)]
pub(super) struct Payload {
    pub(super) bytes: Vec<u8>,
    pub(super) peer: PeerId,
    pub(super) prefix: Prefix,
    pub(super) expires: Duration,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) limits: ServiceLimits,
    /// Which peer is registered in the swarm of which content, until when.
    pub(super) registered: BTreeMap<(PeerId, ContentId), Duration>,
    pub(super) publications: Vec<Publication>,
    pub(super) payloads: Vec<Payload>,
}

impl Model {
    pub(super) fn new(limits: ServiceLimits) -> Self {
        Self { limits, registered: BTreeMap::new(), publications: vec![], payloads: vec![] }
    }

    pub(super) fn expire(&mut self, now: Duration) {
        self.registered.retain(|_, expires| *expires > now);
        self.publications.retain(|publication| publication.expires > now);
        self.payloads.retain(|payload| payload.expires > now);
    }

    pub(super) fn publish(
        &mut self,
        now: Duration,
        peer: PeerId,
        entries: &[IndexEntry],
    ) -> Result<(), TrackerErrorCode> {
        if !entries.iter().all(|entry| self.registered.contains_key(&(peer, entry.content))) {
            return Err(TrackerErrorCode::NotRegistered);
        }
        let own: BTreeSet<_> =
            self.publications.iter().filter(|p| p.peer == peer).map(|p| p.entry.content).collect();
        let told: BTreeSet<_> = entries.iter().map(|entry| entry.content).collect();
        let new = told.difference(&own).count();
        let over = own.len() + new > self.limits.entries_per_peer
            || self.publications.len() + new > self.limits.entries;
        if new > 0 && over {
            return Err(TrackerErrorCode::Quota);
        }
        for entry in entries {
            self.withdraw(peer, entry.content);
            let expires = now + self.limits.entry_ttl;
            self.publications.push(Publication { peer, entry: entry.clone(), expires });
        }
        Ok(())
    }

    pub(super) fn withdraw(&mut self, peer: PeerId, content: ContentId) {
        self.publications.retain(|p| (p.peer, p.entry.content) != (peer, content));
    }

    /// What a search finds: each entry, by what its publishers say, with its publishers. Forgets publishers that are
    /// gone.
    pub(super) fn find(&mut self, mode: Mode, text: &str) -> BTreeMap<(String, Said), BTreeSet<PeerId>> {
        let text = fold_case(text);
        let fits = |entry: &IndexEntry| match mode {
            Mode::Prefix => fold_case(&entry.name).starts_with(&text),
            Mode::Substring => fold_case(&entry.name).contains(&text),
        };
        let registered = &self.registered;
        self.publications.retain(|p| !fits(&p.entry) || registered.contains_key(&(p.peer, p.entry.content)));
        let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for publication in self.publications.iter().filter(|p| fits(&p.entry)) {
            found.entry(key(&publication.entry)).or_default().insert(publication.peer);
        }
        found
    }

    pub(super) fn put(
        &mut self,
        now: Duration,
        peer: PeerId,
        prefix: Prefix,
        bytes: &[u8],
    ) -> Result<Hash, TrackerErrorCode> {
        if bytes.len() > self.limits.payload {
            return Err(TrackerErrorCode::TooLarge);
        }
        let expires = now + self.limits.payload_ttl;
        if let Some(payload) = self.payloads.iter_mut().find(|payload| payload.bytes == bytes) {
            payload.expires = expires;
            return Ok(Hash::of(bytes));
        }
        let fits = |same: &dyn Fn(&Payload) -> bool, count: usize, len: usize| {
            let of: Vec<_> = self.payloads.iter().filter(|payload| same(payload)).collect();
            let used: usize = of.iter().map(|payload| payload.bytes.len()).sum();
            of.len() < count && used + bytes.len() <= len
        };
        let limits = &self.limits;
        if !fits(&|_| true, limits.payloads, limits.payload_bytes)
            || !fits(&|p| p.peer == peer, limits.payloads_per_peer, limits.payload_bytes_per_peer)
            || !fits(&|p| p.prefix == prefix, limits.payloads_per_prefix, limits.payload_bytes_per_prefix)
        {
            return Err(TrackerErrorCode::Quota);
        }
        self.payloads.push(Payload { bytes: bytes.into(), peer, prefix, expires });
        Ok(Hash::of(bytes))
    }
}

/// What an entry says, in a form that sorts.
pub(super) type Said = (String, u64, u32, ContentId);

pub(super) fn key(entry: &IndexEntry) -> (String, Said) {
    let IndexEntry { name, size, files, content } = entry.clone();
    (fold_case(&name), (name, size, files, content))
}
