//! One content: what owners want, what is here of it, and what others have of it.
//!
//! What always holds: a content has at most [`MAX_OWNERS`] records and knows of at most [`MAX_KNOWN`] peers.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_content::ContentId;
use shoal_wire::store::{CopyState, StoreRecord};

use super::StoreProof;
use super::place::Place;

/// The most owners of a content that are minded.
pub(super) const MAX_OWNERS: usize = 8;
/// The most peers whose copies of a content are minded.
pub(super) const MAX_KNOWN: usize = 32;
/// Checks in a row without a proof, of a peer that answers other questions, that count as a wrong proof. A word that has
/// become untrue on its way is soon taken back; so not the first one.
const MAX_UNPROVEN: u32 = 3;

/// What is here of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mine {
    None,
    /// To be here by then.
    Fetching(Duration),
    Held,
}

/// What another peer has of a content.
#[derive(Debug, Clone)]
pub(super) struct PeerCopy {
    pub(super) state: CopyState,
    /// Until when it may be fetching.
    pub(super) until: Duration,
    /// When it last proved that it has it.
    pub(super) proven: Option<Duration>,
    /// Whether it was asked for a proof, and has not answered.
    pub(super) checking: bool,
    unproven: u32,
    /// Not asked again to take it before.
    pub(super) not_before: Duration,
    /// What it says of it counts for nothing before.
    pub(super) distrusted: Duration,
    /// Whether it was offered it, and has not answered.
    pub(super) offered: bool,
}

impl Default for PeerCopy {
    fn default() -> Self {
        Self {
            state: CopyState::None,
            until: Duration::ZERO,
            proven: None,
            checking: false,
            unproven: 0,
            not_before: Duration::ZERO,
            distrusted: Duration::ZERO,
            offered: false,
        }
    }
}

impl PeerCopy {
    /// Takes in what became of a check. Returns whether it is to be distrusted.
    pub(super) fn checked(&mut self, now: Duration, answer: StoreProof) -> bool {
        self.checking = false;
        match answer {
            StoreProof::Given => (self.proven, self.unproven) = (Some(now), 0),
            StoreProof::Wrong => self.unproven = MAX_UNPROVEN,
            StoreProof::Denied | StoreProof::Missing => self.unproven += 1,
            StoreProof::Busy => {}
        }
        let failed = self.unproven >= MAX_UNPROVEN;
        if failed {
            (self.proven, self.unproven) = (None, 0);
        }
        failed
    }

    /// Whether an answer to an offer may still come, and would bring a copy.
    pub(super) fn is_offered(&self, now: Duration) -> bool {
        self.offered && self.state == CopyState::None && self.until > now
    }

    /// Whether nothing is lost with it.
    fn is_idle(&self, now: Duration) -> bool {
        self.state == CopyState::None && self.distrusted <= now && !self.offered
    }
}

/// One content.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) place: Place,
    /// By the owners' keys.
    pub(super) records: BTreeMap<Vec<u8>, StoreRecord>,
    pub(super) mine: Mine,
    /// The copy lies where the user has it.
    pub(super) in_place: bool,
    /// This node owns it, and has it at another place.
    pub(super) owned: bool,
    pub(super) copies: BTreeMap<PeerId, PeerCopy>,
    /// Since when there are too few copies.
    pub(super) deficient: Option<Duration>,
    /// When holders and the nearest members are asked next what they have.
    pub(super) look: Duration,
    /// When the next holder is asked for a proof.
    pub(super) check: Duration,
    /// Who was asked last.
    pub(super) checked: Option<PeerId>,
    /// When the own copy is read next.
    pub(super) verify: Duration,
    /// When to look at all this again.
    pub(super) wake: Duration,
}

impl Kept {
    pub(super) fn new(content: &ContentId, now: Duration) -> Self {
        Self {
            place: Place::of_content(content),
            records: BTreeMap::new(),
            mine: Mine::None,
            in_place: false,
            owned: false,
            copies: BTreeMap::new(),
            deficient: None,
            look: now,
            check: now,
            checked: None,
            verify: Duration::MAX,
            wake: Duration::MAX,
        }
    }

    /// Takes in a record, if it is newer than that of the same owner. Returns whether it did.
    pub(super) fn take(&mut self, record: StoreRecord) -> bool {
        match self.records.get(&record.owner) {
            Some(known) if known.issued >= record.issued => return false,
            None if self.records.len() >= MAX_OWNERS => return false,
            _ => {}
        }
        self.records.insert(record.owner.clone(), record);
        true
    }

    /// The record that wants most: more copies, longer.
    pub(super) fn record(&self) -> Option<&StoreRecord> {
        self.records.values().max_by_key(|record| (record.copies, record.expires))
    }

    /// How many nodes shall have it.
    pub(super) fn wanted(&self) -> usize {
        self.record().map_or(0, |record| record.copies.into())
    }

    pub(super) fn size(&self) -> u64 {
        self.record().map_or(0, |record| record.size)
    }

    /// Seconds since 1970 at which the first record expires.
    pub(super) fn expires(&self) -> Option<u64> {
        self.records.values().map(|record| record.expires).min()
    }

    /// Bytes that it takes of what is given to others.
    pub(super) fn takes(&self) -> u64 {
        if self.mine == Mine::None || self.in_place { 0 } else { self.size() }
    }

    /// What the node has of it, as others are told.
    pub(super) fn state(&self, leaving: bool) -> CopyState {
        match self.mine {
            Mine::None => CopyState::None,
            Mine::Fetching(_) => CopyState::Fetching,
            Mine::Held if leaving => CopyState::Leaving,
            Mine::Held => CopyState::Held,
        }
    }

    /// Whether this node can give it to others, and knows it well enough to check them.
    pub(super) fn has_bytes(&self) -> bool {
        self.mine == Mine::Held || self.owned
    }

    /// What is known of a peer's copy, to be changed; none if too many are minded.
    pub(super) fn copy(&mut self, now: Duration, peer: PeerId) -> Option<&mut PeerCopy> {
        if !self.copies.contains_key(&peer) && self.copies.len() >= MAX_KNOWN {
            let idle = self.copies.iter().find(|(_, copy)| copy.is_idle(now)).map(|(peer, _)| *peer)?;
            self.copies.remove(&idle);
        }
        Some(self.copies.entry(peer).or_default())
    }

    /// Whether a peer's copy counts as one.
    pub(super) fn counts(&self, now: Duration, peer: &PeerId) -> bool {
        let held = |copy: &PeerCopy| copy.state == CopyState::Held && copy.distrusted <= now;
        self.copies.get(peer).is_some_and(held)
    }

    /// Whether a peer's copy is on its way.
    pub(super) fn comes(&self, now: Duration, peer: &PeerId) -> bool {
        let comes =
            |copy: &PeerCopy| copy.is_offered(now) || copy.state == CopyState::Fetching && copy.until > now;
        self.copies.get(peer).is_some_and(|copy| copy.distrusted <= now && comes(copy))
    }
}
