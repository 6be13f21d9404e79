//! How patient a planner is.

use std::time::Duration;

/// How much a node gives, and how patient its planner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorePlannerConfig {
    /// Bytes that are given to contents of others; 0: the node keeps nothing for others.
    pub donated: u64,
    /// How often a peer that has a copy of a content that is here is pinged.
    pub ping: Duration,
    /// How long a peer that missed two pings may take to come back before its copies count as lost.
    pub grace: Duration,
    /// How long the second nearest holder waits for the nearest one to restore the number of copies; the third one waits
    /// twice as long, and so on.
    pub step_in: Duration,
    /// How often other members are pinged.
    pub members: Duration,
    /// How often holders of a content and the members nearest to it are asked what they have.
    pub look: Duration,
    /// How often, for each content here, one of its other holders is asked to prove that it has it.
    pub check: Duration,
    /// How often an own copy is read and compared with its hashes.
    pub verify: Duration,
    /// How long a peer that did not prove a copy is not trusted with that content.
    pub distrust: Duration,
    /// The shortest time that a copy may take to arrive. Longer for large ones: a second for each 64 KiB.
    pub arrival: Duration,
    /// What time it is at `now` zero, since 1970.
    pub start: Duration,
}

impl Default for StorePlannerConfig {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            donated: 0,
            ping: Duration::from_secs(15),
            grace: Duration::from_secs(15),
            step_in: minutes(1),
            members: minutes(2),
            look: minutes(10),
            check: minutes(10),
            verify: minutes(24 * 60),
            distrust: minutes(60),
            arrival: minutes(10),
            start: Duration::ZERO,
        }
    }
}

impl StorePlannerConfig {
    /// How long a copy of so many bytes may take to arrive.
    pub(super) fn arrival_of(&self, size: u64) -> Duration {
        self.arrival + Duration::from_secs(size >> 16)
    }
}
