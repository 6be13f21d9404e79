//! The contents of a node: what each is here for, whether anything is done for it, and how far that is.
//!
//! What always holds: a content that is listed as running has a task, and one that is not has none; when a task ends,
//! in whatever way, its content says so and a listener hears of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shoal_content::ContentId;
use shoal_engine::{Affairs, Situation};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::activity::ActivityKind;
use crate::job::{ContentEvent, Failure, Intent, Job, Outcome, Parting, Phase, Progress, Report};
use crate::parts::NodeParts;

/// Whether anything is done for a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentState {
    /// It is fetched or served.
    Running,
    /// It was paused.
    Paused,
    /// It has failed, or its goal is reached.
    Ended,
}

/// A content in a list.
#[derive(Debug, Clone)]
pub struct ContentStatus {
    /// Which content.
    pub content: ContentId,
    /// Whether anything is done for it.
    pub state: ContentState,
    /// How far it is, as told last.
    pub progress: Progress,
}

struct Running {
    stop: CancellationToken,
    /// Ends after the content's task, whatever became of that.
    supervisor: JoinHandle<()>,
}

struct Entry {
    intent: Intent,
    state: ContentState,
    progress: watch::Sender<Progress>,
    outcome: watch::Sender<Outcome>,
    parting: Parting,
    running: Option<Running>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.stop.cancel();
        }
    }
}

/// What a handle of a content follows.
pub(crate) struct Followed {
    pub(crate) progress: watch::Receiver<Progress>,
    pub(crate) outcome: watch::Receiver<Outcome>,
}

/// All contents of a node.
pub(crate) struct Catalogue {
    parts: NodeParts,
    entries: Arc<Mutex<BTreeMap<ContentId, Entry>>>,
}

type Entries = BTreeMap<ContentId, Entry>;

fn lock(entries: &Mutex<Entries>) -> MutexGuard<'_, Entries> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Catalogue {
    pub(crate) fn new(parts: NodeParts) -> Self {
        Self { parts, entries: Arc::default() }
    }

    /// Adds a content and begins with it.
    pub(crate) fn add(&self, content: ContentId, intent: Intent) -> Result<Followed, Failure> {
        let mut entries = lock(&self.entries);
        if entries.contains_key(&content) {
            return Err(Failure::Busy);
        }
        // What is served from the start looks for nothing, also before its task says so.
        let phase = if matches!(intent, Intent::Serve { .. }) { Phase::Serving } else { Phase::default() };
        let mut entry = Entry {
            intent,
            state: ContentState::Running,
            progress: watch::Sender::new(Progress { phase, ..Progress::default() }),
            outcome: watch::Sender::new(None),
            parting: Parting::default(),
            running: None,
        };
        self.begin(content, &mut entry)?;
        let followed = entry.follow();
        entries.insert(content, entry);
        self.note(content, ActivityKind::Added);
        Ok(followed)
    }

    fn note(&self, content: ContentId, what: ActivityKind) {
        self.parts.activity.tell(None, Some(content), || what);
    }

    fn begin(&self, content: ContentId, entry: &mut Entry) -> Result<(), Failure> {
        entry.outcome.send_replace(None);
        let (progress, outcome) = (entry.progress.clone(), entry.outcome.clone());
        entry.parting = Parting::default();
        let report =
            Report::new(content, progress, outcome, entry.parting.clone(), self.parts.events.clone());
        let job = Job::new(self.parts.clone(), content, entry.intent.clone(), report)?;
        let stop = CancellationToken::new();
        let task =
            tokio::spawn(job.run(stop.clone()).instrument(tracing::error_span!("content", id = %content)));
        let supervisor = tokio::spawn(self.supervisor(content, task, entry.outcome.clone()));
        entry.state = ContentState::Running;
        entry.running = Some(Running { stop, supervisor });
        Ok(())
    }

    /// Waits for the end of a content's task, and sees to it that the end is told.
    fn supervisor(
        &self,
        content: ContentId,
        task: JoinHandle<()>,
        outcome: watch::Sender<Outcome>,
    ) -> impl Future<Output = ()> + use<> {
        let entries = Arc::downgrade(&self.entries);
        let (events, activity) = (self.parts.events.clone(), self.parts.activity.clone());
        async move {
            if let Err(panic) = task.await {
                tracing::error!(%content, %panic, "the task of a content broke off");
                activity.tell(None, Some(content), || ActivityKind::Failed { why: panic.to_string() });
                let failure = Err(Arc::new(Failure::Panicked(panic)));
                outcome.send_if_modified(|known| {
                    let first = known.is_none();
                    known.get_or_insert_with(|| failure.clone());
                    first
                });
                events.tell(content, ContentEvent::Finished(failure));
            }
            if let Some(entries) = entries.upgrade()
                && let Some(entry) = lock(&entries).get_mut(&content)
            {
                entry.running = None;
                if entry.state == ContentState::Running {
                    entry.state = ContentState::Ended;
                }
            }
            events.tell(content, ContentEvent::Ended);
        }
    }

    /// Stops what is done for a content, and waits for that. `false` if the content is not here.
    pub(crate) async fn pause(&self, content: ContentId) -> bool {
        let running = match lock(&self.entries).get_mut(&content) {
            Some(entry) => {
                entry.state = ContentState::Paused;
                self.note(content, ActivityKind::Paused);
                entry.running.take()
            }
            None => return false,
        };
        end(running).await;
        true
    }

    /// Begins again with a content. `Ok(false)` if the content is not here.
    pub(crate) fn resume(&self, content: ContentId) -> Result<bool, Failure> {
        match lock(&self.entries).get_mut(&content) {
            Some(entry) if entry.running.is_some() => Ok(true),
            Some(entry) => {
                self.begin(content, entry)?;
                self.note(content, ActivityKind::Resumed);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Stops and forgets a content; waits for that. `false` if it is not here.
    pub(crate) async fn remove(&self, content: ContentId) -> bool {
        let removed = lock(&self.entries).remove(&content);
        let known = removed.is_some();
        if known {
            self.note(content, ActivityKind::Removed);
        }
        end(removed.and_then(|mut entry| entry.running.take())).await;
        known
    }

    /// Begins to stop and to forget a content.
    pub(crate) fn remove_soon(&self, content: ContentId) {
        if lock(&self.entries).remove(&content).is_some() {
            self.note(content, ActivityKind::Removed);
        }
    }

    /// Begins to stop what is done for a content.
    pub(crate) fn cancel(&self, content: ContentId) {
        if let Some(Entry { running: Some(running), .. }) = lock(&self.entries).get(&content) {
            running.stop.cancel();
        }
    }

    /// Stops and forgets everything; waits for that.
    pub(crate) async fn clear(&self) {
        let all = std::mem::take(&mut *lock(&self.entries));
        futures::future::join_all(all.into_values().map(|mut entry| end(entry.running.take()))).await;
    }

    /// What is known of a content for which nothing is done, or will be once its task has taken leave; `None` of others.
    pub(crate) fn rest(&self, content: ContentId) -> Option<Situation> {
        let entries = lock(&self.entries);
        let entry = entries.get(&content)?;
        let has_failed = matches!(&*entry.outcome.borrow(), Some(Err(_)));
        (has_failed || entry.running.is_none()).then(|| entry.rest())
    }

    /// Tells peers that ask what is shared here of a content, or not; also when it is resumed. `false` if it is not here.
    pub(crate) fn set_public(&self, content: ContentId, public: bool) -> bool {
        let mut entries = lock(&self.entries);
        let Some(entry) = entries.get_mut(&content) else { return false };
        entry.intent.set_public(public);
        self.parts.library.set_public(&content, public);
        true
    }

    pub(crate) fn follow(&self, content: ContentId) -> Option<Followed> {
        lock(&self.entries).get(&content).map(Entry::follow)
    }

    pub(crate) fn status(&self, content: ContentId) -> Option<ContentStatus> {
        lock(&self.entries).get(&content).map(|entry| entry.status(content))
    }

    pub(crate) fn list(&self) -> Vec<ContentStatus> {
        lock(&self.entries).iter().map(|(content, entry)| entry.status(*content)).collect()
    }
}

impl Entry {
    /// What is known while nothing is done for it.
    fn rest(&self) -> Situation {
        let affairs = match (self.state, &*self.outcome.borrow()) {
            (ContentState::Paused, _) => Affairs::Paused,
            (_, Some(Err(failure))) if matches!(**failure, Failure::NoPeers { .. }) => {
                let parting = self.parting.lock().unwrap_or_else(PoisonError::into_inner);
                return parting.clone().unwrap_or_default();
            }
            (_, Some(Err(failure))) => return failure.situation(),
            _ => Affairs::Ended,
        };
        Situation { affairs, ..Situation::default() }
    }

    fn follow(&self) -> Followed {
        Followed { progress: self.progress.subscribe(), outcome: self.outcome.subscribe() }
    }

    fn status(&self, content: ContentId) -> ContentStatus {
        ContentStatus { content, state: self.state, progress: self.progress.borrow().clone() }
    }
}

async fn end(running: Option<Running>) {
    if let Some(running) = running {
        running.stop.cancel();
        // Err would be a panic of the supervisor, which has nothing that could.
        let _ = running.supervisor.await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shoal_content::Hash;

    use super::*;
    use crate::{Heard, Node, NodeConfig};

    /// Waits for it, but not for ever.
    async fn soon<T>(it: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(20), it).await.expect("within 20 seconds")
    }

    #[tokio::test]
    async fn a_task_that_panics_is_told_of_and_ends_its_content() {
        let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
        let node = Node::start(NodeConfig { listen, ..NodeConfig::default() }).await.unwrap();
        let catalogue = node.catalogue();
        let content = ContentId::from_root_hash(Hash::of(b"x"));
        let (_, mut events) = node.subscribe();
        let outcome = watch::Sender::new(None);
        let task = tokio::spawn(async { panic!("as a bug would") });
        soon(catalogue.supervisor(content, task, outcome.clone())).await;
        assert!(
            matches!(&*outcome.borrow(), Some(Err(failure)) if matches!(**failure, Failure::Panicked(_)))
        );
        let mut heard = Vec::new();
        for _ in 0..2 {
            let Some(Heard::Event(event)) = soon(events.next()).await else { panic!("an event is missing") };
            heard.push(event.event);
        }
        assert!(matches!(&heard[..], [ContentEvent::Finished(Err(_)), ContentEvent::Ended]), "{heard:?}");
    }
}
