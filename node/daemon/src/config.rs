//! How a daemon is started.

use std::path::PathBuf;

use libp2p::Multiaddr;
use shoal_net::NodeConfig;

use crate::Schedule;
use crate::keeping::StoreSettings;

/// How a daemon is started.
#[derive(Debug, Clone, Default)]
pub struct DaemonConfig {
    /// The folder of its database, which is made if it is missing, readable by its owner alone. `None`: nothing outlives
    /// the process.
    pub data: Option<PathBuf>,
    /// The node in it. Its limits hold where the schedule says nothing.
    pub node: NodeConfig,
    /// Trackers that every content is registered at, beside its own.
    pub trackers: Vec<Multiaddr>,
    /// Limits by the time of day.
    pub schedule: Schedule,
    /// Watch all shared folders for changes, and share them as they are then.
    pub watch: bool,
    /// Where it is written down what the node does, if whoever starts the daemon has that done: told to those that ask.
    pub activity_log: Option<PathBuf>,
    /// The folder of the hash cache; see [`shoal_store::default_cache_dir`].
    pub cache: Option<PathBuf>,
    /// How it takes part in the store; `None`: not at all.
    pub store: Option<StoreSettings>,
}
