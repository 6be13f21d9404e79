//! What tests of several files share.

use shoal_api::model::{Content, ContentStateInfo};

/// A content of 3 MiB that is complete and served.
pub(crate) fn content(name: &str) -> Content {
    Content {
        content: "bafyreiezm75kpio3ghj3azmmk3wbrynpmgjhqfgppqn5kqg73zjzc57gke".into(),
        name: Some(name.into()),
        shared: true,
        public: false,
        complete: true,
        state: ContentStateInfo::Serving,
        why: None,
        size: 3 << 20,
        total: 3 << 20,
        done: 3 << 20,
        sent: 1 << 20,
        received: 0,
        duplicate: 0,
        rate_up: 2048,
        rate_down: 0,
        peers: 2,
        unavailable: 0,
        copies: 1,
        added: 0,
        paths: vec!["/srv/data".into()],
    }
}
