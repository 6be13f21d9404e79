//! What follows from what the node tells of its contents.
//!
//! An event only says which content to look at; what the node says of it then counts. So nothing is lost when events
//! are, and an event of something that has been begun anew since does no harm.

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use shoal_content::{ContentId, Manifest};
use shoal_net::{ContentEvent, ContentState, Failure, Finished, Subscription};
use shoal_store::{SavedSource, Selection, Source, TargetError};

use crate::ItemState;
use crate::core::{Core, Heard};
use crate::library::{Change, Record, Standing, Want};
use crate::running::{exists, is_filled};

/// Takes down what the node tells, until the node or the daemon ends.
pub(crate) async fn listen(core: Arc<Core>, mut events: Subscription) {
    loop {
        let heard = tokio::select! {
            () = core.stop.cancelled() => return,
            heard = events.next() => heard,
        };
        match heard {
            None => return,
            Some(shoal_net::Heard::Missed(_)) => {
                core.node.contents().iter().for_each(|status| core.note(status.content, |_| ()));
            }
            Some(shoal_net::Heard::Event(event)) => match event.event {
                ContentEvent::Manifest { name, size, .. } => {
                    core.note(event.content, |heard| heard.manifest = Some((name, size)));
                }
                ContentEvent::Withdrawn(_) => core.note(event.content, |heard| heard.withdrawn = true),
                ContentEvent::Finished(_) | ContentEvent::GoalReached(_) | ContentEvent::Ended => {
                    core.note(event.content, |_| ());
                }
                _ => {}
            },
        }
    }
}

/// Looks at the contents of which the node told something, one after another.
pub(crate) async fn look(core: Arc<Core>) {
    loop {
        match core.next_heard() {
            Some((content, heard)) => core.look_at(content, heard).await,
            None => tokio::select! {
                () = core.stop.cancelled() => return,
                () = core.heard_news.notified() => {}
            },
        }
    }
}

impl Core {
    async fn look_at(&self, content: ContentId, heard: Heard) {
        let Some(gate) = self.contents.gate(content) else { return };
        let _one = gate.lock().await;
        let Some(handle) = self.node.content(content) else { return };
        let Some(status) = handle.status() else { return };
        let told = status.progress.name.map(|name| (name, status.progress.size));
        if let Some((name, size)) = heard.manifest.or(told) {
            self.learn(content, name, size).await;
        }
        match handle.finished().now_or_never() {
            Some(Ok(finished)) => self.completed(content, finished).await,
            Some(Err(failure)) => return self.failed(content, &failure).await,
            None => {}
        }
        if status.state == ContentState::Ended {
            self.change_record(content, |record| record.standing = Standing::Ended).await;
            self.halt_gated(content, ItemState::Ended).await;
        } else if heard.withdrawn {
            self.look_for_files(content).await;
        }
    }

    /// Changes a record and writes it down.
    async fn change_record(&self, content: ContentId, change: impl FnOnce(&mut Record)) {
        let changed = self.contents.change(content, |entry| {
            change(&mut entry.record);
            entry.record.clone()
        });
        let Some(record) = changed else { return };
        self.write(vec![Change::Record(content, Box::new(record))]).await;
    }

    /// Writes down what nobody waits for. What is not written is found out again after a restart.
    async fn write(&self, changes: Vec<Change>) {
        if let Err(error) = self.library.commit(changes).await
            && !self.stop.is_cancelled()
        {
            tracing::error!(%error, "what has changed is not in the library after a restart");
        }
    }

    async fn learn(&self, content: ContentId, name: String, size: u64) {
        let is_news = self.contents.record(content).is_some_and(|record| record.name.as_ref() != Some(&name));
        if is_news {
            self.change_record(content, |record| (record.name, record.size) = (Some(name), size)).await;
        }
    }

    /// A download is complete.
    async fn completed(&self, content: ContentId, finished: Finished) {
        let Some(record) = self.contents.record(content).filter(|record| !record.complete) else { return };
        let Want::Fetch(request) = &record.want else { return };
        let include = request.options.include.clone();
        let work = move || match include.choose(&finished.manifest) {
            Ok(selection) => Some(save(finished.manifest, &finished.path, &selection)),
            Err(_) => None,
        };
        let saved = tokio::task::spawn_blocking(work).await.ok().flatten();
        let changed = self.contents.change(content, |entry| {
            entry.record.complete = true;
            entry.record.clone()
        });
        let record = changed.map(|record| Change::Record(content, Box::new(record)));
        let source = saved.map(|saved| Change::Source(content, saved));
        self.write(record.into_iter().chain(source).collect()).await;
    }

    async fn failed(&self, content: ContentId, failure: &Failure) {
        match failure {
            // Whoever stopped it knows why.
            Failure::Stopped { .. } | Failure::NodeEnded => {}
            // Another program works at the same place, or its end is not over yet.
            Failure::NoPeers { .. } | Failure::Target(TargetError::Busy { .. }) => {
                self.halt_until_retry_gated(content).await;
            }
            Failure::Target(error) => self.failed_at_target(content, error).await,
            other => self.halt_gated(content, ItemState::Failed(other.to_string())).await,
        }
    }

    /// A download cannot be stored. Where its folder is gone, it waits for that.
    async fn failed_at_target(&self, content: ContentId, error: &TargetError) {
        let dir = match self.contents.record(content).map(|record| record.want) {
            Some(Want::Fetch(request)) => request.options.dir,
            _ => return,
        };
        let state = match exists(dir.clone()).await {
            true => ItemState::Failed(error.to_string()),
            false => ItemState::Waiting { path: dir },
        };
        self.halt_gated(content, state).await;
    }

    /// A file of a content has changed or vanished. If nothing is left where it lies, the content waits until it is back.
    async fn look_for_files(&self, content: ContentId) {
        let Some(record) = self.contents.record(content) else { return };
        let paths = match (record.want, record.name) {
            (Want::Share(request), _) => request.paths,
            (Want::Fetch(request), Some(name)) => vec![request.options.dir.join(name)],
            (Want::Fetch(_), None) => return,
        };
        let look = move || paths.into_iter().find(|path| !is_filled(path));
        if let Ok(Some(path)) = tokio::task::spawn_blocking(look).await {
            self.halt_gated(content, ItemState::Waiting { path }).await;
        }
    }
}

/// What it takes to serve a download again.
fn save(manifest: Arc<Manifest>, path: &Path, selection: &Selection) -> SavedSource {
    Source::placed(manifest, path, selection).save()
}
