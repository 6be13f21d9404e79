//! The library's database: what survives the process.
//!
//! A thread of its own writes, and takes all that waits into one transaction. Reading goes beside it.
//!
//! What this is not: it starts nothing and looks at no file but its own. What always holds: when a commit is told, it is
//! on the disk; commits take effect in the order in which they were asked for; a damaged file is moved aside, never
//! overwritten.

mod disk;
mod record;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use redb::Database;
use shoal_content::ContentId;
use shoal_store::SavedSource;
use tokio::sync::oneshot;

use self::disk::DiskError;
pub(crate) use self::disk::{Saved, SavedStore};
pub(crate) use self::record::{Change, KnownPeer, Record, Settings, Standing, Want};
use crate::DaemonError;

/// Commits that may wait for the disk; further ones wait for their turn to wait.
const WAITING: usize = 1024;
/// The most commits that become one transaction.
const TOGETHER: usize = 256;
/// How the file is called.
const FILE: &str = "library.redb";

type Written = Result<(), Arc<redb::Error>>;

struct Commit {
    changes: Vec<Change>,
    done: Reply,
}

/// Who waits for a commit.
enum Reply {
    Task(oneshot::Sender<Written>),
    Thread(mpsc::Sender<Written>),
}

/// An open library.
pub(crate) struct Library {
    open: Mutex<Option<Open>>,
}

struct Open {
    database: Arc<Database>,
    commits: mpsc::SyncSender<Commit>,
    writer: JoinHandle<()>,
}

impl Library {
    /// Opens the database in a folder, or one in memory, and reads what is kept in memory of it. Blocks.
    pub(crate) fn open(folder: Option<&Path>) -> Result<(Self, Saved), DaemonError> {
        let path = folder.map(|folder| folder.join(FILE));
        let (database, saved) = disk::open(path.as_deref()).map_err(|error| describe(folder, error))?;
        let database = Arc::new(database);
        let (commits, queue) = mpsc::sync_channel(WAITING);
        let written = database.clone();
        let run = move || run(&written, &queue);
        let writer = std::thread::Builder::new().name("library".into()).spawn(run);
        let writer = writer.map_err(|source| describe(folder, DiskError::Io(source)))?;
        Ok((Self { open: Mutex::new(Some(Open { database, commits, writer })) }, saved))
    }

    /// Writes changes; returns once they are on the disk.
    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<(), DaemonError> {
        let commits = self.commits()?;
        let (done, written) = oneshot::channel();
        let commit = Commit { changes, done: Reply::Task(done) };
        let rest = match commits.try_send(commit) {
            Ok(()) => None,
            Err(mpsc::TrySendError::Full(commit)) => Some(commit),
            Err(mpsc::TrySendError::Disconnected(_)) => return Err(closed()),
        };
        if let Some(commit) = rest {
            let sent = tokio::task::spawn_blocking(move || commits.send(commit)).await;
            sent.ok().and_then(Result::ok).ok_or_else(closed)?;
        }
        told(written.await.ok())
    }

    /// As [`commit`](Self::commit), and blocks: for some milliseconds, as a rule.
    pub(crate) fn commit_blocking(&self, changes: Vec<Change>) -> Result<(), DaemonError> {
        let (done, written) = mpsc::channel();
        self.commits()?.send(Commit { changes, done: Reply::Thread(done) }).map_err(|_| closed())?;
        told(written.recv().ok())
    }

    /// What it takes to serve a content again.
    pub(crate) async fn source(&self, content: ContentId) -> Result<Option<SavedSource>, DaemonError> {
        let database = self.with(|open| open.database.clone())?;
        let read = tokio::task::spawn_blocking(move || disk::source(&database, content)).await;
        read.map_err(|_| closed())?.map_err(|error| DaemonError::Library(Arc::new(error)))
    }

    /// Waits until everything is written, and closes the file. Later calls fail. Blocks.
    pub(crate) fn close(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Open { commits, writer, database }) = open {
            drop(commits);
            // Err would be a panic of the writer, which has been told then.
            let _ = writer.join();
            drop(database);
        }
    }

    fn commits(&self) -> Result<mpsc::SyncSender<Commit>, DaemonError> {
        self.with(|open| open.commits.clone())
    }

    fn with<T>(&self, get: impl FnOnce(&Open) -> T) -> Result<T, DaemonError> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(get).ok_or_else(closed)
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        self.close();
    }
}

fn closed() -> DaemonError {
    DaemonError::Library(Arc::new(redb::Error::Io(io::Error::other("the node is shutting down"))))
}

fn told(written: Option<Written>) -> Result<(), DaemonError> {
    written.ok_or_else(closed)?.map_err(DaemonError::Library)
}

/// Writes what comes until nothing can come any more.
fn run(database: &Database, queue: &mpsc::Receiver<Commit>) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(TOGETHER - 1));
        let changes = batch.iter().flat_map(|commit| &commit.changes);
        let written = disk::write(database, changes).map_err(Arc::new);
        if let Err(error) = &written {
            tracing::error!(%error, "the library cannot be written");
        }
        for commit in batch {
            // Err only says that nobody waits for it.
            match commit.done {
                Reply::Task(done) => drop(done.send(written.clone())),
                Reply::Thread(done) => drop(done.send(written.clone())),
            }
        }
    }
}

fn describe(folder: Option<&Path>, error: DiskError) -> DaemonError {
    let path = folder.unwrap_or(Path::new("")).to_owned();
    let data = |source| DaemonError::Data { path, source };
    match error {
        DiskError::Io(source) => data(source),
        DiskError::Damaged(why) => data(io::Error::new(io::ErrorKind::InvalidData, why)),
        DiskError::Version(found) => data(io::Error::other(format!(
            "its library is of format {found}, and this shoal knows format 1; run the shoal that wrote it, or move \
             {FILE} away to start without what it holds"
        ))),
        DiskError::Other(error) => DaemonError::Library(Arc::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use shoal_content::Hash;

    use super::*;
    use crate::ShareRequest;

    fn content(n: u32) -> ContentId {
        ContentId::from_root_hash(Hash::of(&n.to_be_bytes()))
    }

    fn record(name: &str) -> Box<Record> {
        let request = ShareRequest { paths: vec!["/some/folder".into()], ..ShareRequest::default() };
        let mut record = Record::new(Want::Share(request));
        (record.name, record.complete, record.size) = (Some(name.into()), true, 5);
        Box::new(record)
    }

    #[tokio::test]
    async fn what_was_committed_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let (library, saved) = Library::open(Some(dir.path())).unwrap();
        assert!(saved.contents.is_empty() && saved.moved_to.is_none());
        let source = SavedSource::from_bytes(vec![1, 2, 3]);
        let changes = vec![
            Change::Record(content(1), record("one")),
            Change::Record(content(2), record("two")),
            Change::Source(content(1), source.clone()),
            Change::Share(7, ShareRequest { name: Some("n".into()), ..ShareRequest::default() }),
            Change::Share(8, ShareRequest::default()),
        ];
        library.commit(changes).await.unwrap();
        library.commit(vec![Change::Forget(content(2)), Change::ShareDone(8)]).await.unwrap();
        let peer = KnownPeer {
            peer: libp2p::PeerId::random().to_string(),
            addresses: vec!["/ip4/192.168.1.9/tcp/1".parse().unwrap()],
            useful: true,
            met: 7,
        };
        library.commit(vec![Change::Peers(vec![peer.clone()])]).await.unwrap();
        let settings = Settings { limits: Some((Some(5), None)), ..Settings::default() };
        library.commit_blocking(vec![Change::Settings(settings.clone())]).unwrap();
        // As after `kill -9`: nothing is closed first.
        std::mem::forget(library.open.lock().unwrap().take());
        let copy = tempfile::tempdir().unwrap();
        std::fs::copy(dir.path().join(FILE), copy.path().join(FILE)).unwrap();
        let (library, saved) = Library::open(Some(copy.path())).unwrap();
        assert_eq!((saved.settings, saved.peers), (settings, vec![peer]));
        assert!(
            matches!(&saved.contents[..], [(id, it)] if *id == content(1) && it.name.as_deref() == Some("one"))
        );
        assert!(matches!(&saved.shares[..], [(7, request)] if request.name.as_deref() == Some("n")));
        assert_eq!(library.source(content(1)).await.unwrap(), Some(source));
        assert_eq!(library.source(content(2)).await.unwrap(), None);
        library.close();
        assert!(library.commit(vec![]).await.is_err() && library.source(content(1)).await.is_err());
    }

    #[tokio::test]
    async fn without_a_folder_it_is_in_memory() {
        let (library, _) = Library::open(None).unwrap();
        library.commit(vec![Change::Record(content(1), record("one"))]).await.unwrap();
        assert_eq!(library.source(content(1)).await.unwrap(), None);
    }

    #[test]
    fn a_damaged_file_is_moved_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let (library, _) = Library::open(Some(dir.path())).unwrap();
        library.commit_blocking(vec![Change::Record(content(1), record("one"))]).unwrap();
        library.close();
        let whole = std::fs::read(&path).unwrap();
        for damaged in
            [b"no database at all".to_vec(), whole[..whole.len() / 3].to_vec(), vec![0xa5; whole.len()]]
        {
            std::fs::write(&path, &damaged).unwrap();
            let (library, saved) = Library::open(Some(dir.path())).unwrap();
            let aside = saved.moved_to.expect("moved aside");
            assert_eq!(std::fs::read(aside).unwrap(), damaged);
            assert!(saved.contents.is_empty());
            library.commit_blocking(vec![Change::Record(content(1), record("again"))]).unwrap();
        }
    }

    #[test]
    fn a_file_of_another_version_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        disk::set_version(&dir.path().join(FILE), 7);
        let Err(error) = Library::open(Some(dir.path())) else { panic!("opened") };
        assert!(error.to_string().contains("format 7"), "{error}");
        assert!(dir.path().join(FILE).is_file());
    }
}
