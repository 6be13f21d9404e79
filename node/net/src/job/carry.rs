//! Carries out what the member says.

use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use shoal_content::{ChunkIndex, ChunkSet};
use shoal_engine::{GiveUp, MemberInput, MemberOutput, NeighbourEvent, Offence, RequestId, StreamEvent};
use shoal_wire::query::{QueryErrorCode, QueryRequest, QueryResponse};
use shoal_wire::{Capabilities, Have};

use super::done::{self, Done};
use super::state::{Job, Stage};
use super::{ContentEvent, Failure};
use crate::activity::ActivityKind;
use crate::control::QueryError;
use crate::fetch::FetchOrder;

/// How long to wait before an update that did not arrive is told again.
const TELL_AGAIN: Duration = Duration::from_secs(1);

impl Job {
    pub(super) fn carry_out(&mut self, output: MemberOutput) {
        match output {
            MemberOutput::Register { tracker } => {
                let task = self.trackers.register(tracker);
                self.spawn(task);
            }
            MemberOutput::Discover { tracker } => {
                let task = self.trackers.discover(tracker);
                self.spawn(task);
            }
            MemberOutput::Unregister { tracker } => self.trackers.leaves(tracker),
            MemberOutput::Seek { peer } => self.peers.seek(peer),
            MemberOutput::Release { peer } => self.peers.release(peer),
            MemberOutput::Suspend { peer, chunk } => self.suspend(peer, chunk),
            MemberOutput::Ban { peer, offence } => self.ban(peer, offence),
            MemberOutput::Join { peer, have } => self.join(peer, have),
            MemberOutput::Welcome { peer, have } => self.welcome(peer, &have),
            MemberOutput::Tell { peers, chunks } => self.tell_on_streams(&peers, &chunks),
            MemberOutput::TellByQuery { peer, chunks } => self.tell_by_query(peer, Have::of(&chunks), chunks),
            MemberOutput::Leave { peer } => self.take_leave(peer),
            MemberOutput::AskForPeers { peer } => self.ask_for_peers(peer),
            MemberOutput::FetchBlock { peer, hash } => {
                let (control, content) = (self.parts.control.clone(), self.content);
                self.spawn(done::fetch_block(control, content, peer, hash));
            }
            MemberOutput::PeerHas { peer, chunks } => self.shelf.gained(peer, &chunks),
            MemberOutput::PeerGone { peer, had } => self.shelf.gone(&peer, &had),
            MemberOutput::OpenStream { .. }
            | MemberOutput::CloseStream { .. }
            | MemberOutput::Request { .. }
            | MemberOutput::Cancel { .. } => self.order(&output),
            MemberOutput::Manifest(manifest) => self.manifest_known(manifest),
            MemberOutput::Unavailable { chunks } => self.report.event(ContentEvent::Unavailable { chunks }),
            MemberOutput::Complete => self.finish(),
            MemberOutput::GiveUp(GiveUp::NoPeers) => {
                let kept = self.kept();
                self.fail(Failure::NoPeers { kept });
            }
            MemberOutput::GiveUp(GiveUp::Manifest(error)) => self.fail(error.into()),
        }
    }

    fn ban(&mut self, peer: PeerId, offence: Offence) {
        let chunk = match offence {
            Offence::Chunk(chunk) => Some(chunk),
            Offence::Block | Offence::Map => None,
        };
        tracing::info!(%peer, ?offence, "peer banned");
        self.account.wrong(offence);
        self.note(Some(peer), || ActivityKind::Banned { chunk });
        if offence != Offence::Map {
            self.report.event(ContentEvent::BadPeer { peer, chunk });
        }
        self.peers.ban(peer);
    }

    fn suspend(&mut self, peer: PeerId, chunk: ChunkIndex) {
        tracing::info!(%peer, chunk, "peer sent a wrong chunk after many good ones: left alone for some time");
        self.account.wrong(Offence::Chunk(chunk));
        self.report.event(ContentEvent::BadPeer { peer, chunk: Some(chunk) });
        self.peers.release(peer);
    }

    fn join(&mut self, peer: PeerId, have: Arc<ChunkSet>) {
        let (control, content) = (self.parts.control.clone(), self.content);
        let mut messages = Have::of(&have);
        let first = messages.remove(0);
        let request = QueryRequest::Join { have: first, content, capabilities: Capabilities::own() };
        self.spawn(async move {
            let start = tokio::time::Instant::now();
            let result = match control.query(peer, request).await {
                Ok(QueryResponse::Joined { have, load, .. }) => Ok((have, load)),
                Ok(_) => Err(QueryError::WrongKind),
                Err(error) => Err(error),
            };
            Done::Joined { peer, took: start.elapsed(), rest: messages, result }
        });
    }

    /// Answers a join; what of the map does not fit into one message follows.
    fn welcome(&mut self, peer: PeerId, have: &ChunkSet) {
        let Some((_, reply)) = self.welcome.take_if(|(waiting, _)| *waiting == peer) else { return };
        let mut messages = Have::of(have);
        let first = messages.remove(0);
        let load = self.parts.uploads.load();
        // Err only says that the connection is gone.
        let _ = reply.send(QueryResponse::Joined { have: first, load, capabilities: Capabilities::own() });
        self.tell_rest(peer, messages);
    }

    /// Sends the messages of a map that did not fit into the first one.
    pub(super) fn tell_rest(&mut self, peer: PeerId, messages: Vec<Have>) {
        let Some(manifest) = self.manifest.as_ref().filter(|_| !messages.is_empty()) else { return };
        let chunks = manifest.geometry().chunks();
        let mut all = ChunkSet::with_capacity(chunks as usize);
        messages.iter().filter_map(|have| have.chunks(chunks)).for_each(|part| all.union_with(&part));
        self.tell_by_query(peer, messages, Arc::new(all));
    }

    fn tell_on_streams(&mut self, peers: &[PeerId], chunks: &ChunkSet) {
        let messages = Have::of(chunks);
        for peer in peers {
            let told = messages.iter().all(|have| self.order_now(*peer, FetchOrder::Have(have.clone())));
            if !told {
                self.lose_stream(*peer);
            }
        }
    }

    fn tell_by_query(&mut self, peer: PeerId, messages: Vec<Have>, chunks: Arc<ChunkSet>) {
        let (control, content) = (self.parts.control.clone(), self.content);
        self.spawn(async move {
            for have in messages {
                match control.query(peer, QueryRequest::Have { have, content }).await {
                    Ok(QueryResponse::Ok { .. }) => {}
                    // It knows nothing of us, so it does not want to know.
                    Err(QueryError::Refused(QueryErrorCode::NotFound)) => break,
                    _ => {
                        tokio::time::sleep(TELL_AGAIN).await;
                        return Done::Told { peer, lost: Some(chunks) };
                    }
                }
            }
            Done::Told { peer, lost: None }
        });
    }

    fn take_leave(&mut self, peer: PeerId) {
        let (control, content) = (self.parts.control.clone(), self.content);
        self.spawn(async move {
            // Where it does not arrive, the peer finds out by itself.
            let _ = control.query(peer, QueryRequest::Leave { content }).await;
            Done::Nothing
        });
    }

    fn ask_for_peers(&mut self, peer: PeerId) {
        self.account.exchanges += 1;
        let (control, content) = (self.parts.control.clone(), self.content);
        self.spawn(async move {
            match control.query(peer, QueryRequest::Peers { content }).await {
                Ok(QueryResponse::Peers { peers }) => Done::Peers { teller: peer, peers },
                _ => Done::Nothing,
            }
        });
    }

    /// What concerns the stream on which chunks are asked of a peer.
    fn order(&mut self, output: &MemberOutput) {
        let Stage::Fetching(fetching) = &self.stage else { return };
        match *output {
            MemberOutput::OpenStream { peer } => fetching.streams.open(peer),
            MemberOutput::CloseStream { peer } => fetching.streams.close(peer),
            MemberOutput::Cancel { peer, id } => {
                // A stream that cannot take this is noticed by the next request.
                fetching.streams.order(peer, FetchOrder::Cancel { id });
            }
            MemberOutput::Request { peer, id, chunk } => self.request(peer, id, chunk),
            _ => {}
        }
    }

    fn request(&mut self, peer: PeerId, id: RequestId, chunk: Option<ChunkIndex>) {
        let Stage::Fetching(fetching) = &self.stage else { return };
        let order = match chunk {
            Some(chunk) => FetchOrder::Get { id, chunk, len: fetching.length(chunk) },
            None => FetchOrder::Any { id },
        };
        self.note(Some(peer), || ActivityKind::ChunkRequested { chunk });
        if !self.order_now(peer, order) {
            self.lose_stream(peer);
        }
    }

    fn order_now(&self, peer: PeerId, order: FetchOrder) -> bool {
        let Stage::Fetching(fetching) = &self.stage else { return false };
        fetching.streams.order(peer, order)
    }

    /// A stream does not take orders: start over with this peer, a little later.
    fn lose_stream(&mut self, peer: PeerId) {
        if let Stage::Fetching(fetching) = &self.stage {
            fetching.streams.close(peer);
        }
        self.tell(MemberInput::Stream { peer, event: StreamEvent::Lost });
    }

    pub(super) fn tell_neighbour(&mut self, peer: PeerId, event: NeighbourEvent) {
        self.tell(MemberInput::Neighbour { peer, event });
    }
}
