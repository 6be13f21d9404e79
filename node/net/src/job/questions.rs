//! Answering other peers.

use libp2p::PeerId;
use shoal_content::{ChunkSet, Hash};
use shoal_wire::Have;
use shoal_wire::query::{ErrorCode, MAX_PEERS, PeerAddresses, Request, Response};

use super::super::library::Question;
use super::run::Job;

impl Job {
    pub(super) fn on_question(&mut self, question: Question) {
        let Question { peer, request, reply } = question;
        let answer = match request {
            Request::Join { have, .. } => self.on_join(peer, &have),
            Request::Have { have, .. } => self.on_have(peer, &have),
            Request::Leave { .. } => {
                self.neighbours.left(&peer);
                Ok(Response::Ok { load: self.shared.uploads.load() })
            }
            Request::Block { hash, .. } => self.block(&hash),
            Request::Peers { .. } => Ok(self.peers_for(peer)),
        };
        // Err only says that the connection is gone.
        let _ = reply.send(answer.unwrap_or_else(|code| Response::Error { code }));
    }

    fn on_join(&mut self, peer: PeerId, have: &Have) -> Result<Response, ErrorCode> {
        self.meet(peer);
        self.on_have(peer, have)?;
        let (said, unsaid) = first_message(self.have());
        self.neighbours.it_joined(&peer, &unsaid);
        self.link_back(peer);
        Ok(Response::Joined { have: said, load: self.shared.uploads.load() })
    }

    fn on_have(&mut self, peer: PeerId, have: &Have) -> Result<Response, ErrorCode> {
        // Before the manifest is known, nobody's map can be read; the join that follows brings it again.
        if self.neighbours.get_mut(&peer).is_none() {
            return Err(ErrorCode::NotFound);
        }
        if self.manifest.is_some() && !self.neighbour_has(peer, have) {
            return Err(ErrorCode::BadRequest);
        }
        Ok(Response::Ok { load: self.shared.uploads.load() })
    }

    fn block(&self, hash: &Hash) -> Result<Response, ErrorCode> {
        let block = self.manifest.as_ref().and_then(|m| m.block(hash));
        block.map(|bytes| Response::Block { bytes }).ok_or(ErrorCode::NotFound)
    }

    fn peers_for(&self, asker: PeerId) -> Response {
        let others = self.neighbours.with_addresses().filter(|(peer, _)| *peer != asker);
        let peers = others.take(MAX_PEERS).map(|(peer, addresses)| PeerAddresses {
            id: peer.to_bytes(),
            addresses: addresses.iter().map(|a| serde_bytes::ByteBuf::from(a.to_vec())).collect(),
        });
        Response::Peers { peers: peers.collect() }
    }

    /// What can be served now.
    pub(super) fn have(&self) -> ChunkSet {
        self.store.as_ref().map(|s| s.have()).unwrap_or_default()
    }
}

/// The part of a have-map that fits into one message, and the rest.
pub(super) fn first_message(mut have: ChunkSet) -> (Have, ChunkSet) {
    let first = Have::of(&have).swap_remove(0);
    if let Some(said) = first.chunks(have.len() as u32) {
        have.difference_with(&said);
    }
    (first, have)
}
