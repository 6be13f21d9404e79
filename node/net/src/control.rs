//! Orders to the driver, from jobs and from the node's handle.

use libp2p::request_response::OutboundFailure;
use libp2p::{Multiaddr, PeerId, Stream};
use shoal_addresses::Prefix;
use shoal_content::ContentId;
use shoal_wire::query::{QueryErrorCode, QueryRequest, QueryResponse};
use shoal_wire::store::{StoreRequest, StoreResponse};
use tokio::sync::{mpsc, oneshot};

use super::activity::{ActivityHub, ActivityKind};
use super::peers::{DialError, PeerEvent, PeersHandle, SharedPeers};
use super::shared_error::SharedError;
use super::streams::{self, OpenError};
use super::unsupported::is_unsupported;

/// Orders that may wait for the driver.
const ORDERS: usize = 256;

/// What the driver is asked to do. A dropped reply means that the node is shutting down, or that the
/// connection ended first.
pub(super) enum Order {
    /// Make sure that there is a connection to the peer at an address.
    Reach(Option<PeerId>, Multiaddr, oneshot::Sender<Result<PeerId, DialError>>),
    Query(PeerId, QueryRequest, oneshot::Sender<Result<QueryResponse, QueryError>>),
    Store(PeerId, StoreRequest, oneshot::Sender<Result<StoreResponse, QueryError>>),
    OpenStream(PeerId, streams::Reply),
    Addresses(oneshot::Sender<Vec<Multiaddr>>),
    /// Answered once each relay that the user named leads here, or has failed to.
    Relayed(oneshot::Sender<()>),
    Shutdown(oneshot::Sender<()>),
    #[cfg(test)]
    Inspect(oneshot::Sender<super::peers::layer::Counts>),
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The peer said so.
    #[error("the peer refused: {0:?}")]
    Refused(QueryErrorCode),
    /// The answer was not one to this question.
    #[error("the peer gave an answer of the wrong kind")]
    WrongKind,
    /// There is no connection to the peer.
    #[error("not connected")]
    NotConnected,
    /// The connection ended before the answer came.
    #[error("the connection ended")]
    Ended,
    /// Timeout, or a broken stream.
    #[error(transparent)]
    Failed(#[from] SharedError<OutboundFailure>),
}

impl QueryError {
    /// Whether the peer does not know the question: it is too old, or no peer of this kind.
    pub(super) fn is_unsupported(&self) -> bool {
        match self {
            Self::Refused(code) => *code == QueryErrorCode::Unsupported,
            Self::Failed(failure) => is_unsupported(failure),
            Self::WrongKind | Self::NotConnected | Self::Ended => false,
        }
    }
}

/// As [`Control`], for as long as somebody else keeps the node alive; cheap to clone.
#[derive(Clone)]
pub(super) struct WeakControl {
    orders: mpsc::WeakSender<Order>,
    peers: SharedPeers,
    activity: ActivityHub,
}

impl WeakControl {
    /// `None`: the node is ending.
    pub(super) fn upgrade(&self) -> Option<Control> {
        let orders = self.orders.upgrade()?;
        Some(Control { orders, peers: self.peers.clone(), activity: self.activity.clone() })
    }
}

/// A handle to the driver; cheap to clone.
#[derive(Clone)]
pub(super) struct Control {
    orders: mpsc::Sender<Order>,
    peers: SharedPeers,
    activity: ActivityHub,
}

impl Control {
    pub(super) fn new(peers: SharedPeers, activity: ActivityHub) -> (Self, mpsc::Receiver<Order>) {
        let (orders, receiver) = mpsc::channel(ORDERS);
        (Self { orders, peers, activity }, receiver)
    }

    /// Lets a content have to do with peers. The handle says what it wants, the mailbox tells what happens to the
    /// peers that it seeks or uses. When the handle is dropped, all that the content used is given back.
    pub(super) fn attach(&self, content: ContentId) -> (PeersHandle, mpsc::Receiver<PeerEvent>) {
        self.peers.attach(content)
    }

    /// Lets the node itself have to do with peers, in the same way.
    pub(super) fn attach_node(&self) -> (PeersHandle, mpsc::Receiver<PeerEvent>) {
        self.peers.attach_node()
    }

    /// One that does not keep the node alive.
    pub(super) fn downgrade(&self) -> WeakControl {
        let Self { orders, peers, activity } = self;
        WeakControl { orders: orders.downgrade(), peers: peers.clone(), activity: activity.clone() }
    }

    /// Where peers can be found, as far as others may be told: addresses that led there, or that the peer itself
    /// said. Peers of which there is nothing to tell are left out.
    pub(super) fn addresses_of(&self, peers: Vec<PeerId>) -> Vec<(PeerId, Vec<Multiaddr>)> {
        self.peers.addresses_of(peers)
    }

    /// The contents that use or seek a peer, by id.
    pub(super) fn contents_with(&self, peer: &PeerId) -> Vec<ContentId> {
        self.peers.contents_with(peer)
    }

    /// The public network in which each connected peer stands; `None` for those in a private one.
    pub(super) fn networks_of(&self, peers: &[PeerId]) -> Vec<Option<Prefix>> {
        self.peers.networks_of(peers)
    }

    /// Makes sure that there is a connection to the peer at an address; tells which peer that is.
    pub(super) async fn reach(&self, peer: Option<PeerId>, address: Multiaddr) -> Result<PeerId, DialError> {
        self.ask(|reply| Order::Reach(peer, address, reply)).await.unwrap_or(Err(DialError::Closed))
    }

    pub(super) async fn query(
        &self,
        peer: PeerId,
        request: QueryRequest,
    ) -> Result<QueryResponse, QueryError> {
        let kind = request.kind();
        self.activity.tell(Some(peer), request.content(), || ActivityKind::Asked { kind });
        let answer = self.ask(|reply| Order::Query(peer, request, reply)).await;
        match answer.unwrap_or(Err(QueryError::Ended))? {
            QueryResponse::Error { code } => Err(QueryError::Refused(code)),
            other => Ok(other),
        }
    }

    /// Asks a peer something of the store.
    pub(super) async fn store(
        &self,
        peer: PeerId,
        request: StoreRequest,
    ) -> Result<StoreResponse, QueryError> {
        let kind = request.kind();
        self.activity.tell(Some(peer), request.content(), || ActivityKind::Asked { kind });
        let answer = self.ask(|reply| Order::Store(peer, request, reply)).await;
        match answer.unwrap_or(Err(QueryError::Ended))? {
            StoreResponse::Error { code } => Err(QueryError::Refused(code)),
            other => Ok(other),
        }
    }

    pub(super) async fn open_stream(&self, peer: PeerId) -> Result<Stream, OpenError> {
        self.ask(|reply| Order::OpenStream(peer, reply)).await.unwrap_or(Err(OpenError::Ended))
    }

    /// Waits until each relay that the user named leads here, or has failed to.
    pub(super) async fn relayed(&self) {
        self.ask(Order::Relayed).await;
    }

    /// The addresses that others may be told.
    pub(super) async fn addresses(&self) -> Vec<Multiaddr> {
        self.ask(Order::Addresses).await.unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) async fn inspect(&self) -> super::peers::layer::Counts {
        self.ask(Order::Inspect).await.expect("the driver runs")
    }

    pub(super) async fn shutdown(&self) {
        self.ask(Order::Shutdown).await;
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.tell(order(reply)).await;
        answer.await.ok()
    }

    async fn tell(&self, order: Order) {
        // A closed channel means that the driver has ended; then there is nothing left to tell it.
        let _ = self.orders.send(order).await;
    }
}
