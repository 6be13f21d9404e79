//! The handle.

use libp2p::Multiaddr;
use shoal_content::{ContentId, Ticket};
use shoal_net::Node;

use crate::{DaemonConfig, DaemonError, FetchRequest, Import, ImportId, Item, Limits, ShareRequest};

/// A running daemon; cheap to clone.
#[derive(Clone)]
pub struct Daemon {
    node: Node,
}

impl Daemon {
    /// Starts a daemon: takes the data folder, starts the node, and goes on with all that is in the library.
    pub async fn start(_config: DaemonConfig) -> Result<Self, DaemonError> {
        todo!()
    }

    /// The node in it.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// A page of the library, by id: at most `limit` contents after `after`.
    pub fn items(&self, _after: Option<ContentId>, _limit: usize) -> Vec<Item> {
        todo!()
    }

    /// How many contents there are.
    pub fn count(&self) -> usize {
        todo!()
    }

    /// One content of the library.
    pub fn item(&self, _content: ContentId) -> Option<Item> {
        todo!()
    }

    /// Begins to share files. They are hashed first; the import says how far that is, and which content it became.
    pub fn share(&self, _request: ShareRequest) -> Result<ImportId, DaemonError> {
        todo!()
    }

    /// How far an import is. The last 256 that ended are remembered.
    pub fn import(&self, _import: ImportId) -> Option<Import> {
        todo!()
    }

    /// All imports that wait or run, and the last 256 that ended.
    pub fn imports(&self) -> Vec<Import> {
        todo!()
    }

    /// Begins to fetch a content.
    pub async fn fetch(&self, _request: FetchRequest) -> Result<Item, DaemonError> {
        todo!()
    }

    /// Stops what is done for a content, also after restarts, until it is resumed.
    pub async fn pause(&self, _content: ContentId) -> Result<(), DaemonError> {
        todo!()
    }

    /// Goes on after a pause, a failure, or a goal that was reached.
    pub async fn resume(&self, _content: ContentId) -> Result<(), DaemonError> {
        todo!()
    }

    /// Takes a content out of the library. Files stay; the part of a download that is not complete stays too.
    pub async fn remove(&self, _content: ContentId) -> Result<(), DaemonError> {
        todo!()
    }

    /// Tells, or does not tell any more, peers that ask what is shared here of a content.
    pub async fn set_public(&self, _content: ContentId, _public: bool) -> Result<(), DaemonError> {
        todo!()
    }

    /// A ticket for a content of the library, with the node's addresses and the content's trackers.
    pub async fn ticket(&self, _content: ContentId) -> Result<Ticket, DaemonError> {
        todo!()
    }

    /// The limits that hold now, and whether the schedule says so.
    pub fn limits(&self) -> (Limits, bool) {
        todo!()
    }

    /// Sets the limits for when the schedule says nothing; kept after restarts.
    pub async fn set_limits(&self, _limits: Limits) -> Result<(), DaemonError> {
        todo!()
    }

    /// The trackers that every content is registered at.
    pub fn trackers(&self) -> Vec<Multiaddr> {
        todo!()
    }

    /// Registers every content at one more tracker, also after restarts. `false` if that is so already.
    pub async fn register(&self, _tracker: Multiaddr) -> Result<bool, DaemonError> {
        todo!()
    }

    /// Takes every content out of a tracker. `false` if it was not among those of the daemon.
    pub async fn deregister(&self, _tracker: &Multiaddr) -> Result<bool, DaemonError> {
        todo!()
    }

    /// Stops everything in good order.
    pub async fn shutdown(self) {
        todo!()
    }
}
