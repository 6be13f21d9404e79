//! Two nodes of which one fetches from the other.

use super::*;
use crate::{ContentDetail, ContentHandle};

/// Two nodes, of which the second fetches from the first, whose store gives nothing before the gate opens.
pub(super) struct Pair {
    pub(super) one: Node,
    pub(super) two: Node,
    pub(super) gate: Arc<Gate>,
    pub(super) content: ContentId,
    pub(super) fetched: ContentHandle,
    _opens: OpensWhenDropped,
    _scratch: tempfile::TempDir,
}

pub(super) async fn pair(limit_up: Option<u64>, limit_down: Option<u64>) -> Pair {
    let scratch = tempfile::tempdir().unwrap();
    let gate = Arc::new(Gate::default());
    let opens = OpensWhenDropped(gate.clone());
    let (one, two) = (node().await, node().await);
    one.set_limits(limit_up, None);
    two.set_limits(None, limit_down);
    let content = share(&one, scratch.path(), 1, &gate);
    let peers = one.addresses().await;
    let fetched = two.fetch(FetchOptions { peers, ..FetchOptions::new(content, scratch.path().join("got")) });
    Pair { one, two, gate, content, fetched: fetched.unwrap(), _opens: opens, _scratch: scratch }
}

impl Pair {
    pub(super) async fn finishes(&self) {
        let finished = tokio::time::timeout(DEADLINE, self.fetched.finished()).await;
        finished.expect("in time").expect("it completes");
    }

    /// Waits until the second node's look at the content is as it should be.
    pub(super) async fn detail(&self, is_right: impl Fn(&ContentDetail) -> bool) -> ContentDetail {
        let wait = async {
            loop {
                match self.two.content_detail(self.content).await {
                    Some(detail) if is_right(&detail) => return detail,
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.expect("the detail in time")
    }
}
