//! The other side of the API: asks a daemon.

use crate::model::Problem;

/// Why a daemon did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No daemon listens there.
    #[error("no shoal node is running here")]
    NotRunning,
    /// It refused.
    #[error("{}", .0.message)]
    Refused(Problem),
    /// The connection broke, or the answer is not one.
    #[error("cannot talk to the shoal node: {0}")]
    Broken(String),
}

/// Asks a daemon: one in another process by its socket, or one in this process without any.
#[derive(Clone)]
pub struct Client {}
