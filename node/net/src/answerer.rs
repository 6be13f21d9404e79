//! Answers to peers that ask about the node itself: how busy it is, what it has done, whom it knows, what it shares.
//!
//! These cost more than a look into a table, so they are answered beside the task of the Swarm, and how often they may be
//! asked is bounded there. What this is not: questions about one content's swarm go to its job. What always holds: nothing
//! is told of what passed between this node and a third one, nor of a content that is not public, to who does not know its
//! id; answers are within the limits of their messages.

use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use rand::seq::SliceRandom;
use shoal_content::{ChunkIndex, ContentId, Hash};
use shoal_store::ChunkStore;
use shoal_wire::query::{
    ChunkRef, ContentClaim, CountersClaim, HoldingClaim, LinkClaim, LinksClaim, LoadClaim, MAX_CONTENTS,
    MAX_PEERS, PeerAddresses, QueryErrorCode, QueryRequest, QueryResponse,
};

use crate::clock::Clock;
use crate::fetch::Intake;
use crate::figures::NodeLoad;
use crate::library::Library;
use crate::neighbours::ConnectionTable;
use crate::peers::SharedPeers;
use crate::topology::{Finder, NameSearch, NodeAnswer};
use crate::upload::Uploads;

/// What it answers from; cheap to clone. Nothing here keeps the node alive.
#[derive(Clone)]
pub(crate) struct Answerer {
    pub(crate) clock: Clock,
    pub(crate) library: Arc<Library>,
    pub(crate) uploads: Uploads,
    pub(crate) intake: Arc<Intake>,
    pub(crate) connections: ConnectionTable,
    pub(crate) peers: SharedPeers,
    pub(crate) finder: Finder,
}

impl Answerer {
    /// Whether a question is one for it.
    pub(crate) fn takes(request: &QueryRequest) -> bool {
        match request {
            QueryRequest::Load {}
            | QueryRequest::Counters { .. }
            | QueryRequest::Where { .. }
            | QueryRequest::Neighbours {}
            | QueryRequest::Contents { .. }
            | QueryRequest::Find { .. }
            | QueryRequest::Links { .. } => true,
            QueryRequest::Join { .. }
            | QueryRequest::Have { .. }
            | QueryRequest::Leave { .. }
            | QueryRequest::Block { .. }
            | QueryRequest::Peers { .. }
            | QueryRequest::Ping {} => false,
        }
    }

    /// Answers a question that it takes.
    pub(crate) async fn answer(self, asker: PeerId, request: QueryRequest) -> QueryResponse {
        let answer = match request {
            QueryRequest::Load {} => Ok(QueryResponse::Load(self.load())),
            QueryRequest::Counters { content } => self.counters(&asker, content).map(QueryResponse::Counters),
            QueryRequest::Where { chunk, content } => self.find(asker, chunk, content).await,
            QueryRequest::Neighbours {} => Ok(self.neighbours(&asker)),
            QueryRequest::Contents { after } => Ok(self.contents(after)),
            QueryRequest::Find { id, hops, name, prefix } => {
                self.finder.answer(asker, id, hops, NameSearch::new(&name, prefix)).await
            }
            QueryRequest::Links { content } => Ok(QueryResponse::Links(self.links(&asker, content))),
            _ => Err(QueryErrorCode::Unsupported),
        };
        answer.unwrap_or_else(|code| QueryResponse::Error { code })
    }

    fn load(&self) -> LoadClaim {
        let load = NodeLoad::of(&self.uploads, &self.intake);
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        LoadClaim {
            slots: count(load.upload_slots),
            active: count(load.uploads),
            queued: load.queued_bytes,
            rate_up: load.rate_up,
            waiting: count(load.queued_requests),
            fetching: count(load.downloads),
            limit_up: load.limits.up,
            rate_down: load.rate_down,
            limit_down: load.limits.down,
        }
    }

    fn counters(&self, asker: &PeerId, content: Option<ContentId>) -> Result<CountersClaim, QueryErrorCode> {
        let (all, with_asker) = match &content {
            None => self.uploads.tally().total_and(asker),
            Some(content) => self.library.traffic(content).ok_or(QueryErrorCode::NotFound)?.total_and(asker),
        };
        let of_node = content.is_none();
        Ok(CountersClaim {
            sent: all.sent,
            to_you: with_asker.sent,
            uptime: of_node.then(|| self.clock.now().as_secs()),
            corrupt: all.chunks_corrupt,
            refused: of_node.then_some(all.requests_refused),
            from_you: with_asker.received,
            received: all.received,
            duplicate: all.duplicate,
            chunks_sent: all.chunks_sent,
            connections: of_node.then(|| self.connections.counts().0 as u64),
            chunks_received: all.chunks_received,
        })
    }

    /// Finds out which chunk is meant; who has it is the job's knowledge.
    async fn find(
        &self,
        asker: PeerId,
        chunk: ChunkRef,
        content: ContentId,
    ) -> Result<QueryResponse, QueryErrorCode> {
        let chunk = match chunk {
            ChunkRef::Index(_) => chunk,
            ChunkRef::Hash(hash) => {
                let store = self.library.store(&content).ok_or(QueryErrorCode::NotFound)?;
                // The table may have millions of lines.
                let found = tokio::task::spawn_blocking(move || index_of(&*store, &hash)).await;
                ChunkRef::Index(found.ok().flatten().ok_or(QueryErrorCode::NotFound)?)
            }
        };
        let answer = self.library.ask(asker, QueryRequest::Where { chunk, content })?;
        answer.await.map_err(|_| QueryErrorCode::Busy)
    }

    /// Some of the connected peers, others each time if there are many.
    fn neighbours(&self, asker: &PeerId) -> QueryResponse {
        let mut peers = self.connections.peers();
        peers.retain(|peer| peer != asker);
        peers.shuffle(&mut rand::rng());
        let mut known = self.peers.addresses_of(peers);
        known.truncate(MAX_PEERS);
        let peers = known.iter().map(|(peer, addresses)| PeerAddresses::new(*peer, addresses)).collect();
        QueryResponse::Neighbours { peers }
    }

    /// What this node would say of itself on a map.
    pub(crate) fn own_answer(&self, content: Option<ContentId>) -> NodeAnswer {
        let holds = content.and_then(|content| holding(&*self.library.store(&content)?));
        NodeAnswer {
            time: None,
            load: self.load(),
            connections: u32::try_from(self.connections.peers().len()).unwrap_or(u32::MAX),
            holds: holds.map(|it| (it.have, it.chunks)),
        }
    }

    /// As many links as an answer may hold, others each time if there are more.
    fn links(&self, asker: &PeerId, content: Option<ContentId>) -> LinksClaim {
        let mut all = self.connections.round_trips();
        all.remove(asker);
        let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let mut all: Vec<_> = all.into_iter().collect();
        all.shuffle(&mut rand::rng());
        all.truncate(MAX_PEERS);
        let micros = |rtt: Duration| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX);
        let link = |(peer, rtt): (PeerId, Option<Duration>)| {
            let known = self.peers.addresses_of(vec![peer]).pop();
            let addresses = known.map(|(_, addresses)| addresses).unwrap_or_default();
            LinkClaim { rtt: rtt.map(micros), peer: PeerAddresses::new(peer, &addresses) }
        };
        LinksClaim {
            load: self.load(),
            count,
            holds: content.and_then(|content| holding(&*self.library.store(&content)?)),
            links: all.into_iter().map(link).collect(),
        }
    }

    fn contents(&self, after: Option<ContentId>) -> QueryResponse {
        let mut page = self.library.public_after(after, MAX_CONTENTS + 1);
        let more = page.len() > MAX_CONTENTS;
        page.truncate(MAX_CONTENTS);
        let contents = page.into_iter().map(|(content, store)| claim(content, &*store)).collect();
        QueryResponse::Contents { more, contents }
    }
}

fn index_of(store: &dyn ChunkStore, hash: &Hash) -> Option<ChunkIndex> {
    let at = store.manifest().chunks().iter().position(|chunk| chunk.hash == *hash)?;
    ChunkIndex::try_from(at).ok()
}

fn holding(store: &dyn ChunkStore) -> Option<HoldingClaim> {
    let chunks = store.manifest().root().chunks;
    let have = ChunkIndex::try_from(store.have().count_ones(..)).ok()?;
    Some(HoldingClaim { have, chunks })
}

fn claim(content: ContentId, store: &dyn ChunkStore) -> ContentClaim {
    let root = store.manifest().root();
    let have = store.have().count_ones(..);
    ContentClaim {
        have: ChunkIndex::try_from(have).unwrap_or(ChunkIndex::MAX),
        name: root.name.as_str().to_owned(),
        size: root.size,
        files: root.files,
        chunks: root.chunks,
        content,
    }
}
