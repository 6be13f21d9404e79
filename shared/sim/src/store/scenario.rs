//! What is simulated.

use std::time::Duration;

use shoal_engine::StorePlannerConfig;

/// A store, and what happens to it.
#[derive(Debug, Clone)]
pub struct StoreScenario {
    /// Everything random follows from it.
    pub seed: u64,
    /// Nodes that keep contents for others, at any time.
    pub nodes: usize,
    /// Contents, placed in the first hour by owners that then vanish.
    pub contents: usize,
    /// How many nodes shall keep each.
    pub copies: u8,
    /// Bytes of each content: at least and at most.
    pub size: (u64, u64),
    /// Bytes per second that a node receives.
    pub rate: u64,
    /// The part of all nodes that vanishes in an hour, and is replaced by newcomers.
    pub vanish_per_hour: f64,
    /// How long it is watched.
    pub lasts: Duration,
    /// How nodes behave.
    pub config: StorePlannerConfig,
}

/// When everybody knows everybody, and nodes begin to vanish.
pub(super) const SETTLED: Duration = Duration::from_secs(3600);

impl Default for StoreScenario {
    fn default() -> Self {
        let config = StorePlannerConfig {
            donated: 1 << 40,
            ping: Duration::from_secs(20),
            grace: Duration::from_secs(10),
            members: Duration::from_secs(600),
            ..StorePlannerConfig::default()
        };
        Self {
            seed: 1,
            nodes: 1000,
            contents: 1000,
            copies: 3,
            size: (16 << 20, 256 << 20),
            rate: 12_500_000,
            vanish_per_hour: 0.1,
            lasts: Duration::from_secs(7 * 24 * 3600),
            config,
        }
    }
}
