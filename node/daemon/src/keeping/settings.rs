//! How a node takes part in the store.

use std::time::Duration;

use libp2p::Multiaddr;
use shoal_engine::StorePlannerConfig;

/// How a node takes part in the store.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// Bytes given to contents of others, and how patient the node is.
    pub planner: StorePlannerConfig,
    /// Nodes to meet first.
    pub peers: Vec<Multiaddr>,
    /// Says that it keeps what it was offered, and keeps nothing: to see what others do then.
    pub hollow: bool,
    /// How long handing over may take when the node is told to go.
    pub leave_within: Duration,
}

impl StoreSettings {
    /// That of a node which gives so many bytes, and pings so often: all other times follow from that.
    pub fn paced(donated: u64, ping: Duration) -> Self {
        let usual = StorePlannerConfig::default();
        let planner = StorePlannerConfig {
            donated,
            ping,
            grace: ping,
            step_in: ping * 4,
            members: ping * 8,
            look: ping * 40,
            check: ping * 40,
            distrust: ping * 240,
            ..usual
        };
        Self { planner, ..Self::default() }
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        let planner = StorePlannerConfig::default();
        Self { planner, peers: Vec::new(), hollow: false, leave_within: Duration::from_secs(60) }
    }
}
