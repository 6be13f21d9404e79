//! Why a peer that has a connection is of no use.

/// Only a relay leads to the peer that carries no data, and no direct connection came about in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only reachable through a relay that carries no data: no direct way through the routers was found")]
pub(crate) struct OnlyRelayed;
