//! Why something could not be done.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use shoal_content::ContentId;
use shoal_net::{Failure, NodeError};

/// Why a daemon cannot start, or cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Another process has the data folder.
    #[error("another shoal node uses '{}'", shoal_printable::printable_bytes(path.as_os_str().as_encoded_bytes()))]
    InUse {
        /// The data folder.
        path: PathBuf,
    },
    /// The data folder cannot be used.
    #[error("cannot use the data folder '{}': {source}", shoal_printable::printable_bytes(path.as_os_str().as_encoded_bytes()))]
    Data {
        /// The data folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database fails.
    #[error("the library's database fails: {0}")]
    Library(Arc<redb::Error>),
    /// The node cannot start.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// There is no such content in the library.
    #[error("the content {0} is not in the library")]
    NoSuchContent(ContentId),
    /// The content is in the library already.
    #[error("the content {0} is in the library already")]
    Known(ContentId),
    /// The node refuses it.
    #[error(transparent)]
    Content(#[from] Arc<Failure>),
    /// A path that is not absolute: the daemon's own folder means nothing to a caller.
    #[error("'{}' is not an absolute path", shoal_printable::printable_bytes(.0.as_os_str().as_encoded_bytes()))]
    RelativePath(PathBuf),
    /// The request makes no sense; in words.
    #[error("{0}")]
    Invalid(String),
    /// Too many imports wait.
    #[error("too many folders wait to be hashed; try again later")]
    Busy,
}
