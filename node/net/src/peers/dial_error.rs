//! Why nobody was reached.

use crate::shared_error::SharedError;

/// Why nobody was reached at an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// No address answered as the expected peer.
    #[error(transparent)]
    Failed(#[from] SharedError<libp2p::swarm::DialError>),
    /// The address was not dialled: it is of a form that nodes do not use, or too many wait to be dialled.
    #[error("not an address that can be dialled now")]
    NotDialled,
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Closed,
}
