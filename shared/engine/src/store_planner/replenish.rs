//! How many copies there are: more if there are too few, at nearer nodes if there are such, fewer if there are too many.

use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_content::ContentId;
use shoal_wire::store::CopyState;

use super::kept::{Kept, Mine};
use super::place::Distance;
use super::{Holders, StoreOutput, StorePlanner};

impl StorePlanner {
    /// An owner that gives space and is among the nearest keeps the content where it lies.
    pub(super) fn take_in_place(&mut self, now: Duration, content: ContentId) {
        let Some(kept) = self.contents.get(&content) else { return };
        if !kept.owned || kept.mine != Mine::None || !self.is_willing() {
            return;
        }
        let own = kept.place.distance(self.peers.own());
        let nearer = |it: &(Distance, Option<PeerId>)| it.0 < own;
        let holders = self.holders(now, kept).iter().filter(|it| nearer(it)).count();
        let others = self.candidates(now, kept, kept.wanted()).iter().filter(|it| it.0 < own).count();
        if holders + others < kept.wanted()
            && let Some(kept) = self.contents.get_mut(&content)
        {
            (kept.mine, kept.in_place, kept.look) = (Mine::Held, true, now);
            kept.verify = now + self.config.verify;
            self.outputs.push_back(StoreOutput::Save(content));
        }
    }

    /// Members that lack a content and would take it, nearest first.
    pub(super) fn candidates(&self, now: Duration, kept: &Kept, count: usize) -> Vec<(Distance, PeerId)> {
        let size = kept.size();
        self.peers.nearest(&kept.place, count, |peer, it| {
            let lacks = kept.copies.get(peer).is_none_or(|copy| {
                copy.not_before <= now
                    && copy.distrusted <= now
                    && !copy.is_offered(now)
                    && copy.state != CopyState::Leaving
                    && copy.state != CopyState::Ended
            });
            !it.dead
                && self.peers.takes(peer, size)
                && lacks
                && !kept.counts(now, peer)
                && !kept.comes(now, peer)
        })
    }

    /// This node's turn to act for a content: after how many others. None: it has nothing to give.
    fn turn(&self, kept: &Kept, holders: &Holders) -> Option<u32> {
        if kept.mine == Mine::Held && self.leaving.is_some() {
            return Some(0);
        }
        let own = holders.iter().position(|(_, peer)| peer.is_none());
        let last = kept.owned.then_some(holders.len());
        own.or(last).and_then(|turn| u32::try_from(turn).ok())
    }

    /// Has copies made if there are too few, or if a nearer member lacks one.
    pub(super) fn replenish(&mut self, now: Duration, content: ContentId) {
        let Some(kept) = self.contents.get(&content) else { return };
        let (holders, coming, wanted) = (self.holders(now, kept), self.coming(now, kept), kept.wanted());
        let Some(turn) = self.turn(kept, &holders) else { return };
        let missing = wanted.saturating_sub(holders.len() + coming);
        let candidates = self.candidates(now, kept, missing.max(1));
        let since = kept.deficient;
        if missing == 0 {
            let farthest = holders.get(wanted.saturating_sub(1)).map(|(distance, _)| *distance);
            if let Some(kept) = self.contents.get_mut(&content) {
                kept.deficient = None;
            }
            // A nearer newcomer; one at a time, by the nearest holder.
            let nearer = |(distance, _): &&(Distance, PeerId)| farthest.is_some_and(|last| *distance < last);
            if coming == 0 && turn == 0 && self.leaving.is_none() {
                let newcomer = candidates.first().filter(nearer).map(|(_, peer)| *peer);
                newcomer.into_iter().for_each(|peer| self.offer(now, content, peer));
            }
            return;
        }
        let since = since.unwrap_or(now);
        if let Some(kept) = self.contents.get_mut(&content) {
            if kept.deficient.is_none() && turn > 0 {
                // Whether others restore it is seen by asking.
                kept.look = kept.look.min(now + self.config.ping);
            }
            kept.deficient = Some(since);
            if turn > 0 {
                kept.look = kept.look.min(now + self.config.ping);
            }
        }
        if now >= since + self.config.step_in * turn {
            candidates.into_iter().take(missing).for_each(|(_, peer)| self.offer(now, content, peer));
        }
    }

    /// Offers all records of a content to a peer.
    pub(super) fn offer(&mut self, now: Duration, content: ContentId, to: PeerId) {
        let Some(kept) = self.contents.get_mut(&content) else { return };
        let until = now + self.config.ping * 4;
        let Some(copy) = kept.copy(now, to) else { return };
        copy.offered = true;
        // One that has it already is told a newer record.
        if copy.state == CopyState::None {
            copy.until = until;
        }
        let Some(kept) = self.contents.get(&content) else { return };
        let holders = self.sources(now, kept);
        for record in kept.records.values() {
            let (record, holders) = (record.clone(), holders.clone());
            self.outputs.push_back(StoreOutput::Offer { to, record, holders });
        }
    }

    /// Lets an own copy go when enough nearer nodes have proven theirs. Returns whether nothing is known of the content
    /// any more.
    pub(super) fn let_go(&mut self, now: Duration, content: ContentId) -> bool {
        let Some(kept) = self.contents.get(&content) else { return true };
        let (holders, wanted) = (self.holders(now, kept), kept.wanted());
        let own = holders.iter().position(|(_, peer)| peer.is_none());
        let Some(own) = own.filter(|own| *own >= wanted) else { return false };
        let nearer: Vec<PeerId> = holders[..own].iter().filter_map(|(_, peer)| *peer).collect();
        let fresh = now.saturating_sub(self.config.check * 2);
        let proven = |peer: &&PeerId| {
            kept.copies.get(peer).and_then(|copy| copy.proven).is_some_and(|proven| proven >= fresh)
        };
        let (proven, unproven): (Vec<_>, Vec<_>) = nearer.iter().partition(proven);
        if proven.len() < wanted {
            unproven.into_iter().for_each(|peer| self.ask_for_proof(now, content, peer));
            return false;
        }
        let (in_place, owned) = (kept.in_place, kept.owned);
        if let Some(kept) = self.contents.get_mut(&content) {
            (kept.mine, kept.look, kept.deficient) = (Mine::None, now, None);
        }
        if !in_place {
            self.outputs.push_back(StoreOutput::Remove(content));
        }
        self.outputs.push_back(StoreOutput::Save(content));
        // Says to the others that it is gone, and forgets it unless it owns it.
        self.look(now, content);
        !owned
    }
}
