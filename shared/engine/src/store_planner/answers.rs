//! What is answered to other nodes. Records and ends come here only after their signatures were checked.

use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_content::ContentId;
use shoal_wire::store::{CopyState, MAX_LISTED, StoreRecord, StoreRefusal};

use super::kept::{Kept, Mine};
use super::place::Place;
use super::{MAX_KEPT, StoreOfferAnswer, StoreOutput, StorePlanner};

impl StorePlanner {
    /// A peer offers a content; `here`: the user has all of it on this node already.
    pub fn offer_came(
        &mut self,
        now: Duration,
        from: PeerId,
        record: StoreRecord,
        holders: Vec<PeerId>,
        here: bool,
    ) -> StoreOfferAnswer {
        let content = record.content;
        let refused = |why, end| StoreOfferAnswer { state: CopyState::None, why: Some(why), end };
        if let Some(end) = self.ended(&record) {
            return refused(StoreRefusal::Ended, Some(end.clone()));
        }
        if record.expires <= self.clock(now) {
            return refused(StoreRefusal::Invalid, None);
        }
        let has_part = self.contents.get(&content).is_some_and(|kept| kept.mine != Mine::None);
        if !has_part && self.leaving.is_some() {
            return refused(StoreRefusal::Leaving, None);
        }
        let is_known = self.contents.contains_key(&content);
        let needed = if here { 0 } else { record.size };
        let has_room =
            self.config.donated > 0 && self.free() >= needed && (is_known || self.contents.len() < MAX_KEPT);
        if !has_part && !has_room {
            return refused(StoreRefusal::Full, None);
        }
        self.contents.entry(content).or_insert_with(|| Kept::new(&content, now));
        let is_news = self.take_record(now, record);
        if !has_part {
            self.begin(now, content, from, &holders, here);
        }
        if is_news || !has_part {
            self.outputs.push_back(StoreOutput::Save(content));
        }
        self.told_of_holders(now, content, holders);
        self.touch(now, content);
        self.tick(now);
        let state = self.contents.get(&content).map(|kept| kept.state(self.leaving.is_some()));
        StoreOfferAnswer { state: state.unwrap_or(CopyState::None), why: None, end: None }
    }

    /// Begins to keep a content.
    fn begin(&mut self, now: Duration, content: ContentId, from: PeerId, holders: &[PeerId], here: bool) {
        let (arrival, verify) = (self.config, now + self.config.verify);
        let Some(kept) = self.contents.get_mut(&content) else { return };
        let here = here || kept.owned;
        (kept.in_place, kept.look) = (here, now);
        if here {
            (kept.mine, kept.verify) = (Mine::Held, verify);
            return;
        }
        kept.mine = Mine::Fetching(now + arrival.arrival_of(kept.size()));
        let size = kept.size();
        let others = holders.iter().copied().filter(|peer| *peer != from && *peer != self.local);
        let from = std::iter::once(from).chain(others).collect();
        self.outputs.push_back(StoreOutput::Fetch { content, size, from });
    }

    /// A peer tells what it has of a content, and asks. Returns what is here, who else has it, the members nearest to it,
    /// and what owners want.
    pub fn status_came(
        &mut self,
        now: Duration,
        from: PeerId,
        content: ContentId,
        state: CopyState,
    ) -> (CopyState, Vec<PeerId>, Vec<PeerId>, Vec<StoreRecord>) {
        self.told_status(now, from, content, state);
        self.tick(now);
        let nearest = self.peers.nearest(&Place::of_content(&content), MAX_LISTED, |peer, it| {
            !it.dead && it.willing && *peer != from
        });
        let nearest = nearest.into_iter().map(|(_, peer)| peer).collect();
        let Some(kept) = self.contents.get(&content) else {
            let is_over =
                self.ends.range((content, vec![])..).next().is_some_and(|((it, _), _)| *it == content);
            let state = if is_over { CopyState::Ended } else { CopyState::None };
            return (state, vec![], nearest, vec![]);
        };
        let holders = self.holders(now, kept).into_iter().filter_map(|(_, peer)| peer);
        let holders = holders.filter(|peer| *peer != from).take(MAX_LISTED).collect();
        let records = kept.records.values().cloned().collect();
        (kept.state(self.leaving.is_some()), holders, nearest, records)
    }

    /// A proof of a content is asked for: whether this node says that it has it.
    pub fn can_prove(&self, content: &ContentId) -> bool {
        self.contents.get(content).is_some_and(|kept| kept.mine == Mine::Held)
    }
}
