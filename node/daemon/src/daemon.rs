//! The handle.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use libp2p::Multiaddr;
use shoal_content::{ContentId, Ticket};
use shoal_engine::StoreFarewell;
use shoal_net::Node;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use crate::checks::check_share;
use crate::contents::Contents;
use crate::core::{Core, Options};
use crate::folder::DataFolder;
use crate::keeping::Keeper;
use crate::library::{Change, Library, Record, Saved, Standing};
use crate::queue::{Cause, Task};
use crate::schedule::Limits;
use crate::{
    DaemonConfig, DaemonError, DaemonEvent, FetchRequest, Import, ImportId, Item, ItemState, ShareRequest,
    StoreFound, StoreStatus, follow, importing, limiting, remembering, restoring, watching,
};

/// How long tasks may take to end at a shutdown.
const END_WITHIN: Duration = Duration::from_secs(10);
/// The folder of copies that are kept for others, in the data folder.
const STORE: &str = "store";
/// Tasks that look at what the node told.
const LOOKERS: usize = 8;

/// A running daemon; cheap to clone. It ends when it is shut down, or when every handle is dropped.
#[derive(Clone)]
pub struct Daemon {
    core: Arc<Core>,
    alive: Arc<Alive>,
    keeper: Option<Arc<Keeper>>,
}

/// The tasks of a daemon. They end when this is dropped.
struct Alive {
    core: Arc<Core>,
    tasks: Mutex<JoinSet<()>>,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.core.stop.cancel();
        // They end by themselves; aborted, they could leave something half done.
        self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner).detach_all();
    }
}

impl Alive {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // What has ended need not be kept.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

impl Daemon {
    /// Starts a daemon: takes the data folder, starts the node, and goes on with all that is in the library.
    pub async fn start(config: DaemonConfig) -> Result<Self, DaemonError> {
        let data = config.data.clone();
        let opened = tokio::task::spawn_blocking(move || open(data.as_deref())).await;
        let (folder, library, saved) = opened.map_err(|error| DaemonError::Invalid(error.to_string()))??;
        let limits = Limits { up: config.node.limit_up, down: config.node.limit_down };
        let identity = config.node.identity.clone();
        let mut node = config.node;
        node.discovery.remembered = remembering::recall(saved.peers);
        let node = Node::start(node).await?;
        let DaemonConfig { activity_log, cache, trackers, schedule, watch, store, data, .. } = config;
        let options = Options { activity_log, cache, trackers, limits, schedule, moved_to: saved.moved_to };
        let contents = Contents::new(saved.contents);
        let core = Arc::new(Core::new(node, library, contents, saved.settings, options, folder));
        saved.shares.into_iter().for_each(|(number, request)| core.queue.restore(number, request));
        let alive = Arc::new(Alive { core: core.clone(), tasks: Mutex::default() });
        let folder = data.map(|data| data.join(STORE));
        let keeper = store
            .map(|settings| Arc::new(Keeper::new(core.clone(), identity, settings, folder, saved.store)));
        // Before anything begins, so that nothing is missed.
        let (_, events) = core.node.subscribe();
        alive.spawn(follow::listen(core.clone(), events));
        (0..LOOKERS).for_each(|_| alive.spawn(follow::look(core.clone())));
        alive.spawn(limiting::run(core.clone()));
        alive.spawn(restoring::run(core.clone()));
        alive.spawn(importing::run(core.clone()));
        alive.spawn(remembering::run(core.clone()));
        if watch {
            alive.spawn(watching::watch(core.clone()));
        }
        if let Some(keeper) = &keeper {
            let (questions, events) = (core.node.store_questions(), core.subscribe());
            alive.spawn(keeper.clone().run(questions, events));
        }
        Ok(Self { core, alive, keeper })
    }

    /// The node in it.
    pub fn node(&self) -> &Node {
        &self.core.node
    }

    /// Where the library lies that was found damaged at the start and was moved aside; this one began empty then.
    pub fn moved_aside(&self) -> Option<&Path> {
        self.core.options.moved_to.as_deref()
    }

    /// Where what the node does is written down, if that was told at the start.
    pub fn activity_log(&self) -> Option<&Path> {
        self.core.options.activity_log.as_deref()
    }

    /// What happens to the library from now on. A listener that lags by more than 1024 events misses some.
    pub fn subscribe(&self) -> broadcast::Receiver<DaemonEvent> {
        self.core.subscribe()
    }

    /// A page of the library, by id: at most `limit` contents after `after`.
    pub fn items(&self, after: Option<ContentId>, limit: usize) -> Vec<Item> {
        self.core.contents.page(after, limit)
    }

    /// How many contents there are.
    pub fn count(&self) -> usize {
        self.core.contents.len()
    }

    /// One content of the library.
    pub fn item(&self, content: ContentId) -> Option<Item> {
        self.core.contents.item(content)
    }

    /// Begins to share files. They are hashed first; the import says how far that is, and which content it became.
    ///
    /// Blocks until the request is on the disk, some milliseconds as a rule.
    pub fn share(&self, request: ShareRequest) -> Result<ImportId, DaemonError> {
        check_share(&request)?;
        let id = self.core.queue.promise().ok_or(DaemonError::Busy)?;
        match self.core.library.commit_blocking(vec![Change::Share(id.0, request.clone())]) {
            Ok(()) => self.core.queue.push(Task { id, request, cause: Cause::Asked }),
            Err(error) => {
                self.core.queue.give_up();
                return Err(error);
            }
        }
        Ok(id)
    }

    /// How far an import is. The last 256 that ended are remembered.
    pub fn import(&self, import: ImportId) -> Option<Import> {
        self.core.queue.get(import)
    }

    /// All imports that wait or run, and the last 256 that ended.
    pub fn imports(&self) -> Vec<Import> {
        self.core.queue.list()
    }

    /// Begins to fetch a content. The folder is made if it is missing.
    pub async fn fetch(&self, request: FetchRequest) -> Result<Item, DaemonError> {
        let content = request.options.content;
        self.core.add_fetch(request).await?;
        self.item(content).ok_or(DaemonError::NoSuchContent(content))
    }

    fn gate(&self, content: ContentId) -> Result<Arc<tokio::sync::Mutex<()>>, DaemonError> {
        self.core.contents.gate(content).ok_or(DaemonError::NoSuchContent(content))
    }

    /// Changes the record of a content, first on the disk; for who holds its gate.
    async fn change(&self, content: ContentId, change: impl FnOnce(&mut Record)) -> Result<(), DaemonError> {
        let mut record = self.core.contents.record(content).ok_or(DaemonError::NoSuchContent(content))?;
        change(&mut record);
        self.core.library.commit(vec![Change::Record(content, Box::new(record.clone()))]).await?;
        self.core.contents.change(content, |entry| entry.record = record);
        Ok(())
    }

    /// Stops what is done for a content, also after restarts, until it is resumed.
    pub async fn pause(&self, content: ContentId) -> Result<(), DaemonError> {
        let gate = self.gate(content)?;
        let _one = gate.lock().await;
        self.change(content, |record| record.standing = Standing::Paused).await?;
        self.core.halt_gated(content, ItemState::Paused).await;
        Ok(())
    }

    /// Goes on after a pause, a failure, or a goal that was reached.
    pub async fn resume(&self, content: ContentId) -> Result<(), DaemonError> {
        let gate = self.gate(content)?;
        let _one = gate.lock().await;
        let is_active = |record: Record| record.standing == Standing::Active;
        if !self.core.contents.record(content).is_some_and(is_active) {
            self.change(content, |record| record.standing = Standing::Active).await?;
        }
        self.core.contents.change(content, |entry| entry.resumed());
        Ok(self.core.begin_gated(content).await?)
    }

    /// Takes a content out of the library. Files stay; the part of a download that is not complete stays too.
    pub async fn remove(&self, content: ContentId) -> Result<(), DaemonError> {
        self.core.take_out(content).await
    }

    /// Tells, or does not tell any more, peers that ask what is shared here of a content.
    pub async fn set_public(&self, content: ContentId, public: bool) -> Result<(), DaemonError> {
        let gate = self.gate(content)?;
        let _one = gate.lock().await;
        self.change(content, |record| record.set_public(public)).await?;
        self.core.make_public(content, public);
        Ok(())
    }

    /// A ticket for a content of the library, with the node's addresses and the content's trackers.
    pub async fn ticket(&self, content: ContentId) -> Result<Ticket, DaemonError> {
        let record = self.core.contents.record(content).ok_or(DaemonError::NoSuchContent(content))?;
        let peers = self.core.node.addresses().await;
        Ok(Ticket { content, peers, rendezvous: self.core.trackers_of(&record) })
    }

    /// The limits that hold now, and whether the schedule says so.
    pub fn limits(&self) -> (Limits, bool) {
        self.core.limits()
    }

    /// Sets the limits for when the schedule says nothing; kept after restarts.
    pub async fn set_limits(&self, limits: Limits) -> Result<(), DaemonError> {
        let set = Some((limits.up, limits.down));
        self.core.change_settings(|settings| std::mem::replace(&mut settings.limits, set) != set).await?;
        self.core.limits_set.notify_one();
        Ok(())
    }

    /// The trackers that every content is registered at.
    pub fn trackers(&self) -> Vec<Multiaddr> {
        self.core.trackers()
    }

    /// Registers every content at one more tracker, also after restarts. `false` if that is so already.
    pub async fn register(&self, tracker: Multiaddr) -> Result<bool, DaemonError> {
        self.trackers_changed(self.core.add_tracker(tracker).await?)
    }

    /// Takes every content out of a tracker. `false` if it was not among those of the daemon.
    pub async fn deregister(&self, tracker: &Multiaddr) -> Result<bool, DaemonError> {
        self.trackers_changed(self.core.take_out_tracker(tracker).await?)
    }

    fn trackers_changed(&self, changed: bool) -> Result<bool, DaemonError> {
        if changed {
            self.alive.spawn(restoring::begin_all_anew(self.core.clone()));
        }
        Ok(changed)
    }

    fn keeper(&self) -> Result<&Arc<Keeper>, DaemonError> {
        self.keeper
            .as_ref()
            .ok_or_else(|| DaemonError::Invalid("this node takes no part in the store".into()))
    }

    /// What is kept here for others, what others keep for this node, and how much was given.
    pub fn store_status(&self) -> Result<StoreStatus, DaemonError> {
        Ok(self.keeper()?.overview())
    }

    /// Has other nodes keep a content of the library, as so many copies and for so long from now on.
    pub fn store(&self, content: ContentId, copies: u8, keep: Duration) -> Result<(), DaemonError> {
        self.keeper()?.store(content, copies, keep)
    }

    /// Has other nodes keep a content of this node no longer.
    pub async fn end_stored(&self, content: ContentId) -> Result<(), DaemonError> {
        self.keeper()?.end(content).await
    }

    /// Who keeps a content, as they say; `None`: nobody that can be asked.
    pub async fn locate_stored(&self, content: ContentId) -> Result<Option<StoreFound>, DaemonError> {
        Ok(self.keeper()?.locate(content).await)
    }

    /// The contents that members keep under a name, by id.
    pub async fn find_stored(&self, name: &str) -> Result<Vec<ContentId>, DaemonError> {
        let found = self.keeper()?.find(name).await;
        Ok(found.into_iter().map(|record| record.content).collect())
    }

    /// Hands over what is kept here for others, before a [`shutdown`](Self::shutdown). Returns what became of it; `None`: this
    /// node takes no part in the store.
    pub async fn leave_store(&self) -> Option<StoreFarewell> {
        match &self.keeper {
            Some(keeper) => Some(keeper.leave().await),
            None => None,
        }
    }

    /// Waits until it shows that another process with this node's key was running before this one. Then this one has to end:
    /// two with one identity would spoil each other's work.
    pub async fn outdone(&self) {
        match &self.keeper {
            Some(keeper) => keeper.rival().await,
            None => std::future::pending().await,
        }
    }

    /// Stops everything in good order.
    pub async fn shutdown(self) {
        self.core.stop.cancel();
        let mut tasks = std::mem::take(&mut *self.alive.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        // One may wait for a disk that does not answer.
        let ended = async { while tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(END_WITHIN, ended).await;
        let learned = self.core.contents.learned();
        let peers = remembering::change(&self.core);
        self.core.node.clone().shutdown().await;
        let core = self.core.clone();
        let close = move || {
            let saved = learned.into_iter().map(|(content, source)| Change::Source(content, source.save()));
            if let Err(error) = core.library.commit_blocking(saved.chain(peers).collect()) {
                tracing::warn!(%error, "what was hashed has to be hashed again after a restart");
            }
            core.close();
        };
        // Err would be a panic; there is nothing left to do then.
        let _ = tokio::task::spawn_blocking(close).await;
    }
}

fn open(data: Option<&Path>) -> Result<(Option<DataFolder>, Library, Saved), DaemonError> {
    let folder = data.map(DataFolder::take).transpose()?;
    let (library, saved) = Library::open(folder.as_ref().map(DataFolder::path))?;
    Ok((folder, library, saved))
}
