//! Published contents by name, and their publishers.
//!
//! Names are kept folded and in order, so those with one beginning stand together. For a text within
//! a name there is no index: one of three-letter pieces would take several times the memory of the
//! names, and 5000 names are searched in a fraction of a millisecond. So a search looks at a bounded number of names
//! and gives a cursor to go on.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::PeerId;
use serde_bytes::ByteBuf;

use super::stored::Lifetime;
use super::{ServiceChange, ServiceLimits, StoredEntry};
use shoal_content::{ContentId, Hash, fold_case};
use shoal_wire::swarm_namespace;
use shoal_wire::tracker::{IndexEntry, MAX_CURSOR, MAX_FOUND, MAX_NAMED, Match, Mode, TrackerErrorCode};

/// Bytes of an entry's hash that tell it from others with the same name.
const DIGEST: usize = 16;
/// The longest folded name, in bytes: a cursor holds one.
const MAX_FOLDED: usize = MAX_CURSOR - DIGEST;
/// Publishers of one content that are looked up; with more, their number may be a little old.
const LOOKED_UP: usize = 2 * MAX_NAMED;

/// The place of an entry in the order of folded names. Peers that say something else of the same content
/// make another entry, so that nobody's word replaces another's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    folded: Arc<str>,
    digest: [u8; DIGEST],
}

#[derive(Debug)]
struct Item {
    entry: IndexEntry,
    publishers: BTreeSet<PeerId>,
}

#[derive(Debug)]
struct Publication {
    key: Key,
    life: Lifetime,
}

/// The index.
#[derive(Debug, Default)]
pub(super) struct Index {
    items: BTreeMap<Key, Item>,
    peers: BTreeMap<PeerId, BTreeMap<ContentId, Publication>>,
    expiries: BTreeSet<(Duration, PeerId, ContentId)>,
}

/// What to look for.
pub(super) struct Search<'a> {
    pub(super) mode: Mode,
    pub(super) text: &'a str,
    pub(super) after: Option<&'a [u8]>,
    /// 0: as many as fit.
    pub(super) limit: usize,
}

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) contents: Vec<Match>,
    pub(super) next: Option<ByteBuf>,
    /// Publishers that were found to be gone, and are dropped.
    pub(super) changes: Vec<ServiceChange>,
}

impl Index {
    /// Published entries.
    pub(super) fn len(&self) -> usize {
        self.expiries.len()
    }

    /// Adds or renews what a peer publishes, all or nothing.
    pub(super) fn publish(
        &mut self,
        now: Duration,
        limits: &ServiceLimits,
        peer: PeerId,
        entries: Vec<IndexEntry>,
    ) -> Result<Vec<ServiceChange>, TrackerErrorCode> {
        let entries: BTreeMap<ContentId, IndexEntry> =
            entries.into_iter().map(|entry| (entry.content, entry)).collect();
        let keyed: Vec<_> = entries.into_values().map(|entry| (Key::of(&entry), entry)).collect();
        if keyed.iter().any(|(key, _)| key.folded.len() > MAX_FOLDED) {
            return Err(TrackerErrorCode::BadRequest);
        }
        let own = self.peers.get(&peer);
        let new = keyed.iter().filter(|(_, e)| own.is_none_or(|own| !own.contains_key(&e.content))).count();
        let own = own.map_or(0, BTreeMap::len);
        // A peer that only renews is never refused.
        if new > 0 && (own + new > limits.entries_per_peer || self.len() + new > limits.entries) {
            return Err(TrackerErrorCode::Quota);
        }
        let ttl = limits.entry_ttl;
        let put = |(key, entry)| self.put(now, peer, key, entry, ttl);
        Ok(keyed.into_iter().filter_map(put).map(ServiceChange::PutEntry).collect())
    }

    /// Takes an entry back after a restart. `false` if it is over a limit or there already.
    pub(super) fn restore(&mut self, now: Duration, limits: &ServiceLimits, stored: StoredEntry) -> bool {
        let StoredEntry { peer, entry, left } = stored;
        let key = Key::of(&entry);
        let own = self.peers.get(&peer);
        let fits = key.folded.len() <= MAX_FOLDED
            && !left.is_zero()
            && own.is_none_or(|own| own.len() < limits.entries_per_peer && !own.contains_key(&entry.content))
            && self.len() < limits.entries;
        if fits {
            self.put(now, peer, key, entry, left.min(limits.entry_ttl));
        }
        fits
    }

    /// Removes contents that a peer published. Contents that it did not publish are ignored.
    pub(super) fn withdraw(&mut self, peer: &PeerId, contents: &[ContentId]) -> Vec<ServiceChange> {
        contents.iter().filter_map(|content| self.remove(peer, content)).collect()
    }

    /// Drops what has run out.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<ServiceChange> {
        let mut changes = vec![];
        while let Some((_, peer, content)) = self.expiries.first().filter(|(at, ..)| *at <= now).copied() {
            changes.extend(self.remove(&peer, &content));
        }
        changes
    }

    pub(super) fn next_expiry(&self) -> Option<Duration> {
        self.expiries.first().map(|(at, ..)| *at)
    }

    /// Looks for names. `is_there` tells whether a peer is registered in a namespace. A publisher that is not is dropped.
    pub(super) fn find(
        &mut self,
        limits: &ServiceLimits,
        search: &Search<'_>,
        is_there: impl Fn(&PeerId, &str) -> bool,
    ) -> Result<Findings, TrackerErrorCode> {
        let text = fold_case(search.text);
        let start = start(search, &text)?;
        let limit = if search.limit == 0 { MAX_FOUND } else { search.limit.min(MAX_FOUND) };
        let (mut scanned, mut lookups) = (0, 0);
        let mut findings = Findings::default();
        let mut gone = vec![];
        let mut last: Option<&Key> = None;
        for (key, item) in self.items.range((start, Bound::Unbounded)) {
            if search.mode == Mode::Prefix && !key.folded.starts_with(&text) {
                break;
            }
            let full = findings.contents.len() == limit;
            if last.is_some() && (full || scanned >= limits.scan || lookups >= limits.lookups) {
                findings.next = last.map(Key::to_cursor);
                break;
            }
            scanned += 1;
            if search.mode == Mode::Prefix || key.folded.contains(&text) {
                let found = item.look_up(limits.lookups, &is_there);
                lookups += found.lookups;
                gone.extend(found.gone.into_iter().map(|peer| (peer, item.entry.content)));
                findings.contents.extend(found.matched);
            }
            last = Some(key);
        }
        findings.changes = gone.iter().filter_map(|(peer, content)| self.remove(peer, content)).collect();
        Ok(findings)
    }

    /// Puts an entry in place of the peer's earlier one for the content; returns what is to be stored.
    fn put(
        &mut self,
        now: Duration,
        peer: PeerId,
        key: Key,
        entry: IndexEntry,
        ttl: Duration,
    ) -> Option<StoredEntry> {
        let content = entry.content;
        let own = self.peers.entry(peer).or_default();
        if let Some(same) = own.get_mut(&content).filter(|publication| publication.key == key) {
            self.expiries.remove(&(same.life.expires, peer, content));
            // A peer that still shares publishes again long before.
            let write = same.life.renew(now, ttl, ttl / 2);
            self.expiries.insert((same.life.expires, peer, content));
            return write.then_some(StoredEntry { peer, entry, left: ttl });
        }
        self.remove(&peer, &content);
        let life = Lifetime::new(now.saturating_add(ttl));
        self.expiries.insert((life.expires, peer, content));
        let item = self.items.entry(key.clone());
        let item = item.or_insert_with(|| Item { entry: entry.clone(), publishers: BTreeSet::new() });
        item.publishers.insert(peer);
        self.peers.entry(peer).or_default().insert(content, Publication { key, life });
        Some(StoredEntry { peer, entry, left: ttl })
    }

    fn remove(&mut self, peer: &PeerId, content: &ContentId) -> Option<ServiceChange> {
        let own = self.peers.get_mut(peer)?;
        let removed = own.remove(content);
        if own.is_empty() {
            self.peers.remove(peer);
        }
        let Publication { key, life } = removed?;
        self.expiries.remove(&(life.expires, *peer, *content));
        if let Some(item) = self.items.get_mut(&key) {
            item.publishers.remove(peer);
            if item.publishers.is_empty() {
                self.items.remove(&key);
            }
        }
        Some(ServiceChange::DropEntry { peer: *peer, content: *content })
    }

    /// Everything that memory is proportional to.
    #[cfg(test)]
    pub(super) fn footprint(&self) -> [usize; 5] {
        let publishers = self.items.values().map(|item| item.publishers.len()).sum();
        let publications = self.peers.values().map(BTreeMap::len).sum();
        [self.items.len(), publishers, self.peers.len(), publications, self.expiries.len()]
    }
}

/// Where a search begins: behind its cursor, or with the first name that may fit.
fn start(search: &Search<'_>, text: &str) -> Result<Bound<Key>, TrackerErrorCode> {
    let text = if search.mode == Mode::Prefix { text } else { "" };
    let first = Key { folded: text.into(), digest: [0; DIGEST] };
    match search.after.map(Key::from_cursor).transpose()? {
        Some(cursor) if cursor >= first => Ok(Bound::Excluded(cursor)),
        _ => Ok(Bound::Included(first)),
    }
}

impl Key {
    fn of(entry: &IndexEntry) -> Self {
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(&Hash::of(&shoal_cbor::encode(entry)).as_bytes()[..DIGEST]);
        Self { folded: fold_case(&entry.name).into(), digest }
    }

    fn to_cursor(&self) -> ByteBuf {
        [&self.digest[..], self.folded.as_bytes()].concat().into()
    }

    fn from_cursor(cursor: &[u8]) -> Result<Self, TrackerErrorCode> {
        let (digest, folded) = cursor.split_first_chunk().ok_or(TrackerErrorCode::BadRequest)?;
        let folded = std::str::from_utf8(folded).map_err(|_| TrackerErrorCode::BadRequest)?;
        Ok(Self { folded: folded.into(), digest: *digest })
    }
}

/// The result of looking up the publishers of one entry.
struct LookUp {
    matched: Option<Match>,
    gone: Vec<PeerId>,
    lookups: usize,
}

impl Item {
    /// Looks up so many publishers that some can be named, and in a small swarm all of them.
    fn look_up(&self, most: usize, is_there: impl Fn(&PeerId, &str) -> bool) -> LookUp {
        let namespace = swarm_namespace(&self.entry.content);
        let (mut there, mut gone) = (vec![], vec![]);
        for peer in self.publishers.iter().take(most.max(1)) {
            if there.len() == LOOKED_UP {
                break;
            }
            if is_there(peer, &namespace) { there.push(*peer) } else { gone.push(*peer) }
        }
        let left = self.publishers.len() - gone.len();
        let matched = (left > 0).then(|| Match {
            entry: self.entry.clone(),
            peers: there.iter().take(MAX_NAMED).map(|peer| ByteBuf::from(peer.to_bytes())).collect(),
            publishers: u32::try_from(left).unwrap_or(u32::MAX),
        });
        LookUp { matched, lookups: there.len() + gone.len(), gone }
    }
}
