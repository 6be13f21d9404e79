//! Whether what is said to be kept is kept: by others, and by this node.

use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_content::ContentId;
use shoal_wire::store::CopyState;

use super::kept::{Kept, Mine};
use super::{StoreOutput, StorePlanner, StoreProof};

impl StorePlanner {
    /// Asks holders for proofs: at once those that never gave one, and now and then one of the others.
    pub(super) fn check(&mut self, now: Duration, content: ContentId) {
        let Some(kept) = self.contents.get(&content) else { return };
        if !kept.has_bytes() {
            return;
        }
        let holders: Vec<PeerId> = self.holders(now, kept).into_iter().filter_map(|(_, peer)| peer).collect();
        let mut asked: Vec<PeerId> =
            holders.iter().filter(|peer| kept.copies[*peer].proven.is_none()).copied().collect();
        if kept.check <= now && asked.is_empty() {
            // The next one in the order of their ids.
            let mut by_id = holders;
            by_id.sort_unstable();
            let next = by_id.iter().find(|peer| Some(**peer) > kept.checked).or(by_id.first());
            asked.extend(next);
        }
        if let Some(kept) = self.contents.get_mut(&content)
            && kept.check <= now
        {
            kept.check = now + self.config.check;
            kept.checked = asked.first().copied();
        }
        asked.iter().for_each(|peer| self.ask_for_proof(now, content, peer));
    }

    /// Asks a holder, unless it is asked already or was just asked in vain.
    pub(super) fn ask_for_proof(&mut self, now: Duration, content: ContentId, peer: &PeerId) {
        let Some(kept) = self.contents.get_mut(&content) else { return };
        let Some(copy) = kept.copies.get_mut(peer) else { return };
        if !copy.checking && copy.not_before <= now {
            copy.checking = true;
            self.outputs.push_back(StoreOutput::Check { peer: *peer, content });
        }
    }

    /// What became of a check.
    pub(super) fn checked(&mut self, now: Duration, peer: PeerId, content: ContentId, answer: StoreProof) {
        let is_there = self.peers.is_there(&peer);
        let Some(kept) = self.contents.get_mut(&content) else { return };
        let Some(copy) = kept.copies.get_mut(&peer) else { return };
        if copy.checked(now, answer) && is_there {
            copy.distrusted = now + self.config.distrust;
        } else if answer != StoreProof::Given {
            copy.not_before = now + self.config.ping;
        }
        if answer == StoreProof::Denied {
            // It let its copy go after it had said that it has one. So it may be offered one again.
            self.set_state(now, content, peer, CopyState::None);
        }
        self.touch(now, content);
    }

    /// A check was not made. Nothing is known by that, but that the own copy is to be looked at.
    pub(super) fn unchecked(&mut self, now: Duration, peer: PeerId, content: ContentId) {
        let later = now + self.config.members;
        let Some(kept) = self.contents.get_mut(&content) else { return };
        if let Some(copy) = kept.copies.get_mut(&peer) {
            (copy.checking, copy.not_before) = (false, later);
        }
        kept.verify = kept.verify.min(now);
        self.touch(now, content);
    }

    /// Whether a holder has not proven yet that it is one.
    pub(super) fn has_unproven(&self, now: Duration, kept: &Kept) -> bool {
        let unproven = |peer: &&PeerId| kept.counts(now, peer) && kept.copies[*peer].proven.is_none();
        kept.has_bytes() && kept.copies.keys().any(|peer| unproven(&peer))
    }

    /// Has the own copy read now and then.
    pub(super) fn verify(&mut self, now: Duration, content: ContentId) {
        let Some(kept) = self.contents.get_mut(&content) else { return };
        if kept.mine == Mine::Held && kept.verify <= now {
            kept.verify = now + self.config.verify;
            self.outputs.push_back(StoreOutput::Verify(content));
        }
    }

    /// What was seen when an own copy was read.
    pub(super) fn verified(&mut self, now: Duration, content: ContentId, whole: bool) {
        let Some(kept) = self.contents.get(&content) else { return };
        if whole || kept.mine != Mine::Held {
            return;
        }
        let from: Vec<PeerId> =
            self.sources(now, kept).into_iter().filter(|peer| *peer != self.local).collect();
        let until = now + self.config.arrival_of(kept.size());
        let Some(kept) = self.contents.get_mut(&content) else { return };
        kept.look = now;
        if kept.in_place {
            // It is the user's file: it is not ours to repair.
            (kept.mine, kept.in_place) = (Mine::None, false);
        } else {
            kept.mine = Mine::Fetching(until);
            self.outputs.push_back(StoreOutput::Repair { content, from });
        }
        self.outputs.push_back(StoreOutput::Save(content));
        self.touch(now, content);
    }
}
