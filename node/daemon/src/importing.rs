//! Hashing what is to be shared, one after another: each uses all cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shoal_content::{Chunker, ContentId};
use shoal_store::{
    ChunkStore, ImportError, ImportOptions, ImportProgress, Imported, SavedSource, SkippedList, Source,
    import,
};

use crate::core::Core;
use crate::library::{Change, Record, Standing, Want};
use crate::queue::{Cause, Task};
use crate::{DaemonError, DaemonEvent, ImportState, ItemState, ShareRequest};

/// How often something is hashed again that changes meanwhile, before that is an error.
const TRIES: u32 = 3;
/// How long to wait before that.
const TRY_AFTER: Duration = Duration::from_secs(1);

/// Imports what is in the queue, until the daemon ends.
pub(crate) async fn run(core: Arc<Core>) {
    loop {
        let task = tokio::select! {
            () = core.stop.cancelled() => return,
            task = core.queue.next() => task,
        };
        let hashed = hash(&core, &task).await;
        let id = task.id;
        if let Some(state) = core.hashed(task, hashed).await {
            core.queue.set(id, state);
        }
    }
}

/// Hashes. What changes meanwhile is hashed again, a few times.
async fn hash(core: &Arc<Core>, task: &Task) -> Result<(Imported, SavedSource), ImportError> {
    let mut tries = 1;
    loop {
        match hash_once(core, task).await {
            Err(ImportError::Changed { .. }) if tries < TRIES => tries += 1,
            done => return done,
        }
        tokio::select! {
            () = core.stop.cancelled() => return Err(ImportError::Cancelled),
            () = tokio::time::sleep(TRY_AFTER) => {}
        }
    }
}

/// The chunker of what was shared from the same paths before, so that a folder that has grown keeps its chunks.
fn chunker_before(core: &Core, request: &ShareRequest) -> Option<Chunker> {
    let before = core.contents.ids(|entry| entry.shared_paths() == Some(&request.paths));
    before.iter().find_map(|content| Some(core.node.store_of(content)?.manifest().root().chunker))
}

async fn hash_once(core: &Arc<Core>, task: &Task) -> Result<(Imported, SavedSource), ImportError> {
    let request = &task.request;
    let options = ImportOptions {
        paths: request.paths.clone(),
        name: request.name.clone(),
        chunker: request.chunker.or_else(|| chunker_before(core, request)),
        cache: core.options.cache.clone(),
        skip_unsafe: request.skip_unsafe,
    };
    let cancel = Arc::new(AtomicBool::new(false));
    let (told, cancelled, id) = (core.clone(), cancel.clone(), task.id);
    let mut work = tokio::task::spawn_blocking(move || {
        let progress = |it: ImportProgress| {
            told.queue.set(id, ImportState::Hashing { done: it.bytes_done, total: it.bytes_total });
        };
        let imported = import(&options, &progress, &cancelled)?;
        let saved = imported.source.save();
        Ok((imported, saved))
    });
    let done = tokio::select! {
        done = &mut work => done,
        () = core.stop.cancelled() => {
            cancel.store(true, Ordering::Relaxed);
            work.await
        }
    };
    done.unwrap_or(Err(ImportError::Cancelled))
}

impl Core {
    /// What follows from an import; `None`: it is not over.
    async fn hashed(
        &self,
        task: Task,
        hashed: Result<(Imported, SavedSource), ImportError>,
    ) -> Option<ImportState> {
        let error = match hashed {
            Ok((imported, saved)) => return Some(self.imported(task, imported, saved).await),
            Err(ImportError::Cancelled) => return None,
            Err(ImportError::NotFound(path)) if task.cause == Cause::Restored => {
                tracing::info!("what was to be shared is not there yet: {}", show(&path));
                self.queue.park(task);
                return None;
            }
            Err(error) => error,
        };
        if task.cause == Cause::Rescan {
            self.rescan_failed(&task.request, &error).await;
        } else if let Err(error) = self.library.commit(vec![Change::ShareDone(task.id.0)]).await {
            tracing::error!(%error, "an import that failed is tried again after a restart");
        }
        Some(ImportState::Failed(error.to_string()))
    }

    async fn rescan_failed(&self, request: &ShareRequest, error: &ImportError) {
        for content in self.contents.ids(|entry| entry.shared_paths() == Some(&request.paths)) {
            let Some(gate) = self.contents.gate(content) else { continue };
            let _one = gate.lock().await;
            match error {
                ImportError::NotFound(path) => {
                    self.halt_gated(content, ItemState::Waiting { path: path.clone() }).await;
                }
                ImportError::Changed { .. } => self.marks.touch(request.paths.clone()),
                // What did not change is served as before.
                _ if self.node.content(content).is_some() => {
                    tracing::warn!(%content, %error, "a shared folder has changed and cannot be shared as it is now");
                }
                _ => self.halt_gated(content, ItemState::Failed(error.to_string())).await,
            }
        }
    }

    async fn imported(&self, task: Task, imported: Imported, saved: SavedSource) -> ImportState {
        let content = imported.source.manifest().id();
        match self.adopt(task, imported.source, saved).await {
            Ok(()) => ImportState::Done { content, skipped: words(&imported.skipped) },
            Err(error) => ImportState::Failed(error.to_string()),
        }
    }

    /// Takes what was hashed into the library and serves it, in place of what was shared from the same paths.
    async fn adopt(&self, task: Task, source: Source, saved: SavedSource) -> Result<(), DaemonError> {
        let content = source.manifest().id();
        let paths = task.request.paths.clone();
        let old = self.contents.ids(|entry| entry.shared_paths() == Some(&paths));
        if task.cause == Cause::Rescan && !self.is_wanted(&old) {
            // It was removed or paused meanwhile.
            return Ok(());
        }
        let record = self.record_of(&task, content, &old, &source);
        let old: Vec<ContentId> = old.into_iter().filter(|it| *it != content).collect();
        let is_new = self.contents.insert(content, record.clone());
        let Some(gate) = self.contents.gate(content) else { return Ok(()) };
        let one = gate.lock().await;
        let mut changes =
            vec![Change::Record(content, Box::new(record.clone())), Change::Source(content, saved)];
        changes.extend(old.iter().map(|old| Change::Forget(*old)));
        changes.push(Change::ShareDone(task.id.0));
        if let Err(error) = self.library.commit(changes).await {
            if is_new {
                self.contents.remove(content);
            }
            return Err(error);
        }
        let unchanged = task.cause == Cause::Rescan && !is_new && self.node.content(content).is_some();
        self.contents.change(content, |entry| entry.record = record.clone());
        let served = if unchanged { Ok(()) } else { self.serve_anew(content, &record, source).await };
        drop(one);
        if is_new && old.is_empty() {
            self.tell(DaemonEvent::Added { content });
        }
        for old in old {
            self.replace(old, content).await;
        }
        Ok(served?)
    }

    /// What is written down of what was hashed.
    fn record_of(&self, task: &Task, content: ContentId, old: &[ContentId], source: &Source) -> Record {
        let known = |content: &ContentId| self.contents.record(*content);
        let before = known(&content).or_else(|| old.iter().find_map(known));
        let asked = Want::Share(task.request.clone());
        let want = match &before {
            // Options may have been changed since it was put into the queue.
            Some(Record { want: Want::Share(request), .. })
                if task.cause == Cause::Rescan && request.paths == task.request.paths =>
            {
                Want::Share(request.clone())
            }
            _ => asked.clone(),
        };
        let mut record = before.unwrap_or_else(|| Record::new(asked));
        let root = source.manifest().root();
        (record.want, record.standing, record.complete) = (want, Standing::Active, true);
        (record.name, record.size) = (Some(root.name.to_string()), root.size);
        record
    }

    /// Whether something is still to be done for one of these, or was until its files were missing.
    fn is_wanted(&self, contents: &[ContentId]) -> bool {
        let is_active = |content: &ContentId| {
            self.contents.record(*content).is_some_and(|record| record.standing == Standing::Active)
        };
        contents.iter().any(is_active)
    }

    async fn serve_anew(
        &self,
        content: ContentId,
        record: &Record,
        source: Source,
    ) -> Result<(), Arc<shoal_net::Failure>> {
        self.halt_gated(content, ItemState::Running).await;
        self.serve_gated(content, record, Arc::new(source))
    }

    async fn replace(&self, old: ContentId, new: ContentId) {
        let Some(gate) = self.contents.gate(old) else { return };
        let _one = gate.lock().await;
        self.halt_gated(old, ItemState::Ended).await;
        self.contents.remove(old);
        tracing::info!(%old, %new, "what is shared has changed");
        self.tell(DaemonEvent::Replaced { old, new });
    }
}

fn words(skipped: &SkippedList) -> Vec<String> {
    let named = skipped.named.iter().map(ToString::to_string);
    let more = skipped.more_than(skipped.named.len());
    named.chain((more > 0).then(|| format!("and {more} more"))).collect()
}

fn show(path: &std::path::Path) -> String {
    shoal_printable::printable_bytes(path.as_os_str().as_encoded_bytes())
}
