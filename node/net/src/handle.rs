//! A handle of one content of a node.

use std::sync::Arc;

use shoal_content::ContentId;
use tokio::sync::watch;

use crate::catalogue::{Catalogue, ContentStatus, Followed};
use crate::events::{Heard, Subscription};
use crate::job::{ContentEvent, Failure, Finished, Outcome, Progress};

/// A content of a node. Dropping the handle changes nothing: the content belongs to the node until it is removed.
pub struct ContentHandle {
    content: ContentId,
    catalogue: Arc<Catalogue>,
    events: Subscription,
    progress: watch::Receiver<Progress>,
    outcome: watch::Receiver<Outcome>,
}

impl ContentHandle {
    pub(crate) fn new(
        content: ContentId,
        catalogue: Arc<Catalogue>,
        events: Subscription,
        followed: Followed,
    ) -> Self {
        let Followed { progress, outcome } = followed;
        Self { content, catalogue, events, progress, outcome }
    }

    /// Which content.
    pub fn content(&self) -> ContentId {
        self.content
    }

    /// How far it is: some snapshots per second while something moves.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Whether anything is done for it; `None` once it was removed.
    pub fn status(&self) -> Option<ContentStatus> {
        self.catalogue.status(self.content)
    }

    /// The next event of this content since the handle was made; `None` once the node has ended. A reader that is far
    /// too slow misses events; see [`Node::subscribe`](crate::Node::subscribe) for seeing such gaps. Cancel-safe.
    pub async fn next(&mut self) -> Option<ContentEvent> {
        loop {
            if let Heard::Event(event) = self.events.next().await?
                && event.content == self.content
            {
                return Some(event.event);
            }
        }
    }

    /// Waits until the download is complete or has failed; at once if it has. A content that is served from the start
    /// never is. Any number of handles may wait.
    pub async fn finished(&self) -> Result<Finished, Arc<Failure>> {
        let mut outcome = self.outcome.clone();
        match outcome.wait_for(Option::is_some).await {
            Ok(known) => known.clone().unwrap_or_else(|| Err(Arc::new(Failure::NodeEnded))),
            Err(_) => Err(Arc::new(Failure::NodeEnded)),
        }
    }

    /// From now on peers that ask what is shared here are told of it, or not; also after a pause.
    pub fn set_public(&self, public: bool) {
        self.catalogue.set_public(self.content, public);
    }

    /// Begins to stop: a download's result will be [`Failure::Stopped`].
    pub fn cancel(&self) {
        self.catalogue.cancel(self.content);
    }

    /// Stops what is done for it and waits for that; what is stored is made durable.
    pub async fn pause(&self) {
        self.catalogue.pause(self.content).await;
    }

    /// Goes on after a pause, a failure, or a goal that was reached.
    pub fn resume(&self) -> Result<(), Failure> {
        self.catalogue.resume(self.content).map(|_| ())
    }

    /// Stops what is done for it, waits for that, and takes the content out of the node. Files stay.
    pub async fn remove(self) {
        self.catalogue.remove(self.content).await;
    }
}
