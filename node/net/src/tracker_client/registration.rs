//! Registering, discovering and unregistering.

use std::time::Duration;

use libp2p::PeerId;
use shoal_engine::TTL;
use shoal_wire::rendezvous::{RecordFormat, Status};

use super::client::TrackerClient;
use super::discovered::DiscoveredPeer;
use super::error::TrackerError;
use super::order::{Orders, Question};

impl TrackerClient {
    /// Registers this node in a namespace, with the addresses that it announces. Returns for how long.
    pub(crate) async fn register(&self, namespace: String) -> Result<Duration, TrackerError> {
        self.ask(|tracker, orders| register(tracker, orders, namespace)).await
    }

    /// Asks which peers are registered in a namespace: at most 50.
    pub(crate) async fn discover(&self, namespace: String) -> Result<Vec<DiscoveredPeer>, TrackerError> {
        self.ask(|tracker, orders| async move {
            orders.ask(tracker, |reply| Question::Discover { namespace, reply }).await
        })
        .await
    }

    /// Ends the registration in a namespace, if the tracker is still connected. Returns once that is done.
    pub(crate) async fn unregister(&self, namespace: String) -> Result<(), TrackerError> {
        let tracker = self.reached().ok_or(TrackerError::Ended)?;
        self.orders().ask(tracker, |reply| Question::Unregister { namespace, reply }).await
    }
}

/// Asks for [`TTL`] with a record of the specification's form. Where that is too short for a tracker, asks for
/// what it gives by itself. Where the tracker does not understand the record, sends a legacy one, because
/// rust-libp2p's own server reads no other and ends the stream instead of answering.
async fn register(tracker: PeerId, orders: Orders, namespace: String) -> Result<Duration, TrackerError> {
    let mut ttl = Some(TTL);
    let mut format = RecordFormat::Standard;
    loop {
        let namespace = namespace.clone();
        let asking = orders.ask(tracker, |reply| Question::Register { namespace, ttl, format, reply });
        let result = asking.await;
        let status = match &result {
            Err(TrackerError::Refused(refused)) => Some(refused.status),
            _ => None,
        };
        if status == Some(Status::InvalidTtl) && ttl.is_some() {
            ttl = None;
        } else if is_unread(&result) && format == RecordFormat::Standard {
            format = RecordFormat::Legacy;
        } else {
            return result;
        }
    }
}

/// Whether the tracker may not have understood the record.
fn is_unread<T>(result: &Result<T, TrackerError>) -> bool {
    match result {
        Err(TrackerError::Refused(refused)) => refused.status == Status::InvalidSignedPeerRecord,
        Err(
            TrackerError::WrongKind
            | TrackerError::Malformed(_)
            | TrackerError::Broken(_)
            | TrackerError::Ended,
        ) => true,
        _ => false,
    }
}
