//! The trackers of a content: which there are, and what came of asking them.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_content::ContentId;
use shoal_engine::{TrackerStanding, TrackerState};
use shoal_wire::swarm_namespace;

use super::done::Done;
use crate::tracker_client::{TrackerClient, TrackerConnector, TrackerError};

/// How long taking leave may hold up the end of a job.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// A tracker.
struct Known {
    client: TrackerClient,
    /// Whether this node has been registered there.
    registered: bool,
    /// Whether it was asked and that came to an end.
    asked: bool,
    /// Why it was of no use the last time.
    error: Option<TrackerError>,
}

impl Known {
    fn state(&self) -> TrackerState {
        let standing = match &self.error {
            None if self.asked => TrackerStanding::Answered,
            None => TrackerStanding::Asked,
            Some(error) => error.standing(),
        };
        let error = self.error.as_ref().map(TrackerError::to_string);
        TrackerState { address: self.client.address().to_string(), standing, error }
    }
}

/// All trackers of a content, named by their place in the list.
pub(super) struct Trackers {
    all: Vec<Known>,
    namespace: String,
    uselessness_told: bool,
    /// Those to take leave of.
    leaving: Vec<usize>,
}

impl Trackers {
    pub(super) fn new(connector: &TrackerConnector, addresses: &[Multiaddr], content: ContentId) -> Self {
        let known = |address: &Multiaddr| {
            let client = connector.at(address.clone());
            Known { client, registered: false, asked: false, error: None }
        };
        Self {
            all: addresses.iter().map(known).collect(),
            namespace: swarm_namespace(&content),
            uselessness_told: false,
            leaving: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The client of a tracker.
    pub(super) fn client(&self, tracker: usize) -> Option<TrackerClient> {
        self.all.get(tracker).map(|known| known.client.clone())
    }

    /// The trackers at which this node has been registered.
    pub(super) fn registered_at(&self) -> Vec<usize> {
        (0..self.all.len()).filter(|tracker| self.all[*tracker].registered).collect()
    }

    /// The peer that a tracker is, as far as is known.
    pub(super) fn peer(&self, tracker: usize) -> Option<PeerId> {
        self.all.get(tracker)?.client.peer()
    }

    pub(super) fn register(&self, tracker: usize) -> impl Future<Output = Done> + use<> {
        let (client, namespace) = (self.client(tracker), self.namespace.clone());
        async move {
            let Some(client) = client else { return Done::Nothing };
            Done::Registered { tracker, result: client.register(namespace).await }
        }
    }

    pub(super) fn discover(&self, tracker: usize) -> impl Future<Output = Done> + use<> {
        let (client, namespace) = (self.client(tracker), self.namespace.clone());
        async move {
            let Some(client) = client else { return Done::Nothing };
            Done::Discovered { tracker, result: client.discover(namespace).await }
        }
    }

    /// A tracker has registered this node, or has not.
    pub(super) fn registered(&mut self, tracker: usize, error: Option<TrackerError>) {
        if let Some(known) = self.all.get_mut(tracker) {
            known.registered = error.is_none();
            (known.asked, known.error) = (true, error);
        }
    }

    /// A tracker has told of others, or has not.
    pub(super) fn answered(&mut self, tracker: usize, error: Option<TrackerError>) {
        if let Some(known) = self.all.get_mut(tracker) {
            (known.asked, known.error) = (true, error);
        }
    }

    /// What came of each.
    pub(super) fn states(&self) -> Vec<TrackerState> {
        self.all.iter().map(Known::state).collect()
    }

    /// The registration at a tracker has to end.
    pub(super) fn leaves(&mut self, tracker: usize) {
        self.leaving.push(tracker);
    }

    /// Takes leave of every tracker that may have registered this node, also of one whose answer has not come yet.
    /// `left` is told where each is that answered.
    pub(super) async fn leave(&self, left: impl Fn(&Multiaddr)) {
        let clients = self.leaving.iter().filter_map(|tracker| self.client(*tracker));
        let leave = clients.map(|client| {
            let namespace = self.namespace.clone();
            let left = &left;
            async move {
                if client.unregister(namespace).await.is_ok() {
                    left(client.address());
                }
            }
        });
        drop(tokio::time::timeout(LEAVE_TIMEOUT, futures::future::join_all(leave)).await);
    }

    /// Whether some tracker only lacks an address of this node that it could tell others.
    pub(super) fn want_an_address(&self) -> bool {
        self.all.iter().filter_map(|known| known.error.as_ref()).any(TrackerError::wants_an_address)
    }

    /// Why no tracker is of use; once.
    pub(super) fn useless(&mut self) -> Option<Vec<(Multiaddr, TrackerError)>> {
        if std::mem::replace(&mut self.uselessness_told, true) {
            return None;
        }
        let why = self.all.iter().filter_map(|it| Some((it.client.address().clone(), it.error.clone()?)));
        Some(why.collect())
    }
}
