//! Asking one peer about itself.
//!
//! All that it answers is a claim: the peer may say what it likes. The answers go to who asked and nowhere else: no trust,
//! no address book and no choice depends on them.

use std::time::Duration;

use libp2p::request_response::OutboundFailure;
use libp2p::{Multiaddr, PeerId};
use shoal_addresses::{is_dialable, peer_of};
use shoal_content::{ChunkIndex, ContentId};
use shoal_wire::query::{
    ChunkRef, ContentClaim, CountersClaim, LinksClaim, LoadClaim, PeerAddresses, QueryErrorCode,
    QueryRequest, QueryResponse,
};
use shoal_wire::store::{StoreRequest, StoreResponse};
use tokio::time::Instant;

use crate::control::{Control, QueryError};
use crate::peers::DialError;
use crate::shared_error::SharedError;
use crate::target::PeerTarget;
use crate::unsupported::is_unsupported;

/// A peer is reached and has answered within this time, or has failed.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a peer's answer cannot be had. The words go on after its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Nobody answers at its address.
    #[error("it cannot be reached: {0}")]
    Unreachable(#[from] DialError),
    /// There is no connection to it, and no address to dial was given.
    #[error(
        "this node is not connected to it; name it by its address, such as /ip4/192.0.2.1/tcp/4001/p2p/{0}"
    )]
    NotConnected(PeerId),
    /// It does not speak Shoal's protocol, or an older version without this question.
    #[error("it does not know this question: it runs an older version of Shoal, or another program")]
    Unsupported,
    /// It refuses for another reason.
    #[error("it refuses: {}", words(*.0))]
    Refused(QueryErrorCode),
    /// The answer was not one to this question.
    #[error("its answer makes no sense")]
    WrongAnswer,
    /// No answer in time.
    #[error("it has not answered within 10 seconds")]
    Timeout,
    /// The connection ended.
    #[error("the connection ended")]
    Ended,
    /// A broken stream, or an answer that breaks the protocol's limits.
    #[error("the stream to it broke")]
    Broken(#[source] SharedError<OutboundFailure>),
}

fn words(code: QueryErrorCode) -> &'static str {
    match code {
        QueryErrorCode::NotFound => "it does not have that",
        QueryErrorCode::Busy => "it has too much to do, or is asked too often; try again later",
        QueryErrorCode::BadRequest => "it makes nothing of the question",
        QueryErrorCode::Unsupported => "it does not know this question",
    }
}

/// Where a peer says that a chunk is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkPlaces {
    /// Whether it says that it has the chunk itself.
    pub has: bool,
    /// The chunk's place in the chunk table.
    pub chunk: ChunkIndex,
    /// Peers that it says told it that they have the chunk; at most 50.
    pub peers: Vec<ClaimedPeer>,
}

/// A peer of which another one tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedPeer {
    /// Its id.
    pub peer: PeerId,
    /// Where it is said to be: at most 16 addresses, only such as a peer where the teller stands may tell.
    pub addresses: Vec<Multiaddr>,
}

/// Some of what a peer says it shares with whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentsPage {
    /// At most 100, by id. Names obey the rules of a manifest's name.
    pub contents: Vec<ContentClaim>,
    /// To go on behind; none: these are the last ones.
    pub next: Option<ContentId>,
}

/// One peer, to ask it something. Made by [`Node::peer`](crate::Node::peer). Nothing is sent before something is asked; every
/// question takes 10 seconds at most. All answers are claims of that peer.
#[derive(Clone)]
pub struct RemotePeer {
    control: Control,
    target: PeerTarget,
}

impl RemotePeer {
    pub(crate) fn new(control: Control, target: PeerTarget) -> Self {
        Self { control, target }
    }

    /// How busy it says it is.
    pub async fn load(&self) -> Result<LoadClaim, AskError> {
        match self.ask(QueryRequest::Load {}).await? {
            QueryResponse::Load(claim) => Ok(claim),
            _ => Err(AskError::WrongAnswer),
        }
    }

    /// What it says it has done since it was started; for one content: since that was started there.
    pub async fn counters(&self, content: Option<ContentId>) -> Result<CountersClaim, AskError> {
        match self.ask(QueryRequest::Counters { content }).await? {
            QueryResponse::Counters(claim) => Ok(claim),
            _ => Err(AskError::WrongAnswer),
        }
    }

    /// Where it says that a chunk of a content is.
    pub async fn find_chunk(&self, content: ContentId, chunk: ChunkRef) -> Result<ChunkPlaces, AskError> {
        match self.ask(QueryRequest::Where { chunk, content }).await? {
            QueryResponse::Where { has, chunk: at, peers } if !matches!(chunk, ChunkRef::Index(asked) if asked != at) => {
                Ok(ChunkPlaces { has, chunk: at, peers: claimed(&peers) })
            }
            _ => Err(AskError::WrongAnswer),
        }
    }

    /// To whom it says it is connected: at most 50 peers, others each time if there are more.
    pub async fn neighbours(&self) -> Result<Vec<ClaimedPeer>, AskError> {
        match self.ask(QueryRequest::Neighbours {}).await? {
            QueryResponse::Neighbours { peers } => Ok(claimed(&peers)),
            _ => Err(AskError::WrongAnswer),
        }
    }

    /// To whom it says it is connected, how far away those are, how busy it is, and how much of a content it has.
    pub(crate) async fn links(&self, content: Option<ContentId>) -> Result<LinksClaim, AskError> {
        match self.ask(QueryRequest::Links { content }).await? {
            QueryResponse::Links(claim) => Ok(claim),
            _ => Err(AskError::WrongAnswer),
        }
    }

    /// What it says it shares with whoever asks: a page behind a content, or the first one.
    pub async fn contents(&self, after: Option<ContentId>) -> Result<ContentsPage, AskError> {
        match self.ask(QueryRequest::Contents { after }).await? {
            // One that goes back would be asked for without end.
            QueryResponse::Contents { more, contents }
                if contents.first().is_none_or(|first| after.is_none_or(|after| first.content > after)) =>
            {
                let next = contents.last().filter(|_| more).map(|last| last.content);
                Ok(ContentsPage { contents, next })
            }
            _ => Err(AskError::WrongAnswer),
        }
    }

    /// How long it takes to get the smallest answer: from handing over the question, with a connection that stands, until the
    /// answer is here. In that time a stream is opened and its protocol agreed on, and the question goes there and the answer
    /// back: about two round trips of the network, and what the two programs take besides. It says nothing about how fast
    /// chunks come. The plain round trip is measured every 15 seconds, see [`Neighbour::rtt`](crate::Neighbour::rtt).
    pub async fn ping(&self) -> Result<Duration, AskError> {
        let asking = async {
            let peer = self.reach().await?;
            let start = Instant::now();
            match self.control.query(peer, QueryRequest::Ping {}).await {
                // An older version does not know the question; its answer takes as long.
                Ok(_) | Err(QueryError::Refused(_)) => Ok(start.elapsed()),
                Err(error) => Err(failed(peer, error)),
            }
        };
        within_time(asking).await
    }

    /// Asks it something of the store.
    pub async fn store(&self, request: StoreRequest) -> Result<StoreResponse, AskError> {
        let asking = async {
            let peer = self.reach().await?;
            self.control.store(peer, request).await.map_err(|error| failed(peer, error))
        };
        within_time(asking).await
    }

    async fn ask(&self, request: QueryRequest) -> Result<QueryResponse, AskError> {
        let asking = async {
            let peer = self.reach().await?;
            self.control.query(peer, request).await.map_err(|error| failed(peer, error))
        };
        within_time(asking).await
    }

    async fn reach(&self) -> Result<PeerId, AskError> {
        match &self.target {
            PeerTarget::Connected(peer) => Ok(*peer),
            PeerTarget::Address(address) if is_dialable(address) => {
                Ok(self.control.reach(peer_of(address), address.clone()).await?)
            }
            PeerTarget::Address(_) => Err(DialError::NotDialled.into()),
        }
    }
}

async fn within_time<T>(asking: impl Future<Output = Result<T, AskError>>) -> Result<T, AskError> {
    tokio::time::timeout(TIMEOUT, asking).await.unwrap_or(Err(AskError::Timeout))
}

pub(crate) fn failed(peer: PeerId, error: QueryError) -> AskError {
    match error {
        QueryError::Refused(QueryErrorCode::Unsupported) => AskError::Unsupported,
        QueryError::Refused(code) => AskError::Refused(code),
        QueryError::WrongKind => AskError::WrongAnswer,
        QueryError::NotConnected => AskError::NotConnected(peer),
        QueryError::Ended => AskError::Ended,
        QueryError::Failed(error) if is_unsupported(&error) => AskError::Unsupported,
        QueryError::Failed(error) => match &*error {
            OutboundFailure::Timeout => AskError::Timeout,
            OutboundFailure::ConnectionClosed | OutboundFailure::DialFailure => AskError::Ended,
            OutboundFailure::Io(_) | OutboundFailure::UnsupportedProtocols => AskError::Broken(error),
        },
    }
}

/// What was sifted on its way has a valid id and bounded addresses each.
pub(crate) fn claimed(peers: &[PeerAddresses]) -> Vec<ClaimedPeer> {
    let of = |told: &PeerAddresses| {
        told.peer().map(|peer| ClaimedPeer { peer, addresses: told.multiaddrs().collect() })
    };
    peers.iter().filter_map(of).collect()
}
