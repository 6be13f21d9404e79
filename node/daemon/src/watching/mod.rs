//! Watching shared folders.
//!
//! What the system says only tells that something happened; what there is then, a whole import finds out. So
//! it does not matter that events of new folders within new folders get lost.

pub(crate) mod debounce;
pub(crate) mod marks;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::time::Instant;

use self::debounce::Debounce;
use self::marks::{Key, Marks};
use crate::core::Core;

/// A folder that was quiet for so long is imported again.
const QUIET: Duration = Duration::from_secs(2);
/// It is imported again after this long, even if it never rests.
const MOST: Duration = Duration::from_secs(30);

/// Watches what is shared, and has it imported again when it changed.
pub(crate) async fn watch(core: Arc<Core>) {
    let Some(mut watched) = Watched::start(core.marks.clone()) else { return };
    let began = Instant::now();
    let mut debounce = Debounce::new(QUIET, MOST);
    loop {
        let next = async {
            match debounce.next() {
                Some(at) => tokio::time::sleep_until(began + at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = core.watched.notified() => match watched.follow(&core).await {
                Some(same) => watched = same,
                None => return,
            },
            () = core.marks.news.notified() => {
                core.marks.take().into_iter().for_each(|key| debounce.touch(began.elapsed(), key));
            }
            () = next => debounce.due(began.elapsed()).iter().for_each(|key| core.rescan(key)),
        }
    }
}

/// What the system watches for us.
struct Watched {
    marks: Arc<Marks>,
    watcher: RecommendedWatcher,
    keys: BTreeSet<Key>,
    /// Those that cannot be watched, which has been said.
    refused: BTreeSet<Key>,
}

impl Watched {
    fn start(marks: Arc<Marks>) -> Option<Self> {
        let hearing = marks.clone();
        match notify::recommended_watcher(move |heard| hearing.hear(heard)) {
            Ok(watcher) => Some(Self { marks, watcher, keys: BTreeSet::new(), refused: BTreeSet::new() }),
            Err(error) => {
                tracing::warn!(%error, "shared folders cannot be watched; changes are not noticed");
                None
            }
        }
    }

    /// Watches what is shared now, and nothing else. `None` if nothing can be watched any more.
    async fn follow(self, core: &Core) -> Option<Self> {
        let shared = core.contents.shared();
        // What was not watched until now may have changed; without remembered hashes finding out would cost too much.
        let look = core.options.cache.is_some();
        let work = tokio::task::spawn_blocking(move || self.follow_now(shared, look));
        work.await.ok().flatten()
    }

    fn follow_now(mut self, shared: BTreeMap<Key, bool>, look: bool) -> Option<Self> {
        let there = |key: &Key| shared.get(key) == Some(&true);
        if self.keys.iter().any(|key| !there(key)) {
            // Taking one path out would take out paths beneath it that others need.
            let mut anew = Self::start(self.marks.clone())?;
            anew.refused = self.refused;
            self.marks.clear_roots();
            self = anew;
        }
        for (key, _) in shared.iter().filter(|(_, there)| **there) {
            if self.keys.contains(key) {
                continue;
            }
            match self.add(key) {
                Ok(()) => {
                    self.refused.remove(key);
                    if look {
                        self.marks.touch(key.clone());
                    }
                }
                Err((path, error)) => self.refuse(key, &path, &error),
            }
            self.keys.insert(key.clone());
        }
        Some(self)
    }

    fn add(&mut self, key: &Key) -> Result<(), (PathBuf, notify::Error)> {
        for path in key {
            let failed = |error| (path.clone(), error);
            let real = path.canonicalize().map_err(|error| failed(notify::Error::io(error)))?;
            // The root first: what happens from now on is heard.
            self.marks.add_root(real.clone(), key.clone());
            let (watched, mode) = place(&real);
            self.watcher.watch(watched, mode).map_err(failed)?;
        }
        Ok(())
    }

    fn refuse(&mut self, key: &Key, path: &Path, error: &notify::Error) {
        if self.refused.insert(key.clone()) {
            let path = shoal_printable::printable_bytes(path.as_os_str().as_encoded_bytes());
            tracing::warn!(%path, %error, "this shared path is not watched; its changes are not noticed");
        }
    }
}

/// What to watch for a path: a file that is written anew becomes another file under the same name, which only its folder
/// sees.
fn place(path: &Path) -> (&Path, RecursiveMode) {
    match path.parent() {
        Some(parent) if !path.is_dir() => (parent, RecursiveMode::NonRecursive),
        _ => (path, RecursiveMode::Recursive),
    }
}
