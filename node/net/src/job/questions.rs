//! Answering other peers.

use libp2p::PeerId;
use shoal_content::{ChunkIndex, ChunkSet, Hash};
use shoal_engine::NeighbourEvent;
use shoal_wire::Have;
use shoal_wire::query::{ChunkRef, MAX_PEERS, PeerAddresses, QueryErrorCode, QueryRequest, QueryResponse};
use tokio::sync::oneshot;

use super::state::Job;
use crate::library::Question;

impl Job {
    pub(super) fn on_question(&mut self, question: Question) {
        self.report.stir();
        let Question { peer, request, reply } = question;
        let answer = match request {
            QueryRequest::Join { have, .. } => return self.on_join(peer, &have, reply),
            QueryRequest::Peers { .. } => return self.on_peers(peer, reply),
            QueryRequest::Where { chunk: ChunkRef::Index(chunk), .. } => self.on_where(&peer, chunk),
            QueryRequest::Have { have, .. } => self.on_have(peer, &have),
            QueryRequest::Leave { .. } => {
                self.tell_neighbour(peer, NeighbourEvent::Left);
                Ok(QueryResponse::Ok { load: self.parts.uploads.load() })
            }
            QueryRequest::Block { hash, .. } => {
                if !self.member.is_neighbour(&peer) {
                    self.tell_neighbour(peer, NeighbourEvent::Asked);
                }
                self.block(&hash)
            }
            // Not for a job.
            QueryRequest::Ping {}
            | QueryRequest::Load {}
            | QueryRequest::Counters { .. }
            | QueryRequest::Where { .. }
            | QueryRequest::Neighbours {}
            | QueryRequest::Contents { .. }
            | QueryRequest::Find { .. }
            | QueryRequest::Links { .. } => Err(QueryErrorCode::Unsupported),
        };
        // Err only says that the connection is gone.
        let _ = reply.send(answer.unwrap_or_else(|code| QueryResponse::Error { code }));
    }

    fn on_join(&mut self, peer: PeerId, have: &Have, reply: oneshot::Sender<QueryResponse>) {
        let Some(have) = self.chunks_of(have) else {
            let _ = reply.send(QueryResponse::Error { code: QueryErrorCode::BadRequest });
            return self.tell_neighbour(peer, NeighbourEvent::Invalid);
        };
        self.welcome = Some((peer, reply));
        self.peers.hold(peer);
        self.tell_neighbour(peer, NeighbourEvent::JoinedBy { have });
        // The member welcomes at once, or not at all.
        if let Some((_, reply)) = self.welcome.take() {
            if !self.member.has_sought(&peer) {
                self.peers.release(peer);
            }
            let _ = reply.send(QueryResponse::Error { code: QueryErrorCode::NotFound });
        }
    }

    fn on_have(&mut self, peer: PeerId, have: &Have) -> Result<QueryResponse, QueryErrorCode> {
        // Before the manifest is known, nobody's map can be read; the join that follows brings it again.
        if !self.member.is_neighbour(&peer) {
            return Err(QueryErrorCode::NotFound);
        }
        let Some(chunks) = self.chunks_of(have) else {
            self.tell_neighbour(peer, NeighbourEvent::Invalid);
            return Err(QueryErrorCode::BadRequest);
        };
        self.tell_neighbour(peer, NeighbourEvent::Has(chunks.into()));
        Ok(QueryResponse::Ok { load: self.parts.uploads.load() })
    }

    fn block(&self, hash: &Hash) -> Result<QueryResponse, QueryErrorCode> {
        let block = self.manifest.as_ref().and_then(|m| m.block(hash));
        block.map(|bytes| QueryResponse::Block { bytes }).ok_or(QueryErrorCode::NotFound)
    }

    fn on_peers(&mut self, asker: PeerId, reply: oneshot::Sender<QueryResponse>) {
        let peers = self.member.peers_for(&asker, MAX_PEERS);
        let peers = self.with_addresses(peers);
        let _ = reply.send(QueryResponse::Peers { peers });
    }

    fn on_where(&self, asker: &PeerId, chunk: ChunkIndex) -> Result<QueryResponse, QueryErrorCode> {
        let chunks = self.manifest.as_ref().map_or(0, |manifest| manifest.geometry().chunks());
        if chunk >= chunks {
            return Err(QueryErrorCode::NotFound);
        }
        let has = |set: &ChunkSet| set.contains(chunk as usize);
        let others = self.member.claims().filter(|(peer, have)| peer != asker && has(have));
        let mut peers = self.with_addresses(others.map(|(peer, _)| peer).collect());
        peers.truncate(MAX_PEERS);
        Ok(QueryResponse::Where { has: has(self.member.have()), chunk, peers })
    }

    fn with_addresses(&self, peers: Vec<PeerId>) -> Vec<PeerAddresses> {
        let known = self.parts.control.addresses_of(peers);
        known.into_iter().map(|(peer, addresses)| PeerAddresses::new(peer, &addresses)).collect()
    }
}
