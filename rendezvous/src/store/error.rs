//! What can go wrong with the file.

use std::io;
use std::path::{Path, PathBuf};

/// Why the file cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else has it open.
    #[error("'{}' is in use by another process; end that tracker, or choose another folder with --data", path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// A later version of the program wrote it.
    #[error(
        "'{}' was written by a newer shoal-rendezvous (format {found}, this one knows {known}); run the newer one, \
         or move the file away to start without what it holds", path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The version in the file.
        found: u64,
        /// The newest version that is known here.
        known: u64,
    },
    /// It cannot be read, made or moved.
    #[error("cannot use '{}': {source}; check the folder's permissions and free space, or choose another with --data", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StoreError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

/// Changes are not on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    /// Too much waits to be written already, or the store is closed.
    #[error("there is no room for what is to be written")]
    NoRoom,
    /// The disk failed; it will be tried again.
    #[error("the disk failed")]
    Failed,
}

/// Why the database did not do something.
#[derive(Debug)]
pub(super) enum DiskError {
    /// What it holds makes no sense.
    Corrupt(String),
    Locked,
    Newer(u64),
    Io(io::Error),
}

impl std::fmt::Display for DiskError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Corrupt(why) => f.write_str(why),
            Self::Locked => f.write_str("in use by another process"),
            Self::Newer(found) => write!(f, "of the newer format {found}"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl From<redb::Error> for DiskError {
    fn from(error: redb::Error) -> Self {
        /// What the library reports of a file that is no database or was cut off.
        const NO_DATABASE: [io::ErrorKind; 2] = [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof];
        match error {
            redb::Error::DatabaseAlreadyOpen => Self::Locked,
            redb::Error::Io(error) if NO_DATABASE.contains(&error.kind()) => Self::Corrupt(error.to_string()),
            redb::Error::Io(error) => Self::Io(error),
            redb::Error::PreviousIo => Self::Io(io::Error::other("an earlier write failed")),
            other => Self::Corrupt(other.to_string()),
        }
    }
}
