//! What happens.

use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_content::ContentId;
use shoal_wire::store::{CopyState, StoreEnd, StoreRecord, StoreRefusal};

use super::kept::{Kept, Mine};
use super::{BEYOND, MAX_KEPT, StoreInput, StoreOutput, StorePlanner};

/// The most ends that are remembered; the oldest ones go first.
const MAX_ENDS: usize = 1024;
/// How long an owner waits before it offers a content to the nearest members, in pings, so that nearer ones are found.
const SETTLE: u32 = 4;

impl StorePlanner {
    /// Takes in what happened, and decides.
    pub fn handle(&mut self, now: Duration, input: StoreInput) {
        match input {
            StoreInput::Named(peers) => {
                for peer in peers.into_iter().filter(|peer| *peer != self.local) {
                    self.peers.named(now, peer, &self.partners);
                }
            }
            StoreInput::Hello { peer, willing, free } => self.hello(now, peer, (willing, free)),
            StoreInput::Silent(peer) => {
                let again = self.pace(&peer);
                self.peers.silent(now, &peer, again, self.config.grace);
            }
            StoreInput::Bye(peer) => {
                self.has_nothing(now, &peer);
                self.peers.remove(&peer);
            }
            StoreInput::Offered { peer, content, state, why } => self.offered(now, peer, content, state, why),
            StoreInput::Status { peer, content, state, holders, records } => {
                self.told_status(now, peer, content, state);
                self.told_of_holders(now, content, holders);
                self.told_records(now, peer, content, records);
            }
            StoreInput::Checked { peer, content, answer } => self.checked(now, peer, content, answer),
            StoreInput::Unchecked { peer, content } => self.unchecked(now, peer, content),
            StoreInput::Stored(content) => self.stored(now, content),
            StoreInput::Lost(content) => self.lost(now, content),
            StoreInput::Verified { content, whole } => self.verified(now, content, whole),
            StoreInput::Own(record) => self.own(now, record),
            StoreInput::End(end) => self.end(now, &end),
            StoreInput::Leave(within) => self.leave(now, now + within),
        }
        self.tick(now);
    }

    fn hello(&mut self, now: Duration, peer: PeerId, offer: (bool, u64)) {
        if peer == self.local {
            return;
        }
        let again = self.pace(&peer);
        if !self.peers.hello(now, peer, offer, again, &self.partners) {
            return;
        }
        // One that is new, or back, may have something, or take something.
        let leaving = self.leaving.is_some();
        let mut near = vec![];
        for (content, kept) in &self.contents {
            let nearest =
                self.peers.nearest(&kept.place, kept.wanted() + BEYOND, |_, it| !it.dead && it.willing);
            if kept.copies.contains_key(&peer) || nearest.iter().any(|(_, it)| *it == peer) {
                near.push((*content, kept.state(leaving)));
            }
        }
        for (content, state) in near {
            self.outputs.push_back(StoreOutput::Status { to: peer, content, state });
            self.touch(now, content);
        }
    }

    fn offered(
        &mut self,
        now: Duration,
        peer: PeerId,
        content: ContentId,
        state: CopyState,
        why: Option<StoreRefusal>,
    ) {
        let (again, later) = (self.config.ping * 2, self.config.members);
        let Some(copy) = self.contents.get_mut(&content).and_then(|kept| kept.copies.get_mut(&peer)) else {
            return;
        };
        copy.offered = false;
        if state == CopyState::None {
            copy.not_before = now + if why.is_some() { later } else { again };
        }
        self.set_state(now, content, peer, state);
        self.touch(now, content);
    }

    /// A peer said what it has of a content.
    pub(super) fn told_status(&mut self, now: Duration, peer: PeerId, content: ContentId, state: CopyState) {
        let Some(kept) = self.contents.get(&content) else { return };
        if peer == self.local || (state == CopyState::None && !kept.copies.contains_key(&peer)) {
            return;
        }
        if state == CopyState::Ended {
            if kept.has_bytes() {
                // Its answer has what the owner signed.
                self.offer(now, content, peer);
            }
            return;
        }
        self.set_state(now, content, peer, state);
    }

    /// Others are said to have a content: they are asked themselves.
    pub(super) fn told_of_holders(&mut self, now: Duration, content: ContentId, holders: Vec<PeerId>) {
        let leaving = self.leaving.is_some();
        for peer in holders.into_iter().filter(|peer| *peer != self.local) {
            let Some(kept) = self.contents.get_mut(&content) else { return };
            let state = kept.state(leaving);
            if !kept.copies.contains_key(&peer) && kept.copy(now, peer).is_some() {
                self.peers.named(now, peer, &self.partners);
                self.outputs.push_back(StoreOutput::Status { to: peer, content, state });
            }
        }
    }

    /// A peer said what owners want; what it does not know yet, it is told.
    fn told_records(&mut self, now: Duration, peer: PeerId, content: ContentId, records: Vec<StoreRecord>) {
        let Some(kept) = self.contents.get_mut(&content) else { return };
        let knows =
            |mine: &StoreRecord| records.iter().any(|it| it.owner == mine.owner && it.issued >= mine.issued);
        let has_it = matches!(
            kept.copies.get(&peer).map(|copy| copy.state),
            Some(CopyState::Held | CopyState::Fetching)
        );
        let unknown = has_it && kept.has_bytes() && !kept.records.values().all(knows);
        let mut is_news = false;
        for record in records {
            is_news |= self.take_record(now, record);
        }
        if is_news {
            self.outputs.push_back(StoreOutput::Save(content));
            self.touch(now, content);
        }
        if unknown {
            self.offer(now, content, peer);
        }
    }

    /// Takes in a record of a content that is known here, unless it has expired or was ended.
    pub(super) fn take_record(&mut self, now: Duration, record: StoreRecord) -> bool {
        if record.expires <= self.clock(now) || self.ended(&record).is_some() {
            return false;
        }
        self.contents.get_mut(&record.content).is_some_and(|kept| kept.take(record))
    }

    /// The end of what a record wants.
    pub(super) fn ended(&self, record: &StoreRecord) -> Option<&StoreEnd> {
        let end = self.ends.get(&(record.content, record.owner.clone()));
        end.filter(|end| end.issued >= record.issued)
    }

    fn stored(&mut self, now: Duration, content: ContentId) {
        let verify = now + self.config.verify;
        let Some(kept) = self.contents.get_mut(&content) else { return };
        if let Mine::Fetching(_) = kept.mine {
            (kept.mine, kept.verify, kept.look) = (Mine::Held, verify, now);
            self.outputs.push_back(StoreOutput::Save(content));
            self.touch(now, content);
        }
    }

    fn lost(&mut self, now: Duration, content: ContentId) {
        let Some(kept) = self.contents.get_mut(&content) else { return };
        let was_here = kept.mine != Mine::None;
        if kept.in_place {
            // The user has taken it away: it is no source either.
            kept.owned = false;
        }
        (kept.mine, kept.in_place, kept.look) = (Mine::None, false, now);
        if was_here {
            self.outputs.push_back(StoreOutput::Save(content));
        }
        self.touch(now, content);
    }

    fn own(&mut self, now: Duration, record: StoreRecord) {
        let content = record.content;
        if !self.contents.contains_key(&content) && self.contents.len() >= MAX_KEPT {
            return;
        }
        let settled = now + self.config.ping / SETTLE;
        self.contents.entry(content).or_insert_with(|| {
            let mut kept = Kept::new(&content, now);
            kept.deficient = Some(settled);
            kept
        });
        let is_news = self.take_record(now, record);
        let Some(kept) = self.contents.get_mut(&content) else { return };
        (kept.owned, kept.look) = (true, now);
        let with = kept.copies.iter().filter(|(_, copy)| copy.state != CopyState::None);
        let with: Vec<PeerId> = with.map(|(peer, _)| *peer).collect();
        if is_news {
            with.into_iter().for_each(|peer| self.offer(now, content, peer));
        }
        self.outputs.push_back(StoreOutput::Save(content));
        self.touch(now, content);
    }

    /// An owner ends a content: what it wanted is forgotten, and others are told.
    fn end(&mut self, now: Duration, end: &StoreEnd) {
        let known = self.ends.get(&(end.content, end.owner.clone()));
        if known.is_some_and(|known| known.issued >= end.issued) {
            return;
        }
        let Some(kept) = self.contents.get_mut(&end.content) else { return };
        let wanted = kept.wanted();
        match kept.records.get(&end.owner) {
            Some(record) if record.issued <= end.issued => drop(kept.records.remove(&end.owner)),
            _ => return,
        }
        let near = self.peers.nearest(&kept.place, wanted + BEYOND, |_, it| !it.dead && it.willing);
        let mut told: Vec<PeerId> = kept.copies.keys().copied().collect();
        told.extend(near.into_iter().map(|(_, peer)| peer).filter(|peer| !kept.copies.contains_key(peer)));
        let is_over = kept.records.is_empty();
        for to in told {
            self.outputs.push_back(StoreOutput::End { to, end: end.clone() });
        }
        self.remember_end(end.clone());
        self.outputs.push_back(StoreOutput::SaveEnd(end.clone()));
        if is_over {
            self.forget(end.content);
        } else {
            self.outputs.push_back(StoreOutput::Save(end.content));
            self.touch(now, end.content);
        }
    }

    pub(super) fn remember_end(&mut self, end: StoreEnd) {
        if self.ends.len() >= MAX_ENDS {
            let oldest = self.ends.iter().min_by_key(|(_, end)| end.issued).map(|(key, _)| key.clone());
            oldest.into_iter().for_each(|key| drop(self.ends.remove(&key)));
        }
        self.ends.insert((end.content, end.owner.clone()), end);
    }
}
