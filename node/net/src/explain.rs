//! What a node knows that explains how it goes: why a content does not come, and what the network counts.

use std::time::Duration;

use shoal_content::ContentId;
use shoal_engine::{Finding, LimitUse, Situation, explain};
use tokio::sync::oneshot;

use crate::library::Inquiry;
use crate::metrics::SwarmMetrics;
use crate::node::Node;

/// How long the task of a content may take to say what it knows.
const PATIENCE: Duration = Duration::from_secs(2);

impl Node {
    /// libp2p's own figures, if they are counted.
    pub fn swarm_metrics(&self) -> Option<&SwarmMetrics> {
        self.parts().metrics.as_ref()
    }

    /// What is known of how a content goes. `None` if the node does not have it, or if its task does not answer
    /// within two seconds.
    pub async fn situation(&self, content: ContentId) -> Option<Situation> {
        let situation = match self.catalogue().rest(content) {
            Some(situation) => situation,
            None => tokio::time::timeout(PATIENCE, self.ask(content)).await.ok()??,
        };
        let load = self.load();
        Some(Situation {
            up: LimitUse { limit: load.limits.up, rate: load.rate_up },
            down: LimitUse { limit: load.limits.down, rate: load.rate_down },
            ..situation
        })
    }

    /// Why a content does not come, or comes slowly; the most important first, never empty. `None` as with
    /// [`Node::situation`].
    pub async fn explain(&self, content: ContentId) -> Option<Vec<Finding>> {
        self.situation(content).await.map(|situation| explain(&situation))
    }

    async fn ask(&self, content: ContentId) -> Option<Situation> {
        let (reply, answer) = oneshot::channel();
        self.parts().library.inquire(&content, Inquiry::Situation(reply)).await;
        // Without an answer, the content has ended or was never here.
        answer.await.ok()
    }
}
