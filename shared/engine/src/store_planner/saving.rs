//! What outlives the process, and what people are shown.

use std::time::Duration;

use libp2p_identity::PeerId;
use serde_bytes::ByteBuf;
use shoal_content::ContentId;
use shoal_wire::store::{CopyState, SignedWords, StoreEnd, StoreRecord};

use super::kept::{Kept, Mine};
use super::{MAX_KEPT, StoreOutput, StorePlanner, StoreSaved, StoreView};

impl StorePlanner {
    /// What is to be written down of a content; `None`: nothing any more.
    pub fn saved(&self, content: &ContentId) -> Option<StoreSaved> {
        let kept = self.contents.get(content)?;
        let held = kept.copies.iter().filter(|(_, copy)| copy.state != CopyState::None);
        Some(StoreSaved {
            records: kept.records.values().cloned().collect(),
            kept: kept.mine != Mine::None,
            in_place: kept.in_place,
            owned: kept.owned,
            holders: held.map(|(peer, _)| ByteBuf::from(peer.to_bytes())).collect(),
        })
    }

    /// Takes in what was written down before; `complete`: the copy is here and whole, as far as is known.
    pub fn restore(&mut self, now: Duration, content: ContentId, saved: StoreSaved, complete: bool) {
        let mut kept = Kept::new(&content, now);
        for record in saved.records {
            kept.take(record);
        }
        if kept.records.is_empty() || self.contents.len() >= MAX_KEPT {
            return;
        }
        let holders = saved.holders.iter().filter_map(|bytes| PeerId::from_bytes(bytes).ok());
        let holders: Vec<PeerId> = holders.filter(|peer| *peer != self.local).collect();
        (kept.owned, kept.in_place) = (saved.owned, saved.in_place);
        kept.verify = now + self.config.verify;
        if saved.kept {
            let until = now + self.config.arrival_of(kept.size());
            kept.mine = if complete { Mine::Held } else { Mine::Fetching(until) };
            if !complete {
                let (size, from) = (kept.size(), holders.clone());
                self.outputs.push_back(StoreOutput::Fetch { content, size, from });
            }
        }
        self.contents.insert(content, kept);
        for peer in holders {
            self.set_state(now, content, peer, CopyState::Held);
        }
        self.touch(now, content);
    }

    /// Takes in an end that was written down before.
    pub fn restore_end(&mut self, end: StoreEnd) {
        self.remember_end(end);
    }

    /// All contents that are kept or owned here, by id.
    pub fn views(&self, now: Duration) -> Vec<StoreView> {
        let of = |(content, kept): (&ContentId, &Kept)| {
            let record = kept.record()?;
            let holders: Vec<PeerId> =
                self.holders(now, kept).into_iter().filter_map(|(_, peer)| peer).collect();
            let proven = |peer: &&PeerId| kept.copies.get(peer).is_some_and(|copy| copy.proven.is_some());
            Some(StoreView {
                content: *content,
                name: record.name.clone(),
                size: record.size,
                copies: record.copies,
                expires: Duration::from_secs(record.expires),
                state: kept.state(self.leaving.is_some()),
                owned: kept.owned,
                owners: kept.records.values().filter_map(SignedWords::author).collect(),
                proven: holders.iter().filter(proven).count(),
                holders,
            })
        };
        self.contents.iter().filter_map(of).collect()
    }

    /// The members that are known to be there: who they are, and whether they take contents.
    pub fn members(&self) -> impl Iterator<Item = (PeerId, bool)> {
        self.peers.all().filter(|(_, it)| !it.dead).map(|(peer, it)| (*peer, it.willing))
    }

    /// Who may have a content: its owners, and all who ever spoke of it here.
    pub fn who_may_have(&self, content: &ContentId) -> Vec<PeerId> {
        let Some(kept) = self.contents.get(content) else { return vec![] };
        let owners = kept.records.values().filter_map(SignedWords::author);
        owners.chain(kept.copies.keys().copied()).filter(|peer| *peer != self.local).collect()
    }

    /// Whether this very record is known.
    pub fn has_record(&self, record: &StoreRecord) -> bool {
        let known = self.contents.get(&record.content).and_then(|kept| kept.records.get(&record.owner));
        known == Some(record)
    }

    /// Whether a peer is known, there or not.
    pub fn knows(&self, peer: &PeerId) -> bool {
        self.peers.get(peer).is_some()
    }

    /// When the record of an owner was issued, in seconds since 1970; `None`: there is none here.
    pub fn issued(&self, content: &ContentId, owner: &[u8]) -> Option<u64> {
        Some(self.contents.get(content)?.records.get(owner)?.issued)
    }

    /// When a record that an owner makes now is to say that it was issued, since 1970: later than all that is known here of
    /// this owner and content. A record of a time when the clock was ahead would count more than it otherwise.
    pub fn next_issue(&self, now: Duration, content: &ContentId, owner: &[u8]) -> Duration {
        let ended = self.ends.get(&(*content, owner.to_vec())).map(|end| end.issued);
        let newest = self.issued(content, owner).max(ended);
        Duration::from_secs(newest.map_or(0, |at| at.saturating_add(1)).max(self.clock(now)))
    }

    /// Contents that are kept here under a name.
    pub fn find(&self, name: &str) -> Vec<StoreRecord> {
        let records = self.contents.values().flat_map(|kept| kept.records.values());
        records.filter(|record| record.name == name).take(shoal_wire::store::MAX_RECORDS).cloned().collect()
    }
}
