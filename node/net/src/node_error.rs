//! Why a node cannot start.

use super::listen::ListenError;

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Keys or transports.
    #[error("cannot set up the network")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No listener, or not all that were given.
    #[error(transparent)]
    Listen(#[from] ListenError),
}
