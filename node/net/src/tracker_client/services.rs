//! What a tracker does beyond rendezvous.

use std::time::Duration;

use libp2p::PeerId;
use serde_bytes::ByteBuf;
use shoal_content::{ContentId, Hash};
use shoal_wire::frame::Message;
use shoal_wire::query::PeerAddresses;
use shoal_wire::tracker::{IndexEntry, Match, Mode, Role, Stats, TrackerRequest, TrackerResponse, Verdict};

use super::client::TrackerClient;
use super::error::TrackerError;
use super::order::Question;

/// Portions that are asked of one tracker; a lying one could go on for ever.
const MAX_PORTIONS: usize = 1_000;

/// How many are in a swarm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SwarmSize {
    /// Peers that said that they have everything.
    pub seeds: u64,
    /// Peers that said that they are fetching.
    pub downloaders: u64,
    /// Peers that did not say.
    pub unknown: u64,
}

/// A part of a longer list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portion<T> {
    /// What is in it.
    pub items: Vec<T>,
    /// Where the next one begins; none at the end.
    pub next: Option<ByteBuf>,
}

/// Which peers to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerSelection {
    /// All if they fit, else a random sample.
    Sample,
    /// In the order of their ids, from the start.
    First,
    /// Those behind an earlier portion: its `next`.
    After(ByteBuf),
}

impl TrackerClient {
    /// How many are in the swarm of a content?
    pub async fn swarm(&self, content: ContentId) -> Result<SwarmSize, TrackerError> {
        match self.request(TrackerRequest::Swarm { content }).await? {
            TrackerResponse::Swarm { seeds, unknown, downloaders } => {
                Ok(SwarmSize { seeds, downloaders, unknown })
            }
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// Says what this node is in a swarm that it is registered in.
    pub async fn set_role(&self, content: ContentId, role: Role) -> Result<(), TrackerError> {
        self.request_ok(TrackerRequest::Role { role, content }).await
    }

    /// Says that a peer does not answer.
    pub async fn report(&self, peer: PeerId) -> Result<Verdict, TrackerError> {
        match self.request(TrackerRequest::Report { peer: peer.to_bytes() }).await? {
            TrackerResponse::Reported { verdict } => Ok(verdict),
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// Tells what this node shares, at most 256 contents. Returns how long that is kept.
    pub async fn publish(&self, entries: Vec<IndexEntry>) -> Result<Duration, TrackerError> {
        match self.request(TrackerRequest::Publish { entries }).await? {
            TrackerResponse::Published { ttl } => Ok(Duration::from_secs(ttl)),
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// Takes back what was published, at most 256 contents.
    pub async fn withdraw(&self, contents: Vec<ContentId>) -> Result<(), TrackerError> {
        self.request_ok(TrackerRequest::Withdraw { contents }).await
    }

    /// Looks for contents by name; `after` is the `next` of an earlier portion. At most `limit`, and at most 50;
    /// a portion may have less, or nothing, and not be the last.
    pub async fn find(
        &self,
        mode: Mode,
        text: &str,
        after: Option<ByteBuf>,
        limit: u32,
    ) -> Result<Portion<Match>, TrackerError> {
        match self.request(TrackerRequest::Find { mode, text: text.into(), after, limit }).await? {
            TrackerResponse::Found { next, contents } => Ok(Portion { items: contents, next }),
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// Looks for contents by name, portion by portion, until there are `limit` or no more.
    pub async fn find_all(&self, mode: Mode, text: &str, limit: usize) -> Result<Vec<Match>, TrackerError> {
        let (mut found, mut after) = (vec![], None);
        for _ in 0..MAX_PORTIONS {
            let most = u32::try_from(limit - found.len()).unwrap_or(u32::MAX);
            let portion = self.find(mode, text, after, most).await?;
            found.extend(portion.items);
            found.truncate(limit);
            after = portion.next;
            if after.is_none() || found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    /// Keeps a payload of at most 64 KiB there. Returns its id, and how long it is kept.
    pub async fn put(&self, bytes: Vec<u8>) -> Result<(Hash, Duration), TrackerError> {
        let own = Hash::of(&bytes);
        match self.request(TrackerRequest::Put { bytes }).await? {
            TrackerResponse::Stored { id, ttl } if id == own => Ok((id, Duration::from_secs(ttl))),
            TrackerResponse::Stored { .. } => Err(TrackerError::WrongBytes),
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// Gets a payload. Its bytes are those of the id.
    pub async fn get(&self, id: Hash) -> Result<Vec<u8>, TrackerError> {
        match self.request(TrackerRequest::Get { id }).await? {
            TrackerResponse::Payload { bytes } if Hash::of(&bytes) == id => Ok(bytes),
            TrackerResponse::Payload { .. } => Err(TrackerError::WrongBytes),
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// Peers that are registered. At most `limit`, and at most 100. The number is that of all.
    pub async fn peers(
        &self,
        which: PeerSelection,
        limit: u32,
    ) -> Result<(Portion<PeerAddresses>, u64), TrackerError> {
        let after = match which {
            PeerSelection::Sample => None,
            PeerSelection::First => Some(ByteBuf::new()),
            PeerSelection::After(next) => Some(next),
        };
        match self.request(TrackerRequest::Peers { after, limit }).await? {
            TrackerResponse::Peers { next, peers, total } => Ok((Portion { items: peers, next }, total)),
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// What it counts.
    pub async fn stats(&self) -> Result<Stats, TrackerError> {
        match self.request(TrackerRequest::Stats {}).await? {
            TrackerResponse::Stats { stats } => Ok(*stats),
            _ => Err(TrackerError::WrongKind),
        }
    }

    async fn request_ok(&self, request: TrackerRequest) -> Result<(), TrackerError> {
        match self.request(request).await? {
            TrackerResponse::Ok {} => Ok(()),
            _ => Err(TrackerError::WrongKind),
        }
    }

    async fn request(&self, request: TrackerRequest) -> Result<TrackerResponse, TrackerError> {
        request.check()?;
        let answer = self.ask(|tracker, orders| async move {
            orders.ask(tracker, |reply| Question::Service(request, reply)).await
        });
        match answer.await? {
            TrackerResponse::Error { code } => Err(TrackerError::Declined(code)),
            response => Ok(response),
        }
    }
}
