//! Why a content of the library does not come: what the node knows, and what the daemon knows besides.

use shoal_content::ContentId;
use shoal_engine::{Affairs, Finding, Situation, explain};

use crate::{Daemon, Item, ItemState};

impl Daemon {
    /// What is known of how a content goes. `None` if it is not in the library. Takes two seconds at most.
    pub async fn situation(&self, content: ContentId) -> Option<Situation> {
        let item = self.item(content)?;
        let known = self.node().situation(content).await;
        Some(together(&item, known))
    }

    /// Why a content does not come, or comes slowly; the most important first, never empty. `None` if it is not in the
    /// library. Takes two seconds at most.
    pub async fn explain(&self, content: ContentId) -> Option<Vec<Finding>> {
        self.situation(content).await.map(|situation| explain(&situation))
    }
}

/// The library's word counts where it says more than the node's.
fn together(item: &Item, node: Option<Situation>) -> Situation {
    let affairs = match &item.state {
        ItemState::Paused => Affairs::Paused,
        ItemState::Ended => Affairs::Ended,
        ItemState::Waiting { path } => Affairs::Waiting { path: path.to_string_lossy().into_owned() },
        // The node knows what was tried before it failed.
        ItemState::Failed(why) => match node {
            Some(known) if matches!(known.affairs, Affairs::Failed { .. } | Affairs::Looking) => {
                return known;
            }
            _ => Affairs::Failed { why: why.clone() },
        },
        ItemState::Running => {
            // Without an answer it is busy; that is no reason to say that it has failed.
            return node.unwrap_or_else(|| Situation { affairs: running(item), ..Situation::default() });
        }
    };
    Situation { affairs, ..Situation::default() }
}

fn running(item: &Item) -> Affairs {
    if item.complete { Affairs::Serving } else { Affairs::Fetching }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use shoal_content::Hash;
    use shoal_engine::Cause;
    use shoal_net::Progress;

    use super::*;
    use crate::Origin;

    fn item(state: ItemState) -> Item {
        Item {
            content: ContentId::from_root_hash(Hash::of(b"x")),
            origin: Origin::Shared { paths: vec![] },
            name: None,
            size: 0,
            complete: false,
            public: false,
            added: SystemTime::UNIX_EPOCH,
            state,
            progress: Progress::default(),
        }
    }

    fn first(state: ItemState, node: Option<Situation>) -> Cause {
        explain(&together(&item(state), node))[0].cause
    }

    #[test]
    fn what_the_library_knows_counts_more_than_what_the_node_does() {
        let ended = || Some(Situation { affairs: Affairs::Ended, ..Situation::default() });
        assert_eq!(first(ItemState::Paused, ended()), Cause::Paused);
        assert_eq!(first(ItemState::Ended, None), Cause::Ended);
        assert_eq!(first(ItemState::Waiting { path: "/mnt".into() }, ended()), Cause::WaitingForMount);
        assert_eq!(first(ItemState::Failed("x".into()), None), Cause::Failed);
        assert_eq!(first(ItemState::Failed("x".into()), ended()), Cause::Failed);
    }

    #[test]
    fn what_the_node_tried_is_told_after_a_failure() {
        // It had neither a tracker nor an address.
        assert_eq!(first(ItemState::Failed("x".into()), Some(Situation::default())), Cause::NoSource);
        assert_eq!(first(ItemState::Running, Some(Situation::default())), Cause::NoSource);
    }
}
