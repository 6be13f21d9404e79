//! The queue of all requests, what is served, and where the decisions go: what all sessions share under one lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use shoal_addresses::Network;
use shoal_content::ContentId;
use shoal_engine::{Grant, SessionId, UploadConfig, UploadQueue, Wanted};
use shoal_store::ChunkStore;
use shoal_wire::chunks::{ChunkRefusal, MAX_WAITING};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::sent_lately::SentLately;
use crate::counter::TrafficCounter;
use crate::meter::Meter;

/// Decisions that may wait for a session; more only if the peer reads no refusals.
const GRANTS: usize = 3 * MAX_WAITING;

/// A content that is served.
#[derive(Clone)]
pub(super) struct Offered {
    pub(super) store: Arc<dyn ChunkStore>,
    pub(super) traffic: Arc<TrafficCounter>,
}

/// The way to a session.
struct Outlet {
    grants: mpsc::Sender<Grant>,
    closed: CancellationToken,
}

/// A session that has begun.
pub(super) struct Opened {
    pub(super) id: SessionId,
    pub(super) grants: mpsc::Receiver<Grant>,
    /// Cancelled when the stream is to end.
    pub(super) closed: CancellationToken,
}

/// See the module.
pub(super) struct Board {
    pub(super) queue: UploadQueue,
    /// What has been sent.
    pub(super) meter: Meter,
    /// To which peers.
    pub(super) sent: SentLately,
    contents: HashMap<ContentId, Offered>,
    outlets: BTreeMap<SessionId, Outlet>,
    /// Sessions so far; names them.
    sessions: SessionId,
}

impl Board {
    pub(super) fn new(config: UploadConfig) -> Self {
        Self {
            queue: UploadQueue::new(config, rand::make_rng()),
            meter: Meter::default(),
            sent: SentLately::default(),
            contents: HashMap::new(),
            outlets: BTreeMap::new(),
            sessions: 0,
        }
    }

    /// Begins to serve a content.
    pub(super) fn offer(&mut self, content: ContentId, offered: Offered, complete: bool) {
        let lengths = offered.store.manifest().chunks().iter().map(|chunk| chunk.length).collect();
        self.queue.add_content(content, lengths, complete);
        self.contents.insert(content, offered);
    }

    /// Ends to serve a content.
    pub(super) fn withdraw(&mut self, content: &ContentId) {
        self.contents.remove(content);
        self.queue.remove_content(content);
    }

    pub(super) fn offered(&self, content: &ContentId) -> Option<Offered> {
        self.contents.get(content).cloned()
    }

    /// A peer opened a stream, on a connection from a network.
    pub(super) fn open(&mut self, peer: PeerId, network: Option<Network>) -> Opened {
        let (sender, grants) = mpsc::channel(GRANTS);
        let closed = CancellationToken::new();
        self.sessions += 1;
        self.outlets.insert(self.sessions, Outlet { grants: sender, closed: closed.clone() });
        self.queue.open(self.sessions, peer, network);
        Opened { id: self.sessions, grants, closed }
    }

    /// A stream has ended.
    pub(super) fn close(&mut self, session: SessionId) {
        if let Some(outlet) = self.outlets.remove(&session) {
            outlet.closed.cancel();
        }
        self.queue.close(session);
    }

    /// Takes a request in; `here` says whether it can be answered.
    pub(super) fn request(&mut self, now: Duration, session: SessionId, wanted: Wanted, here: bool) {
        if here && self.contents.contains_key(&wanted.content) {
            self.queue.request(now, session, wanted);
        } else {
            self.pass_on(session, Grant::Refuse { session, id: wanted.id, why: ChunkRefusal::NotFound });
        }
    }

    /// Hands out what the queue decides.
    pub(super) fn pump(&mut self, now: Duration) {
        while let Some(grant) = self.queue.next(now) {
            match grant {
                Grant::Send { session, .. } | Grant::Refuse { session, .. } => self.pass_on(session, grant),
                Grant::Close { session } => self.close(session),
            }
        }
    }

    fn pass_on(&mut self, session: SessionId, grant: Grant) {
        let outlet = self.outlets.get(&session);
        if outlet.is_none_or(|outlet| outlet.grants.try_send(grant).is_err()) {
            self.close(session);
        }
    }

    #[cfg(test)]
    pub(super) fn sessions_so_far(&self) -> SessionId {
        self.sessions
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.contents.len(), self.outlets.len())
    }
}
