//! One simulated node.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_content::ContentId;
use shoal_engine::{StorePlanner, StorePlannerConfig};

/// One node.
pub(super) struct StoreNode {
    pub(super) planner: StorePlanner,
    /// What it has, or is fetching: which is told by whether the time is over.
    pub(super) copies: BTreeMap<ContentId, Option<Duration>>,
    /// When its line is free.
    pub(super) line: Duration,
    /// When it is woken next.
    pub(super) wake: Duration,
}

impl StoreNode {
    pub(super) fn new(id: PeerId, config: StorePlannerConfig) -> Self {
        let planner = StorePlanner::new(id, config);
        Self { planner, copies: BTreeMap::new(), line: Duration::ZERO, wake: Duration::MAX }
    }

    /// Whether it has all of a content.
    pub(super) fn has(&self, content: &ContentId) -> bool {
        matches!(self.copies.get(content), Some(None))
    }
}
