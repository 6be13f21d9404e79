//! Why a content does not come.

use std::time::Duration;

use shoal_content::ContentId;
use shoal_engine::{Finding, LimitUse, Situation, explain};

use crate::catalogue::SituationSource;
use crate::node::Node;

/// How long the task of a content may take to say what it knows.
const PATIENCE: Duration = Duration::from_secs(2);

impl Node {
    /// What is known of how a content goes. `None` if the node does not have it, or if its task does not answer
    /// within two seconds.
    pub async fn situation(&self, content: ContentId) -> Option<Situation> {
        let situation = match self.catalogue().ask_situation(content)? {
            SituationSource::Still(situation) => *situation,
            SituationSource::Task(answer) => tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()?,
        };
        let (up, down) = self.limit_use();
        Some(Situation { up, down, ..situation })
    }

    /// Why a content does not come, or comes slowly; the most important first, never empty. `None` as with
    /// [`Node::situation`].
    pub async fn explain(&self, content: ContentId) -> Option<Vec<Finding>> {
        self.situation(content).await.map(|situation| explain(&situation))
    }

    fn limit_use(&self) -> (LimitUse, LimitUse) {
        (LimitUse::default(), LimitUse::default())
    }
}
