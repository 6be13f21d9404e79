//! What all parts of a daemon work on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use libp2p::Multiaddr;
use shoal_content::ContentId;
use shoal_net::Node;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::contents::Contents;
use crate::folder::DataFolder;
use crate::library::{Library, Record, Settings, Want};
use crate::queue::Queue;
use crate::schedule::{Limits, Schedule};
use crate::watching::marks::{Key, Marks};
use crate::{DaemonError, DaemonEvent};

/// Events that a listener may lag behind.
const EVENTS: usize = 1024;

/// What does not change while it runs.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// The folder of the hash cache.
    pub(crate) cache: Option<PathBuf>,
    /// Where what the node does is written down.
    pub(crate) activity_log: Option<PathBuf>,
    /// Trackers that it was started with.
    pub(crate) trackers: Vec<Multiaddr>,
    /// Limits that it was started with.
    pub(crate) limits: Limits,
    pub(crate) schedule: Schedule,
    /// Where the library lies now that was damaged.
    pub(crate) moved_to: Option<PathBuf>,
}

/// What the node told of a content and nobody has looked at yet.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Name and size, if the manifest was told.
    pub(crate) manifest: Option<(String, u64)>,
    /// Whether a file of it has changed or vanished.
    pub(crate) withdrawn: bool,
}

/// What all parts of a daemon work on.
pub(crate) struct Core {
    pub(crate) node: Node,
    pub(crate) library: Library,
    pub(crate) contents: Contents,
    pub(crate) queue: Queue,
    pub(crate) options: Options,
    settings: Mutex<Settings>,
    /// Held while settings change, so that they are written down in their order.
    settling: tokio::sync::Mutex<()>,
    /// By content, so that it is bounded by the library.
    heard: Mutex<BTreeMap<ContentId, Heard>>,
    pub(crate) heard_news: Notify,
    pub(crate) marks: Arc<Marks>,
    /// What is shared has changed, or whether it is there.
    pub(crate) watched: Notify,
    /// Something that is waited for may be there.
    pub(crate) look: Notify,
    /// The limits were set.
    pub(crate) limits_set: Notify,
    events: broadcast::Sender<DaemonEvent>,
    pub(crate) stop: CancellationToken,
    folder: Mutex<Option<DataFolder>>,
}

impl Core {
    /// Everything in its place, and nothing begun.
    pub(crate) fn new(
        node: Node,
        library: Library,
        contents: Contents,
        settings: Settings,
        options: Options,
        folder: Option<DataFolder>,
    ) -> Self {
        Self {
            node,
            library,
            contents,
            queue: Queue::default(),
            options,
            settings: Mutex::new(settings),
            settling: tokio::sync::Mutex::default(),
            heard: Mutex::default(),
            heard_news: Notify::new(),
            marks: Arc::default(),
            watched: Notify::new(),
            look: Notify::new(),
            limits_set: Notify::new(),
            events: broadcast::channel(EVENTS).0,
            stop: CancellationToken::new(),
            folder: Mutex::new(folder),
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the settings, if `change` says so, and returns whether it did; they are written down then.
    pub(crate) async fn change_settings(
        &self,
        change: impl FnOnce(&mut Settings) -> bool,
    ) -> Result<bool, DaemonError> {
        let _one = self.settling.lock().await;
        let mut settings = self.settings();
        if !change(&mut settings) {
            return Ok(false);
        }
        self.library.commit(vec![crate::library::Change::Settings(settings.clone())]).await?;
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(true)
    }

    /// The limits that hold when the schedule says nothing.
    pub(crate) fn own_limits(&self) -> Limits {
        self.settings().limits.map_or(self.options.limits, |(up, down)| Limits { up, down })
    }

    /// Takes down what the node told of a content, until somebody looks.
    pub(crate) fn note(&self, content: ContentId, change: impl FnOnce(&mut Heard)) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        change(heard.entry(content).or_default());
        self.heard_news.notify_one();
    }

    /// Something that was told; `None` if nothing is left.
    pub(crate) fn next_heard(&self) -> Option<(ContentId, Heard)> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let next = heard.pop_first();
        if !heard.is_empty() {
            // For others who look too.
            self.heard_news.notify_one();
        }
        next
    }

    /// Imports again what is shared, because it may have changed.
    pub(crate) fn rescan(&self, key: &Key) {
        let shares = self.contents.ids(|entry| entry.shared_paths() == Some(key));
        let request = shares.first().and_then(|content| self.contents.record(*content));
        if let Some(Record { want: Want::Share(request), .. }) = request {
            self.queue.rescan(request);
        }
    }

    pub(crate) fn tell(&self, event: DaemonEvent) {
        // Err only says that nobody listens.
        let _ = self.events.send(event);
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<DaemonEvent> {
        self.events.subscribe()
    }

    /// Closes the database and gives the data folder back. Blocks.
    pub(crate) fn close(&self) {
        self.library.close();
        drop(self.folder.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
