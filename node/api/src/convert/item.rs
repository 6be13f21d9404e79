//! What is in the library.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use shoal_daemon::{Import, ImportState, Item, ItemState, Origin};
use shoal_net::Phase;
use shoal_printable::printable_bytes;

use crate::model::{Content, ContentStateInfo, ImportInfo, ImportStateInfo};

/// Paths that are named of one content or import.
const PATHS: usize = 64;
/// Left out names that are named of one import.
const SKIPPED: usize = 100;

/// A content, as it is now.
pub(crate) fn content(item: &Item) -> Content {
    let progress = &item.progress;
    let traffic = progress.traffic.total;
    let size = item.size.max(progress.size);
    // A content that nothing is done for has no progress of its own.
    let whole = item.complete && progress.total == 0;
    Content {
        content: item.content.to_string(),
        name: item.name.clone().or_else(|| progress.name.clone()),
        shared: matches!(item.origin, Origin::Shared { .. }),
        public: item.public,
        complete: item.complete,
        state: state(item),
        why: why(item),
        size,
        total: if whole { size } else { progress.total },
        done: if whole { size } else { progress.done },
        sent: traffic.sent,
        received: traffic.received,
        duplicate: traffic.duplicate,
        rate_up: progress.rate_up,
        rate_down: progress.rate_down,
        peers: progress.peers,
        unavailable: progress.unavailable,
        copies: progress.copies,
        added: item.added.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs()),
        paths: paths(item),
    }
}

fn state(item: &Item) -> ContentStateInfo {
    match &item.state {
        ItemState::Paused => ContentStateInfo::Paused,
        ItemState::Ended => ContentStateInfo::Ended,
        ItemState::Waiting { .. } => ContentStateInfo::Waiting,
        ItemState::Failed(_) => ContentStateInfo::Failed,
        ItemState::Running => match item.progress.phase {
            Phase::Manifest => ContentStateInfo::Looking,
            Phase::Opening => ContentStateInfo::Checking,
            Phase::Downloading => ContentStateInfo::Fetching,
            Phase::Finishing => ContentStateInfo::Placing,
            Phase::Serving => ContentStateInfo::Serving,
        },
    }
}

fn why(item: &Item) -> Option<String> {
    match &item.state {
        ItemState::Failed(why) => Some(why.clone()),
        ItemState::Waiting { path } => {
            Some(format!("'{}' is not there", printable_bytes(path.as_os_str().as_encoded_bytes())))
        }
        ItemState::Running => item.progress.blocked.clone(),
        ItemState::Paused | ItemState::Ended => None,
    }
}

fn paths(item: &Item) -> Vec<PathBuf> {
    match &item.origin {
        Origin::Shared { paths } => listed(paths),
        Origin::Fetched { dir } => {
            let place = item.name.as_ref().map_or_else(|| dir.clone(), |name| dir.join(name));
            vec![text(&place)]
        }
    }
}

fn listed(paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().take(PATHS).map(|path| text(path)).collect()
}

/// A path as JSON can hold it.
fn text(path: &Path) -> PathBuf {
    path.to_string_lossy().into_owned().into()
}

/// An import, with its ticket once it is shared.
pub(crate) fn import(import: &Import, ticket: Option<String>) -> ImportInfo {
    let state = match &import.state {
        ImportState::Queued => ImportStateInfo::Queued,
        ImportState::Hashing { done, total } => ImportStateInfo::Hashing { done: *done, total: *total },
        ImportState::Done { content, skipped } => ImportStateInfo::Done {
            content: content.to_string(),
            ticket,
            skipped: skipped.iter().take(SKIPPED).cloned().collect(),
        },
        ImportState::Failed(why) => ImportStateInfo::Failed { why: why.clone() },
    };
    ImportInfo { id: import.id.0, paths: listed(&import.paths), state }
}
