//! Orders to the driver, from jobs and from the node's handle.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId, Stream};
use shoal_engine::Dial;
use shoal_wire::query::{ErrorCode, Request, Response};
use shoal_wire::rendezvous::RecordFormat;
use shoal_wire::tracker;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::points::{self, Found, PointError};
use super::streams::{self, OpenError};
use super::tracker::TrackerError;

/// Orders that may wait for the driver.
pub(super) const ORDERS: usize = 256;
/// Events that a job may lag behind before it has to ask who is connected.
pub(super) const EVENTS: usize = 1024;

/// What the driver is asked to do. A dropped reply means that the node is shutting down, or that the
/// connection ended first.
pub(super) enum Order {
    Dial(Dial, oneshot::Sender<Result<PeerId, DialError>>),
    Query(PeerId, Request, oneshot::Sender<Result<Response, QueryError>>),
    AskTracker(PeerId, tracker::Request, super::tracker::Reply),
    OpenStream(PeerId, streams::Reply),
    /// Close connections; with `true`, for good.
    Disconnect(PeerId, bool),
    Register {
        point: PeerId,
        namespace: String,
        /// `None` leaves it to the point.
        ttl: Option<Duration>,
        format: RecordFormat,
        reply: points::Reply<Duration>,
    },
    Unregister {
        point: PeerId,
        namespace: String,
        reply: points::Reply<()>,
    },
    Discover {
        point: PeerId,
        namespace: String,
        reply: points::Reply<Vec<Found>>,
    },
    Connected(oneshot::Sender<Vec<PeerId>>),
    Addresses(oneshot::Sender<Vec<Multiaddr>>),
    /// Where connected peers say that they listen.
    AddressesOf(Vec<PeerId>, oneshot::Sender<Vec<(PeerId, Vec<Multiaddr>)>>),
    Shutdown(oneshot::Sender<()>),
}

/// What happened to connections.
#[derive(Debug, Clone)]
pub(super) enum NetEvent {
    /// The last connection to a peer is gone.
    Disconnected { peer: PeerId },
}

/// Why nobody was reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// No address answered as the expected peer.
    #[error("{0}")]
    Failed(String),
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Closed,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The peer said so.
    #[error("the peer refused: {0:?}")]
    Refused(ErrorCode),
    /// The answer was not one to this question.
    #[error("the peer gave an answer of the wrong kind")]
    WrongKind,
    /// There is no connection to the peer.
    #[error("not connected")]
    NotConnected,
    /// Timeout, or a broken stream.
    #[error("{0}")]
    Failed(String),
}

/// A handle to the driver; cheap to clone.
#[derive(Clone)]
pub(super) struct Control {
    orders: mpsc::Sender<Order>,
    events: broadcast::Sender<NetEvent>,
}

impl Control {
    pub(super) fn new(orders: mpsc::Sender<Order>, events: broadcast::Sender<NetEvent>) -> Self {
        Self { orders, events }
    }

    pub(super) fn events(&self) -> broadcast::Receiver<NetEvent> {
        self.events.subscribe()
    }

    pub(super) async fn dial(&self, dial: Dial) -> Result<PeerId, DialError> {
        self.ask(|reply| Order::Dial(dial, reply)).await.unwrap_or(Err(DialError::Closed))
    }

    /// Makes sure that there is a connection to the peer at an address; tells which peer that is.
    pub(super) async fn reach(&self, peer: Option<PeerId>, address: Multiaddr) -> Result<PeerId, DialError> {
        self.dial(Dial { peer, addresses: vec![address] }).await
    }

    pub(super) async fn query(&self, peer: PeerId, request: Request) -> Result<Response, QueryError> {
        let answer = self.ask(|reply| Order::Query(peer, request, reply)).await;
        match answer.unwrap_or_else(|| Err(QueryError::Failed("the connection ended".into())))? {
            Response::Error { code } => Err(QueryError::Refused(code)),
            other => Ok(other),
        }
    }

    pub(super) async fn ask_tracker(
        &self,
        peer: PeerId,
        request: tracker::Request,
    ) -> Result<tracker::Response, TrackerError> {
        let gone = || Err(TrackerError::Failed("the connection ended".into()));
        self.ask(|reply| Order::AskTracker(peer, request, reply)).await.unwrap_or_else(gone)
    }

    pub(super) async fn open_stream(&self, peer: PeerId) -> Result<Stream, OpenError> {
        let gone = || Err(OpenError::Refused("the connection ended".into()));
        self.ask(|reply| Order::OpenStream(peer, reply)).await.unwrap_or_else(gone)
    }

    /// Returns what the point granted.
    pub(super) async fn register(
        &self,
        point: PeerId,
        namespace: String,
        ttl: Option<Duration>,
        format: RecordFormat,
    ) -> Result<Duration, PointError> {
        let answer = self.ask(|reply| Order::Register { point, namespace, ttl, format, reply }).await;
        answer.unwrap_or_else(|| Err(PointError::ended()))
    }

    /// Returns once the point has done it.
    pub(super) async fn unregister(&self, point: PeerId, namespace: String) -> Result<(), PointError> {
        let answer = self.ask(|reply| Order::Unregister { point, namespace, reply }).await;
        answer.unwrap_or_else(|| Err(PointError::ended()))
    }

    pub(super) async fn discover(&self, point: PeerId, namespace: String) -> Result<Vec<Found>, PointError> {
        let answer = self.ask(|reply| Order::Discover { point, namespace, reply }).await;
        answer.unwrap_or_else(|| Err(PointError::ended()))
    }

    pub(super) async fn disconnect(&self, peer: PeerId, for_good: bool) {
        self.tell(Order::Disconnect(peer, for_good)).await;
    }

    pub(super) async fn connected(&self) -> Vec<PeerId> {
        self.ask(Order::Connected).await.unwrap_or_default()
    }

    /// The addresses that others may be told.
    pub(super) async fn addresses(&self) -> Vec<Multiaddr> {
        self.ask(Order::Addresses).await.unwrap_or_default()
    }

    /// Where peers listen, as far as they are connected and have said so.
    pub(super) async fn addresses_of(&self, peers: Vec<PeerId>) -> Vec<(PeerId, Vec<Multiaddr>)> {
        self.ask(|reply| Order::AddressesOf(peers, reply)).await.unwrap_or_default()
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
