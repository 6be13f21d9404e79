//! Finding what the store has: by name, and who has a content.

use std::collections::BTreeSet;

use libp2p::{Multiaddr, PeerId};
use shoal_content::ContentId;
use shoal_wire::store::{CopyState, SignedWords, StoreRecord, StoreRequest, StoreResponse};

use super::keeper::Keeper;

/// Members that are asked at most.
const MOST: usize = 64;
/// So many at once.
const AT_ONCE: usize = 8;
/// Holders that are enough.
const ENOUGH: usize = 16;
/// Contents of one name that are told.
const MAX_FOUND: usize = 50;

/// A content that the store has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFound {
    /// Which.
    pub content: ContentId,
    /// Its name.
    pub name: String,
    /// Its size in bytes, as its owner says.
    pub size: u64,
    /// Who has it, as they say, and where they are.
    pub holders: Vec<(PeerId, Vec<Multiaddr>)>,
}

impl Keeper {
    /// Contents that owners gave this name, as far as members that are known keep them; by id.
    pub(crate) async fn find(&self, name: &str) -> Vec<StoreRecord> {
        let (mut found, members) = {
            let state = self.lock();
            let members: Vec<PeerId> = state.planner.members().map(|(peer, _)| peer).take(MOST).collect();
            (state.planner.find(name), members)
        };
        let asked = members.into_iter().map(|peer| {
            let request = StoreRequest::Find { name: name.to_owned() };
            async move { self.ask(peer, request).await }
        });
        for answer in futures::future::join_all(asked).await {
            if let Ok(StoreResponse::Found { records }) = answer {
                let good = |it: &StoreRecord| it.name == name && it.signer().is_some();
                found.extend(records.into_iter().filter(good));
            }
        }
        found.sort_by_key(|record| record.content);
        found.dedup_by_key(|record| record.content);
        found.truncate(MAX_FOUND);
        found
    }

    /// Who has a content. Asks the members nearest to it, and those that they name, until nobody new is named.
    pub(crate) async fn locate(&self, content: ContentId) -> Option<StoreFound> {
        let mut search = Search::default();
        {
            let now = self.now();
            let mut state = self.lock();
            // Nothing is told by asking oneself.
            let (own, holders, nearest, records) =
                state.planner.status_came(now, self.local, content, CopyState::None);
            search.told(holders.into_iter().chain(nearest), records);
            search.own = matches!(own, CopyState::Held | CopyState::Leaving);
        }
        while let Some(next) = search.next() {
            let asked = next.into_iter().map(|peer| async move {
                let request = StoreRequest::Status { state: CopyState::None, content };
                (peer, self.ask(peer, request).await)
            });
            for (peer, answer) in futures::future::join_all(asked).await {
                let Ok(StoreResponse::Status { state, holders, nearest, records }) = answer else { continue };
                let mut known = self.lock();
                let named = known.book.learn_all(&holders).into_iter().chain(known.book.learn_all(&nearest));
                let named: Vec<PeerId> = named.filter(|peer| *peer != self.local).collect();
                drop(known);
                let good = |it: &StoreRecord| it.content == content && it.signer().is_some();
                search.told(named, records.into_iter().filter(good).collect());
                if matches!(state, CopyState::Held | CopyState::Leaving) {
                    search.holders.push(peer);
                }
            }
        }
        self.found(content, search)
    }

    fn found(&self, content: ContentId, search: Search) -> Option<StoreFound> {
        let record = search.records.into_iter().max_by_key(|record| record.issued)?;
        let state = self.lock();
        let mut holders: Vec<_> =
            search.holders.into_iter().map(|peer| (peer, state.book.of(&peer))).collect();
        if search.own {
            holders.push((self.local, vec![]));
        }
        Some(StoreFound { content, name: record.name, size: record.size, holders })
    }
}

/// How far a search is.
#[derive(Default)]
struct Search {
    named: Vec<PeerId>,
    seen: BTreeSet<PeerId>,
    holders: Vec<PeerId>,
    records: Vec<StoreRecord>,
    own: bool,
}

impl Search {
    fn told(&mut self, peers: impl IntoIterator<Item = PeerId>, records: Vec<StoreRecord>) {
        for peer in peers {
            if self.seen.len() < MOST && self.seen.insert(peer) {
                self.named.push(peer);
            }
        }
        self.records.extend(records);
    }

    /// Whom to ask next.
    fn next(&mut self) -> Option<Vec<PeerId>> {
        if self.named.is_empty() || self.holders.len() >= ENOUGH {
            return None;
        }
        let rest = self.named.split_off(self.named.len().min(AT_ONCE));
        Some(std::mem::replace(&mut self.named, rest))
    }
}
