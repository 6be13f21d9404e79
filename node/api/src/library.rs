//! Questions to the daemon that several routes and the events have in common.

use std::time::Duration;

use shoal_content::ContentId;
use shoal_daemon::{Daemon, Import, ImportState, Item};

use crate::convert;
use crate::model::{ImportInfo, Page, SnapshotInfo};
use crate::refusal::Refusal;
use crate::resolve::Search;

/// How long a question to a task of the node may take; then the answer goes without.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// Contents that are looked at before other tasks have their turn.
const PAGE: usize = 1000;
/// Contents, and imports, in a snapshot.
const SNAPSHOT: usize = 100;

/// Which content of the library a text means.
pub(crate) async fn resolve(daemon: &Daemon, text: &str) -> Result<ContentId, Refusal> {
    if let Ok(content) = text.parse() {
        return Ok(content);
    }
    let mut search = Search::new(text);
    let mut after = None;
    loop {
        let items = daemon.items(after, PAGE);
        items.iter().for_each(|item| {
            search.look(item.content, item.name.as_deref().or(item.progress.name.as_deref()));
        });
        after = items.last().map(|item| item.content);
        if items.len() < PAGE {
            return search.end();
        }
        tokio::task::yield_now().await;
    }
}

/// The content of the library that a text means.
pub(crate) async fn item(daemon: &Daemon, text: &str) -> Result<Item, Refusal> {
    known(daemon, resolve(daemon, text).await?)
}

/// A content that should be in the library.
pub(crate) fn known(daemon: &Daemon, content: ContentId) -> Result<Item, Refusal> {
    daemon.item(content).ok_or_else(|| shoal_daemon::DaemonError::NoSuchContent(content).into())
}

/// An import, with its ticket.
pub(crate) async fn import_info(daemon: &Daemon, import: &Import) -> ImportInfo {
    let ticket = match import.state {
        ImportState::Done { content, .. } => in_time(daemon.ticket(content)).await.and_then(Result::ok),
        _ => None,
    };
    convert::import(import, ticket.map(|ticket| ticket.to_string()))
}

/// Peers that the node is connected to.
pub(crate) fn connections(daemon: &Daemon) -> usize {
    daemon.node().neighbours().len()
}

/// How everything is.
pub(crate) async fn snapshot(daemon: &Daemon) -> SnapshotInfo {
    let items = daemon.items(None, SNAPSHOT + 1);
    let next = items.get(SNAPSHOT).and(items.get(SNAPSHOT - 1)).map(|item| item.content.to_string());
    let contents = items.iter().take(SNAPSHOT).map(convert::content).collect();
    let open = |import: &&Import| matches!(import.state, ImportState::Queued | ImportState::Hashing { .. });
    let imports = daemon.imports();
    SnapshotInfo {
        count: daemon.count(),
        connections: connections(daemon),
        contents: Page { items: contents, next },
        // None of these has a ticket yet.
        imports: imports.iter().filter(open).take(SNAPSHOT).map(|it| convert::import(it, None)).collect(),
    }
}

/// Waits for something, but not for long.
pub(crate) async fn in_time<T>(it: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PATIENCE, it).await.ok()
}
