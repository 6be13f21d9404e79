//! One tracker: connecting to it, asking it, giving up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use shoal_addresses::peer_of;

use super::error::TrackerError;
use super::order::Orders;
use super::questions::Questions;
use crate::control::Control;

/// A tracker is reached and has answered within this time, or has failed.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Makes clients of trackers; cheap to clone.
#[derive(Clone)]
pub(crate) struct TrackerConnector {
    control: Control,
    orders: Orders,
}

impl TrackerConnector {
    /// With the side of the task that owns the Swarm. `identity` is the node's.
    pub(crate) fn new(control: Control, identity: Keypair) -> (Self, Questions) {
        let (orders, receiver) = Orders::new();
        (Self { control, orders }, Questions::new(receiver, identity))
    }

    /// The tracker at an address. Nothing is sent before something is asked.
    pub(crate) fn at(&self, address: Multiaddr) -> TrackerClient {
        TrackerClient { connector: self.clone(), address, reached: Arc::default() }
    }
}

/// A tracker at an address. Made by [`Node::tracker`](crate::Node::tracker). Clones are of the same tracker.
#[derive(Clone)]
pub struct TrackerClient {
    connector: TrackerConnector,
    address: Multiaddr,
    /// The peer that was there the last time, if any was.
    reached: Arc<Mutex<Option<PeerId>>>,
}

impl TrackerClient {
    /// Where it is.
    pub fn address(&self) -> &Multiaddr {
        &self.address
    }

    /// The peer that it is, as far as is known: the one that was there the last time, or else the one that its
    /// address names.
    pub(crate) fn peer(&self) -> Option<PeerId> {
        self.reached().or_else(|| peer_of(&self.address))
    }

    /// The peer that was there the last time.
    pub(super) fn reached(&self) -> Option<PeerId> {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects, unless there is a connection, and asks.
    pub(super) async fn ask<T, F: Future<Output = Result<T, TrackerError>>>(
        &self,
        question: impl FnOnce(PeerId, Orders) -> F,
    ) -> Result<T, TrackerError> {
        let asking = async { question(self.connect().await?, self.orders()).await };
        tokio::time::timeout(TIMEOUT, asking).await.unwrap_or(Err(TrackerError::Timeout))
    }

    async fn connect(&self) -> Result<PeerId, TrackerError> {
        let peer = self.connector.control.reach(self.peer(), self.address.clone()).await;
        // A tracker that lost its key is another one, and at an address that names nobody as good as before.
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = peer.as_ref().ok().copied();
        Ok(peer?)
    }

    pub(super) fn orders(&self) -> Orders {
        self.connector.orders.clone()
    }
}
