//! Folders of which each file and folder is shared under its own name, also what comes into them later.
//!
//! What is to be shared is decided by [`Seen`], which is told what lies in the folders. What this is not: it notices no
//! changes inside of what is shared; the daemon does, if it is told to watch.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use futures::stream;
use shoal_api::Client;
use shoal_api::model::{ImportStateInfo, Share};
use shoal_printable::Printable;

use super::error::CliError;
use super::library;

/// Between two looks into the folders.
pub(super) const PAUSE: Duration = Duration::from_secs(2);
/// How often an import is asked how far it is.
const LOOK: Duration = Duration::from_millis(100);
/// Entries that are shared at a time: each asks the node on a connection of its own.
const AT_ONCE: usize = 32;
/// Entries of one folder that are shared.
const MOST: usize = 10_000;
/// How a part of a download ends.
const PART: &str = ".part";

/// What tells whether something is still being written.
type Stamp = (u64, Option<SystemTime>);

/// What was seen in the folders, and what of it is shared.
#[derive(Debug, Default)]
struct Seen {
    waiting: BTreeMap<PathBuf, Stamp>,
    taken: BTreeSet<PathBuf>,
}

impl Seen {
    /// What is to be shared now: what is not yet, and either stands as it did at the last look, or is wanted `at_once`.
    fn look(&mut self, there: BTreeMap<PathBuf, Stamp>, at_once: bool) -> Vec<PathBuf> {
        self.taken.retain(|path| there.contains_key(path));
        let new: BTreeMap<PathBuf, Stamp> =
            there.into_iter().filter(|(path, _)| !self.taken.contains(path)).collect();
        let rests = |path: &PathBuf, stamp: &Stamp| at_once || self.waiting.get(path) == Some(stamp);
        let due: Vec<PathBuf> =
            new.iter().filter(|(path, stamp)| rests(path, stamp)).map(|(path, _)| path.clone()).collect();
        self.waiting = new;
        for path in &due {
            self.waiting.remove(path);
            self.taken.insert(path.clone());
        }
        due
    }

    /// It could not be shared; the next look tries again if it has changed by then, or is told to.
    fn failed(&mut self, path: &Path) {
        self.taken.remove(path);
    }
}

/// Folders whose entries are shared.
pub(super) struct ShareDirs {
    dirs: Vec<PathBuf>,
    seen: Seen,
}

impl ShareDirs {
    /// These folders; relative ones are those of the process now.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub(super) fn new(dirs: &[PathBuf]) -> Result<Self, CliError> {
        let mut absolute = vec![];
        for dir in dirs {
            let read = std::path::absolute(dir).and_then(|dir| std::fs::read_dir(&dir).map(|_| dir));
            absolute.push(read.map_err(|error| {
                CliError::from(anyhow::anyhow!(
                    "cannot share '{}': {error}",
                    Printable(&dir.to_string_lossy())
                ))
            })?);
        }
        Ok(Self { dirs: absolute, seen: Seen::default() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.dirs.is_empty()
    }

    /// Looks into the folders, and shares what is new there. Returns what could not be shared, in words.
    pub(super) async fn look(&mut self, client: &Client, at_once: bool) -> Result<Vec<String>, CliError> {
        let dirs = self.dirs.clone();
        let (there, mut words) =
            tokio::task::spawn_blocking(move || list(&dirs)).await.map_err(anyhow::Error::from)?;
        let due = self.seen.look(there, at_once);
        if due.is_empty() {
            return Ok(words);
        }
        // A node with a data folder has shared it before.
        let known: BTreeSet<PathBuf> = library::contents(client)
            .await?
            .into_iter()
            .filter(|it| it.shared)
            .flat_map(|it| it.paths)
            .collect();
        let due: Vec<PathBuf> = due.into_iter().filter(|path| !known.contains(path)).collect();
        // They are owned: what borrows them could not be sent to another thread.
        let shared = due.into_iter().map(|path| share_named(client, path));
        let mut shared = stream::iter(shared).buffer_unordered(AT_ONCE);
        while let Some((path, result)) = shared.next().await {
            if let Err(why) = result {
                self.seen.failed(&path);
                words.push(format!("'{}' is not shared: {why}", Printable(&path.to_string_lossy())));
            }
        }
        Ok(words)
    }
}

/// What lies in the folders, and what could not be read.
fn list(dirs: &[PathBuf]) -> (BTreeMap<PathBuf, Stamp>, Vec<String>) {
    let (mut there, mut words) = (BTreeMap::new(), vec![]);
    for dir in dirs {
        if let Err(error) = add(dir, &mut there) {
            words.push(format!("'{}' cannot be read: {error}", Printable(&dir.to_string_lossy())));
        }
    }
    (there, words)
}

fn add(dir: &Path, there: &mut BTreeMap<PathBuf, Stamp>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)?.take(MOST) {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type()?;
        if name.starts_with('.') || name.ends_with(PART) || !(kind.is_file() || kind.is_dir()) {
            continue;
        }
        // It may have gone in this moment.
        if let Ok(meta) = entry.metadata() {
            there.insert(entry.path(), (meta.len(), meta.modified().ok()));
        }
    }
    Ok(())
}

async fn share_named(client: &Client, path: PathBuf) -> (PathBuf, Result<(), String>) {
    let shared = share(client, &path).await;
    (path, shared)
}

/// Shares one file or folder, with its name told to trackers and peers, and waits until it is.
async fn share(client: &Client, path: &Path) -> Result<(), String> {
    let share = Share {
        paths: vec![path.to_owned()],
        skip_unsafe: true,
        public: true,
        publish: true,
        ..Share::default()
    };
    let mut import = client.share(&share).await.map_err(|error| error.to_string())?;
    loop {
        match import.state {
            ImportStateInfo::Done { .. } => return Ok(()),
            ImportStateInfo::Failed { why } => return Err(why),
            ImportStateInfo::Queued | ImportStateInfo::Hashing { .. } => {}
        }
        tokio::time::sleep(LOOK).await;
        import = client.import(import.id).await.map_err(|error| error.to_string())?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(entries: &[(&str, u64)]) -> BTreeMap<PathBuf, Stamp> {
        entries.iter().map(|(name, size)| (PathBuf::from(name), (*size, None))).collect()
    }

    #[test]
    fn what_is_still_written_waits_and_nothing_is_shared_twice() {
        let mut seen = Seen::default();
        assert!(seen.look(there(&[("a", 1)]), false).is_empty());
        assert!(seen.look(there(&[("a", 2)]), false).is_empty(), "it grows");
        assert_eq!(seen.look(there(&[("a", 2), ("b", 1)]), false), [PathBuf::from("a")]);
        assert_eq!(seen.look(there(&[("a", 2), ("b", 2)]), true), [PathBuf::from("b")]);
        assert!(seen.look(there(&[("a", 9), ("b", 2)]), true).is_empty());
    }

    #[test]
    fn what_failed_or_came_back_is_tried_again() {
        let mut seen = Seen::default();
        assert_eq!(seen.look(there(&[("a", 1)]), true).len(), 1);
        seen.failed(Path::new("a"));
        assert_eq!(seen.look(there(&[("a", 1)]), true).len(), 1);
        assert!(seen.look(there(&[]), true).is_empty());
        assert_eq!(seen.look(there(&[("a", 1)]), true).len(), 1);
    }

    #[test]
    fn parts_and_hidden_files_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", ".hidden", "b.KEY.part"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        std::fs::create_dir(folder.path().join("d")).unwrap();
        std::os::unix::fs::symlink("a", folder.path().join("link")).unwrap();
        let (there, words) = list(&[folder.path().to_owned(), folder.path().join("none")]);
        let names: Vec<_> = there.keys().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a", "d"]);
        assert_eq!(words.len(), 1);
    }
}
