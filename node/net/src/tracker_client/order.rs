//! Questions on their way to the task that owns the Swarm.

use std::time::Duration;

use libp2p::PeerId;
use shoal_wire::rendezvous::RecordFormat;
use shoal_wire::tracker;
use tokio::sync::{mpsc, oneshot};

use super::discovered::DiscoveredPeer;
use super::error::TrackerError;

/// Questions that may wait for that task.
const ORDERS: usize = 256;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, TrackerError>>;

/// A question for a connected tracker.
pub(crate) struct Order {
    pub(crate) tracker: PeerId,
    pub(super) question: Question,
}

pub(super) enum Question {
    Register {
        namespace: String,
        /// `None` leaves it to the tracker.
        ttl: Option<Duration>,
        format: RecordFormat,
        reply: Reply<Duration>,
    },
    Unregister {
        namespace: String,
        reply: Reply<()>,
    },
    Discover {
        namespace: String,
        reply: Reply<Vec<DiscoveredPeer>>,
    },
    Service(tracker::TrackerRequest, Reply<tracker::TrackerResponse>),
}

impl Order {
    /// The tracker is not connected any more. Without this, libp2p would dial it on its own.
    pub(crate) fn fail(self) {
        self.question.fail(TrackerError::Ended);
    }
}

impl Question {
    pub(super) fn fail(self, error: TrackerError) {
        // Where sending fails, nobody waits any more.
        match self {
            Self::Register { reply, .. } => drop(reply.send(Err(error))),
            Self::Unregister { reply, .. } => drop(reply.send(Err(error))),
            Self::Discover { reply, .. } => drop(reply.send(Err(error))),
            Self::Service(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

/// Sends questions; cheap to clone.
#[derive(Clone)]
pub(super) struct Orders(mpsc::Sender<Order>);

impl Orders {
    pub(super) fn new() -> (Self, mpsc::Receiver<Order>) {
        let (sender, receiver) = mpsc::channel(ORDERS);
        (Self(sender), receiver)
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask<T>(
        &self,
        tracker: PeerId,
        question: impl FnOnce(Reply<T>) -> Question,
    ) -> Result<T, TrackerError> {
        let (reply, answer) = oneshot::channel();
        let order = Order { tracker, question: question(reply) };
        // Both fail only once the node is shutting down.
        self.0.send(order).await.map_err(|_| TrackerError::Ended)?;
        answer.await.unwrap_or(Err(TrackerError::Ended))
    }
}
