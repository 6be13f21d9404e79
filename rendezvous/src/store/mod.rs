//! What a tracker keeps from one start to the next: rows of bytes in a database file.
//!
//! - [`Store`]: takes [`StoreChange`]s without waiting for the disk; a thread of its own writes them.
//! - [`Saved`]: what the file held at the start.
//! - [`WallClock`]: between the time of the process and the time that is written down.
//! - [`registration`], [`services`]: registrations, payloads and entries as rows.
//!
//! What this is not: a cache or an index. Nobody reads from it while the tracker runs; all that is asked for
//! is in memory. It does not know what the rows mean; each has a time at which it ends, after which it is
//! neither given back nor kept.
//!
//! What always holds: changes take effect in the order in which they came, and all of a commit or nothing
//! of it is found after a crash. What waits to be written is bounded ([`MAX_PENDING`]); a newer change of a row
//! takes the place of an older one. A crash loses at most what came within the last [`INTERVAL`] and the
//! duration of a commit, and nothing that [`Store::apply_durably`] has confirmed. Nothing is lost by a crash
//! of the process that a crash of the system would not lose too.

mod clock;
mod disk;
mod error;
mod pending;
pub mod registration;
pub mod services;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

pub use self::clock::{WallClock, unix_now};
use self::disk::Disk;
pub use self::disk::{MAX_LOADED, Saved, VERSION};
pub use self::error::{NotWritten, StoreError};
pub use self::pending::MAX_PENDING;
pub use self::writer::{INTERVAL, MAX_WAITING, StoreStats};
use self::writer::{Shared, spawn};

/// The file's name in the data folder.
pub const FILE: &str = "tracker.redb";
/// The longest key, in bytes. Longer ones are not stored.
pub const MAX_KEY: usize = 1024;
/// The longest value, in bytes: a payload of 64 KiB and something around it. Longer ones are not stored.
pub const MAX_VALUE: usize = 72 << 10;

/// What rows are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// See [`registration`].
    Registrations,
    /// Small blobs that peers left.
    Payloads,
    /// What peers share, by name.
    Index,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Registrations, Self::Payloads, Self::Index];

    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registrations => "registrations",
            Self::Payloads => "payloads",
            Self::Index => "index",
        }
    }
}

/// Something to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreChange {
    /// Makes a row or replaces it.
    Put {
        /// In which table.
        table: Table,
        /// At most [`MAX_KEY`] bytes.
        key: Vec<u8>,
        /// At most [`MAX_VALUE`] bytes.
        value: Vec<u8>,
        /// When it ends, in seconds since the Unix epoch; see [`WallClock::at`].
        expires: u64,
    },
    /// Removes a row, if there is one.
    Remove {
        /// From which table.
        table: Table,
        /// Which row.
        key: Vec<u8>,
    },
    /// Removes all rows whose key begins so: for example all of one peer.
    RemovePrefix {
        /// From which table.
        table: Table,
        /// What keys begin with.
        prefix: Vec<u8>,
    },
}

/// A row as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its key.
    pub key: Vec<u8>,
    /// What was put there.
    pub value: Vec<u8>,
    /// When it ends, in seconds since the Unix epoch.
    pub expires: u64,
}

/// The open file. Dropping it lets the thread write what waits and end, without waiting for that; see
/// [`close`](Self::close).
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

impl Store {
    /// Opens the file, or makes it, and reads what is in it. Blocks; a large file takes about a second, because
    /// all of it is checked. A damaged file is moved aside (to `PATH.corrupt-N`), of which [`Saved::moved_to`]
    /// and the log tell, and a new one is made.
    ///
    /// # Errors
    /// Another process has it open, a newer version of the program wrote it, or it cannot be read or written.
    pub fn open(path: &Path) -> Result<(Self, Saved), StoreError> {
        Self::open_with(path, INTERVAL)
    }

    /// Opens with another time between commits.
    pub(crate) fn open_with(path: &Path, interval: Duration) -> Result<(Self, Saved), StoreError> {
        let (disk, saved) = Disk::open(path, unix_now().as_secs())?;
        let shared = spawn(disk, interval).map_err(|source| StoreError::io(path, source))?;
        Ok((Self { shared }, saved))
    }

    /// Takes changes to write within about [`INTERVAL`]; never waits for the disk. What finds no room, because
    /// the disk fails or lags far behind, is dropped and counted in [`StoreStats::dropped`].
    pub fn apply(&self, changes: impl IntoIterator<Item = StoreChange>) {
        self.shared.add(changes);
    }

    /// Takes changes to write at once; the answer comes when they are on the disk. Calls that come while a commit is
    /// under way share the next one.
    ///
    /// # Errors
    /// Through the channel: they could not be written now. They are tried again all the same, unless there was no
    /// room for them.
    pub fn apply_durably(
        &self,
        changes: impl IntoIterator<Item = StoreChange>,
    ) -> oneshot::Receiver<Result<(), NotWritten>> {
        self.shared.add_waiting(changes)
    }

    /// What waits and what was done.
    pub fn stats(&self) -> StoreStats {
        self.shared.stats()
    }

    /// Writes what waits and closes the file; later changes are dropped. `false` if that took longer than
    /// `deadline` or the disk failed.
    pub async fn close(&self, deadline: Duration) -> bool {
        let mut closed = self.shared.stop();
        let wait = tokio::time::timeout(deadline, closed.wait_for(Option::is_some));
        match wait.await {
            Ok(Ok(written)) => *written == Some(true),
            _ => false,
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.shared.stop());
    }
}
