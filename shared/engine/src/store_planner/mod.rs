//! The store: which nodes keep which content, decided by each of them for itself.
//!
//! A content is to be kept by as many nodes as its owner wants: by those of the willing ones that are nearest to it, as
//! Kademlia measures (`place`). No node is in charge. Each pings the others that have what it has, and:
//!
//! - **Too few copies** (`replenish`): the nearest holder offers the content to the nearest member that lacks it. The next
//!   holders do so too, each after it has waited longer, if nothing comes of that. The owner is the last of them, and the
//!   first while nobody has it.
//! - **A nearer newcomer** is offered a copy by the nearest holder. Only when it has proven that it has it does the
//!   farthest holder let go: a node removes its own copy alone, and only while enough nearer nodes have proven theirs.
//! - **Proofs** (`checks`): who says that it holds a content is asked at once, and now and then, for a hash that it cannot
//!   know otherwise. Who fails counts for nothing as to that content for a while, so another one takes its place.
//! - **Going** (`leaving`): what a node has is offered to others before it goes, within a deadline.
//!
//! What this is not: it opens no connection, moves no bytes and checks no signature. What always holds: a copy is removed
//! only when its records expired or were ended, when enough nearer nodes have proven that they have it, or when it never
//! arrived; the store never takes more bytes than were given; what is known of peers and contents is bounded, whatever they say.

mod answers;
mod checks;
mod config;
mod inputs;
mod kept;
mod leaving;
mod messages;
mod peers;
mod place;
mod replenish;
mod saving;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_content::ContentId;
use shoal_wire::store::{CopyState, MAX_LISTED, StoreEnd};

pub use self::config::StorePlannerConfig;
use self::kept::{Kept, Mine};
pub use self::messages::{
    StoreFarewell, StoreInput, StoreOfferAnswer, StoreOutput, StoreProof, StoreSaved, StoreView,
};
use self::peers::{PeerDue, Peers};
use self::place::Distance;

/// The most contents that are kept, owned or both.
pub const MAX_KEPT: usize = 4096;
/// Members beyond the wanted number of copies that are told and asked of a content, so that the next ones know of it.
const BEYOND: usize = 2;

/// Decides for one node. See the module's description.
#[derive(Debug)]
pub struct StorePlanner {
    local: PeerId,
    config: StorePlannerConfig,
    peers: Peers,
    contents: BTreeMap<ContentId, Kept>,
    /// When to look at which content.
    due: BTreeSet<(Duration, ContentId)>,
    /// For each peer that has a copy of something here, of how much.
    partners: BTreeMap<PeerId, u32>,
    ends: BTreeMap<(ContentId, Vec<u8>), StoreEnd>,
    /// Until when the node may take to go.
    leaving: Option<Duration>,
    left: bool,
    outputs: VecDeque<StoreOutput>,
}

/// Who has a content, the nearest to it first. `None` is this node.
type Holders = Vec<(Distance, Option<PeerId>)>;

impl StorePlanner {
    /// A node that knows nobody and keeps nothing yet.
    pub fn new(local: PeerId, config: StorePlannerConfig) -> Self {
        Self {
            local,
            config,
            peers: Peers::new(&local),
            contents: BTreeMap::new(),
            due: BTreeSet::new(),
            partners: BTreeMap::new(),
            ends: BTreeMap::new(),
            leaving: None,
            left: false,
            outputs: VecDeque::new(),
        }
    }

    /// What to do next. After each input and each answer, until there is nothing.
    pub fn poll_output(&mut self) -> Option<StoreOutput> {
        self.outputs.pop_front()
    }

    /// When to call [`tick`](Self::tick) at the latest.
    pub fn next_timeout(&self) -> Option<Duration> {
        let content = self.due.first().map(|(due, _)| *due);
        let deadline = self.leaving.filter(|_| !self.left);
        [self.peers.next_due(), content, deadline].into_iter().flatten().min()
    }

    /// Does what has become due.
    pub fn tick(&mut self, now: Duration) {
        while let Some((peer, what)) = self.peers.take_due(now, self.config.ping) {
            match what {
                PeerDue::Ping => self.outputs.push_back(StoreOutput::Hello(peer)),
                PeerDue::GiveUp => self.has_nothing(now, &peer),
            }
        }
        while let Some((_, content)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.evaluate(now, content);
        }
        self.see_whether_left(now);
    }

    /// Whether the node keeps contents for others, and takes more.
    pub fn is_willing(&self) -> bool {
        self.config.donated > 0 && self.leaving.is_none()
    }

    /// Bytes that it would take more.
    pub fn free(&self) -> u64 {
        if self.contents.len() >= MAX_KEPT || self.leaving.is_some() {
            return 0;
        }
        self.config.donated.saturating_sub(self.used())
    }

    /// Bytes that contents take that are kept for others.
    pub fn used(&self) -> u64 {
        self.contents.values().map(Kept::takes).fold(0, u64::saturating_add)
    }

    /// Seconds since 1970.
    fn clock(&self, now: Duration) -> u64 {
        (self.config.start + now).as_secs()
    }

    /// How often a peer is pinged.
    fn pace(&self, peer: &PeerId) -> Duration {
        if self.partners.contains_key(peer) { self.config.ping } else { self.config.members }
    }

    /// A content is to be looked at.
    fn touch(&mut self, now: Duration, content: ContentId) {
        self.wake(content, now);
    }

    fn wake(&mut self, content: ContentId, at: Duration) {
        let Some(kept) = self.contents.get_mut(&content) else { return };
        self.due.remove(&(kept.wake, content));
        kept.wake = at;
        self.due.insert((at, content));
    }

    /// A peer has, or has no more, a copy of a content.
    fn set_state(&mut self, now: Duration, content: ContentId, peer: PeerId, state: CopyState) {
        let Some(kept) = self.contents.get_mut(&content) else { return };
        let until = now + self.config.arrival_of(kept.size());
        let Some(copy) = kept.copy(now, peer) else { return };
        let before = copy.state;
        if before == state {
            return;
        }
        copy.state = state;
        copy.until = until;
        // It took what it was offered; an answer to that says no more.
        copy.offered &= state == CopyState::None;
        // What was proven before says nothing of a copy that was gone meanwhile.
        if before == CopyState::None {
            copy.proven = None;
        }
        match (before == CopyState::None, state == CopyState::None) {
            (true, false) => *self.partners.entry(peer).or_default() += 1,
            (false, true) => self.part(&peer),
            _ => {}
        }
        if state != CopyState::None {
            self.peers.named(now, peer, &self.partners);
            // It was pinged rarely until now.
            self.peers.hasten(&peer, now + self.config.ping);
        }
        self.touch(now, content);
        self.outputs.push_back(StoreOutput::Save(content));
    }

    fn part(&mut self, peer: &PeerId) {
        if let Some(count) = self.partners.get_mut(peer) {
            *count -= 1;
            if *count == 0 {
                self.partners.remove(peer);
            }
        }
    }

    /// A peer is gone, with all that it had.
    fn has_nothing(&mut self, now: Duration, peer: &PeerId) {
        let with = |kept: &Kept| kept.copies.get(peer).is_some_and(|copy| copy.state != CopyState::None);
        let all: Vec<ContentId> =
            self.contents.iter().filter(|(_, kept)| with(kept)).map(|(content, _)| *content).collect();
        for content in all {
            self.set_state(now, content, *peer, CopyState::None);
        }
    }

    /// Nothing is known of a content from now on.
    fn forget(&mut self, content: ContentId) {
        let Some(kept) = self.contents.remove(&content) else { return };
        self.due.remove(&(kept.wake, content));
        let with = kept.copies.iter().filter(|(_, copy)| copy.state != CopyState::None);
        let with: Vec<PeerId> = with.map(|(peer, _)| *peer).collect();
        with.iter().for_each(|peer| self.part(peer));
        if kept.mine != Mine::None && !kept.in_place {
            self.outputs.push_back(StoreOutput::Remove(content));
        }
        self.outputs.push_back(StoreOutput::Save(content));
    }

    /// Who has a content now, as far as that counts.
    fn holders(&self, now: Duration, kept: &Kept) -> Holders {
        let of = |peer: &PeerId| Some((kept.place.distance(&self.peers.get(peer)?.place), Some(*peer)));
        let there = |peer: &&PeerId| self.peers.is_there(peer) && kept.counts(now, peer);
        let mut all: Holders = kept.copies.keys().filter(there).filter_map(of).collect();
        if kept.mine == Mine::Held && self.leaving.is_none() {
            all.push((kept.place.distance(self.peers.own()), None));
        }
        all.sort_unstable();
        all
    }

    /// How many copies are on their way.
    fn coming(&self, now: Duration, kept: &Kept) -> usize {
        let comes = |peer: &&PeerId| self.peers.is_there(peer) && kept.comes(now, peer);
        let mine = matches!(kept.mine, Mine::Fetching(_)) && self.leaving.is_none();
        kept.copies.keys().filter(comes).count() + usize::from(mine)
    }

    /// Whom a copy can be had of, this node first if it can give it.
    fn sources(&self, now: Duration, kept: &Kept) -> Vec<PeerId> {
        let own = kept.has_bytes().then_some(self.local);
        let others = self.holders(now, kept).into_iter().filter_map(|(_, peer)| peer);
        own.into_iter().chain(others).take(MAX_LISTED).collect()
    }

    /// Looks at a content, and does what is to be done.
    fn evaluate(&mut self, now: Duration, content: ContentId) {
        let clock = self.clock(now);
        let Some(kept) = self.contents.get_mut(&content) else {
            // It was forgotten, and so was when to look at it.
            self.due.retain(|(_, it)| *it != content);
            return;
        };
        let before = kept.records.len();
        kept.records.retain(|_, record| record.expires > clock);
        if kept.records.is_empty() {
            return self.forget(content);
        }
        if kept.records.len() != before {
            self.outputs.push_back(StoreOutput::Save(content));
        }
        self.give_up_late(now, content);
        self.take_in_place(now, content);
        self.replenish(now, content);
        if self.let_go(now, content) {
            return;
        }
        self.check(now, content);
        self.look(now, content);
        self.verify(now, content);
        let wake = self.next_look(now, content);
        self.wake(content, wake);
    }

    /// A copy that did not arrive in its time is given up.
    fn give_up_late(&mut self, now: Duration, content: ContentId) {
        let Some(kept) = self.contents.get_mut(&content) else { return };
        if matches!(kept.mine, Mine::Fetching(until) if until <= now) {
            kept.mine = Mine::None;
            kept.look = now;
            self.outputs.push_back(StoreOutput::Remove(content));
            self.outputs.push_back(StoreOutput::Save(content));
        }
    }

    /// Tells holders and the nearest members what is here, and asks them.
    fn look(&mut self, now: Duration, content: ContentId) {
        let Some(kept) = self.contents.get(&content) else { return };
        let has_part = kept.mine != Mine::None || kept.owned;
        if kept.look > now {
            return;
        }
        let state = kept.state(self.leaving.is_some());
        let mut all: BTreeSet<PeerId> = kept.copies.keys().copied().collect();
        if has_part {
            let near =
                self.peers.nearest(&kept.place, kept.wanted() + BEYOND, |_, it| !it.dead && it.willing);
            all.extend(near.into_iter().map(|(_, peer)| peer));
        }
        for to in all.into_iter().filter(|peer| self.peers.is_there(peer)) {
            self.outputs.push_back(StoreOutput::Status { to, content, state });
        }
        if let Some(kept) = self.contents.get_mut(&content) {
            kept.look = now + self.config.look;
        }
        if !has_part {
            self.forget(content);
        }
    }

    /// When a content is to be looked at again if nothing happens.
    fn next_look(&self, now: Duration, content: ContentId) -> Duration {
        let Some(kept) = self.contents.get(&content) else { return Duration::MAX };
        let expires = kept.expires().map(|at| Duration::from_secs(at).saturating_sub(self.config.start));
        let late = match kept.mine {
            Mine::Fetching(until) => Some(until),
            _ => None,
        };
        let comes = kept.copies.iter().filter(|(peer, _)| kept.comes(now, peer)).map(|(_, copy)| copy.until);
        let lacks = kept.deficient.map(|since| if since > now { since } else { now + self.config.ping });
        let soon = kept.copies.values().any(|copy| copy.checking || copy.offered);
        let soon = soon.then(|| now + self.config.ping * 4);
        let unproven = self.has_unproven(now, kept).then(|| now + self.config.ping);
        let verify = (kept.mine == Mine::Held).then_some(kept.verify);
        let check = kept.has_bytes().then_some(kept.check);
        [expires, late, comes.min(), lacks, soon, unproven, verify, check, Some(kept.look)]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .min()
            .unwrap_or(now + self.config.look)
    }
}
