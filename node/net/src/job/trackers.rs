//! The trackers of a content: reaching them, registering, asking, taking leave.

use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use shoal_content::ContentId;
use shoal_engine::TTL;
use shoal_wire::rendezvous::{RecordFormat, Status};
use shoal_wire::swarm_namespace;

use super::done::Done;
use crate::control::Control;
use crate::parts::NodeParts;
use crate::points::PointError;

/// A tracker answers within this time or has failed.
const TRACKER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long taking leave may hold up the end of a job.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// A tracker.
#[derive(Debug, Clone)]
struct Known {
    address: Multiaddr,
    /// The peer that it has to be, if its address says so.
    named: Option<PeerId>,
    /// The peer that it is, as far as is known: as named, or else the one that answered the last time.
    peer: Option<PeerId>,
    /// Why it was of no use the last time.
    error: Option<PointError>,
}

impl Known {
    fn new(address: &Multiaddr) -> Self {
        let named = match address.iter().last() {
            Some(Protocol::P2p(peer)) => Some(peer),
            _ => None,
        };
        Self { address: address.clone(), named, peer: named, error: None }
    }
}

/// All trackers of a content, named by their place in the list.
pub(super) struct Trackers {
    all: Vec<Known>,
    registers: bool,
    namespace: String,
    uselessness_told: bool,
    /// Those to take leave of.
    leaving: Vec<usize>,
}

impl Trackers {
    pub(super) fn new(addresses: &[Multiaddr], registers: bool, content: ContentId) -> Self {
        Self {
            all: addresses.iter().map(Known::new).collect(),
            registers,
            namespace: swarm_namespace(&content),
            uselessness_told: false,
            leaving: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The trackers that have been reached, if this node registers there.
    pub(super) fn registered_at(&self) -> impl Iterator<Item = PeerId> {
        self.all.iter().filter(|_| self.registers).filter_map(|tracker| tracker.peer)
    }

    pub(super) fn register(&self, tracker: usize, parts: &NodeParts) -> impl Future<Output = Done> + use<> {
        let (control, namespace) = (parts.control.clone(), self.namespace.clone());
        let known = self.all.get(tracker).cloned();
        async move {
            let Some(known) = known else { return Done::Nothing };
            let ask = |peer| register(&control, peer, namespace);
            let (peer, result) = ask_tracker(&control, &known, ask).await;
            Done::Registered { tracker, peer, result }
        }
    }

    pub(super) fn discover(&self, tracker: usize, parts: &NodeParts) -> impl Future<Output = Done> + use<> {
        let (control, namespace) = (parts.control.clone(), self.namespace.clone());
        let known = self.all.get(tracker).cloned();
        async move {
            let Some(known) = known else { return Done::Nothing };
            let ask = |peer| control.discover(peer, namespace);
            let (peer, result) = ask_tracker(&control, &known, ask).await;
            Done::Discovered { tracker, peer, result }
        }
    }

    /// A tracker has answered, or has not.
    pub(super) fn answered(&mut self, tracker: usize, peer: Option<PeerId>, error: Option<PointError>) {
        if let Some(known) = self.all.get_mut(tracker) {
            // A tracker that lost its key is another one, and at an address that names nobody as good as before.
            known.peer = peer.or(known.named);
            known.error = error;
        }
    }

    /// The registration at a tracker has to end.
    pub(super) fn leaves(&mut self, tracker: usize) {
        self.leaving.push(tracker);
    }

    /// Takes leave of every tracker that may have registered this node, also of one whose answer has not come yet.
    pub(super) async fn leave(&self, parts: &NodeParts) {
        let peers = self.leaving.iter().filter_map(|tracker| self.all.get(*tracker)?.peer);
        let leave = peers.map(|peer| parts.control.unregister(peer, self.namespace.clone()));
        drop(tokio::time::timeout(LEAVE_TIMEOUT, futures::future::join_all(leave)).await);
    }

    /// Why no tracker is of use; once.
    pub(super) fn useless(&mut self) -> Option<Vec<(Multiaddr, PointError)>> {
        if std::mem::replace(&mut self.uselessness_told, true) {
            return None;
        }
        Some(self.all.iter().filter_map(|it| Some((it.address.clone(), it.error.clone()?))).collect())
    }
}

/// Asks for [`TTL`] with a record of the specification's form. Where that is too short for a tracker, asks for
/// what it gives by itself. Where the tracker does not understand the record, sends a legacy one, because
/// rust-libp2p's own server reads no other and ends the stream instead of answering.
async fn register(control: &Control, tracker: PeerId, namespace: String) -> Result<Duration, PointError> {
    let mut ttl = Some(TTL);
    let mut format = RecordFormat::Standard;
    loop {
        let result = control.register(tracker, namespace.clone(), ttl, format).await;
        let status = match &result {
            Err(PointError::Refused(refused)) => Some(refused.status),
            _ => None,
        };
        let unread = matches!(result, Err(PointError::WrongKind | PointError::Failed(_)))
            || status == Some(Status::InvalidSignedPeerRecord);
        if status == Some(Status::InvalidTtl) && ttl.is_some() {
            ttl = None;
        } else if unread && format == RecordFormat::Standard {
            format = RecordFormat::Legacy;
        } else {
            return result;
        }
    }
}

/// Asks a tracker, connecting to it first if need be; tells who it is, if it was reached.
async fn ask_tracker<T, F: Future<Output = Result<T, PointError>>>(
    control: &Control,
    tracker: &Known,
    ask: impl FnOnce(PeerId) -> F,
) -> (Option<PeerId>, Result<T, PointError>) {
    let mut reached = None;
    let asking = async {
        let peer =
            control.reach(tracker.peer, tracker.address.clone()).await.map_err(PointError::Unreachable)?;
        reached = Some(peer);
        ask(peer).await
    };
    let result = tokio::time::timeout(TRACKER_TIMEOUT, asking).await.unwrap_or(Err(PointError::Silent));
    (reached, result)
}
