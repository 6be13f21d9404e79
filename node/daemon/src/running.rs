//! Beginning and ending what the node does for a content.
//!
//! What always holds: whoever begins or ends something for a content holds its gate; the node has the contents for which
//! something is done, and no others.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use shoal_content::ContentId;
use shoal_engine::Topology;
use shoal_net::{ContentHandle, Failure, FetchOptions, ServeOptions};
use shoal_store::{ChunkStore, ReopenError, Source};

use crate::ItemState;
use crate::core::Core;
use crate::library::{Record, Standing, Want};

/// What became of beginning.
enum Begun {
    /// With what it is served from, if that is open already.
    Running(ContentHandle, Option<Arc<Source>>),
    /// Its files are not there.
    Waiting(PathBuf),
    /// They have to be hashed first.
    Hashing,
}

impl Core {
    /// Does for a content what is to be done for it.
    pub(crate) async fn begin(&self, content: ContentId) -> Result<(), Arc<Failure>> {
        let Some(gate) = self.contents.gate(content) else { return Ok(()) };
        let _one = gate.lock().await;
        self.begin_gated(content).await
    }

    /// As [`begin`](Self::begin), for who holds the gate.
    pub(crate) async fn begin_gated(&self, content: ContentId) -> Result<(), Arc<Failure>> {
        let Some(record) = self.contents.record(content) else { return Ok(()) };
        let idle = record.standing != Standing::Active || self.stop.is_cancelled();
        if idle || self.node.content(content).is_some() {
            return Ok(());
        }
        let begun = match (&record.want, record.complete) {
            (Want::Fetch(request), false) => self.fetch(&record, &request.options).await,
            _ => self.serve_again(content, &record).await,
        };
        self.note_begun(content, begun)
    }

    fn note_begun(&self, content: ContentId, begun: Result<Begun, Failure>) -> Result<(), Arc<Failure>> {
        let result = match begun {
            Ok(Begun::Running(handle, source)) => {
                self.contents.change(content, |entry| entry.started(handle.progress(), source));
                Ok(())
            }
            Ok(Begun::Waiting(path)) => {
                self.contents.change(content, |entry| entry.waits_for(path, Instant::now()));
                Ok(())
            }
            Ok(Begun::Hashing) => Ok(()),
            Err(failure) => {
                let state = ItemState::Failed(failure.to_string());
                self.contents.change(content, |entry| entry.stopped(state));
                Err(Arc::new(failure))
            }
        };
        self.watched.notify_one();
        result
    }

    /// Serves a content from a source that is open, for who holds its gate.
    pub(crate) fn serve_gated(
        &self,
        content: ContentId,
        record: &Record,
        source: Arc<Source>,
    ) -> Result<(), Arc<Failure>> {
        let served = self.serve(record, source);
        self.note_begun(content, served)
    }

    fn serve(&self, record: &Record, source: Arc<Source>) -> Result<Begun, Failure> {
        let handle = self.node.serve(source.clone(), self.serve_options(record))?;
        Ok(Begun::Running(handle, Some(source)))
    }

    /// Ends what the node does for a content, for who holds its gate, and says what it is from now on.
    pub(crate) async fn halt_gated(&self, content: ContentId, state: ItemState) {
        if let Some(handle) = self.node.content(content) {
            handle.remove().await;
        }
        self.contents.change(content, |entry| entry.stopped(state));
        self.watched.notify_one();
    }

    /// As [`halt_gated`](Self::halt_gated), for a download that found nobody to ask.
    pub(crate) async fn halt_until_retry_gated(&self, content: ContentId) {
        self.halt_gated(content, ItemState::Running).await;
        self.contents.change(content, |entry| entry.retry_later(Instant::now()));
    }

    /// Ends and begins again what is done for a content, so that new options take effect.
    pub(crate) async fn begin_anew(&self, content: ContentId) {
        let Some(gate) = self.contents.gate(content) else { return };
        let _one = gate.lock().await;
        self.contents.change(content, |entry| entry.hope(Instant::now()));
        if let Some(handle) = self.node.content(content) {
            handle.remove().await;
            // A failure is the content's state.
            let _ = self.begin_gated(content).await;
        }
    }

    /// Tells peers that ask of a content, or does not any more.
    pub(crate) fn make_public(&self, content: ContentId, public: bool) {
        if let Some(handle) = self.node.content(content) {
            handle.set_public(public);
        }
    }

    async fn fetch(&self, record: &Record, options: &FetchOptions) -> Result<Begun, Failure> {
        let dir = options.dir.clone();
        // It was there when the download was asked for. Making it now would fill the disk beneath a missing mount.
        if !exists(dir.clone()).await {
            return Ok(Begun::Waiting(dir));
        }
        let handle = self.node.fetch(self.fetch_options(record, options))?;
        Ok(Begun::Running(handle, None))
    }

    async fn serve_again(&self, content: ContentId, record: &Record) -> Result<Begun, Failure> {
        match self.reopen(content).await {
            Some(Ok(source)) => self.serve(record, Arc::new(source)),
            Some(Err(ReopenError::Missing { path } | ReopenError::Io { path, .. })) => {
                Ok(Begun::Waiting(path))
            }
            Some(Err(error)) => {
                tracing::warn!(%content, %error, "it is hashed again");
                self.hash_again(content, record).await
            }
            None => self.hash_again(content, record).await,
        }
    }

    /// Opens what was saved of a complete content; `None` if there is nothing.
    async fn reopen(&self, content: ContentId) -> Option<Result<Source, ReopenError>> {
        let saved = match self.library.source(content).await {
            Ok(saved) => saved?,
            Err(error) => {
                tracing::warn!(%content, %error, "what was saved of a content cannot be read");
                return None;
            }
        };
        let opened = tokio::task::spawn_blocking(move || Source::reopen(&saved)).await.ok()?;
        Some(opened.and_then(|source| match source.manifest().id() == content {
            true => Ok(source),
            false => Err(ReopenError::Damaged("it is that of another content".into())),
        }))
    }

    /// Nothing usable was saved of a complete content.
    async fn hash_again(&self, content: ContentId, record: &Record) -> Result<Begun, Failure> {
        match &record.want {
            Want::Share(request) => {
                self.queue.rescan(request.clone());
                Ok(Begun::Hashing)
            }
            Want::Fetch(request) => {
                self.contents.change(content, |entry| entry.record.complete = false);
                self.fetch(record, &request.options).await
            }
        }
    }

    fn serve_options(&self, record: &Record) -> ServeOptions {
        let (trackers, public) = (self.trackers_of(record), record.is_public());
        match &record.want {
            Want::Share(request) => ServeOptions {
                trackers,
                publish: request.publish,
                goal: request.goal,
                public,
                tracker_only: false,
            },
            Want::Fetch(request) => {
                // Who only wanted to take does not register.
                let registers = request.options.topology != Topology::Star;
                let trackers = if registers { trackers } else { Vec::new() };
                ServeOptions {
                    trackers,
                    publish: false,
                    goal: request.options.goal,
                    public,
                    tracker_only: !registers,
                }
            }
        }
    }

    fn fetch_options(&self, record: &Record, options: &FetchOptions) -> FetchOptions {
        FetchOptions {
            trackers: self.trackers_of(record),
            public: record.is_public(),
            cache: options.cache.clone().or_else(|| self.options.cache.clone()),
            // In a daemon a download waits without end.
            wait: Some(Duration::MAX),
            ..options.clone()
        }
    }
}

/// Whether something is at a path, looked at from a thread that may block.
pub(crate) async fn exists(path: PathBuf) -> bool {
    tokio::task::spawn_blocking(move || path.exists()).await.unwrap_or(false)
}

/// Whether a path leads to a file, or to a folder with something in it, as a mounted disk is; may block.
pub(crate) fn is_filled(path: &Path) -> bool {
    match std::fs::read_dir(path) {
        Ok(mut folder) => folder.next().is_some(),
        Err(_) => path.is_file(),
    }
}
