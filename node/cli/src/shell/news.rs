//! What a shell says by itself: that the node has registered at a tracker that was not there before.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use libp2p::Multiaddr;
use rustyline::ExternalPrinter;
use shoal_content::ContentId;
use shoal_daemon::{Daemon, Item, Origin};
use shoal_printable::escaped_line;
use shoal_wire::tracker::Mode;
use tokio_util::sync::CancellationToken;

use super::state::Shell;

/// Says something on the way, also while a line is being edited.
#[derive(Clone)]
pub(super) struct Voice(Option<Arc<Mutex<Box<dyn ExternalPrinter + Send>>>>);

impl Voice {
    /// On standard error.
    pub(super) fn plain() -> Self {
        Self(None)
    }

    /// Beside the line that is being edited.
    pub(super) fn beside(printer: Box<dyn ExternalPrinter + Send>) -> Self {
        Self(Some(Arc::new(Mutex::new(printer))))
    }

    /// Says it, with everything escaped that could move a cursor.
    pub(super) fn say(&self, words: &str) {
        let line = escaped_line(words) + "\n";
        // Err: nobody reads it.
        match &self.0 {
            Some(printer) => drop(printer.lock().unwrap_or_else(PoisonError::into_inner).print(line)),
            None => drop(std::io::stderr().write_all(line.as_bytes())),
        }
    }
}

/// Between two looks at the trackers.
const PAUSE: Duration = Duration::from_secs(1);
/// Answers to one search that are looked at.
const MOST: usize = 1000;

/// How a tracker stands to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It does not answer.
    Away,
    /// It answers, and does not know the node yet.
    Unaware,
    /// It says that the node is registered.
    Aware,
}

/// Trackers that know the node.
#[derive(Debug, Default)]
struct Registrations(BTreeSet<Multiaddr>);

impl Registrations {
    /// Takes what was seen of a tracker; whether that is worth telling: it knows the node now, and did not at the last look.
    fn see(&mut self, tracker: &Multiaddr, standing: Standing) -> bool {
        match standing {
            Standing::Away | Standing::Unaware => {
                self.0.remove(tracker);
                false
            }
            Standing::Aware => self.0.insert(tracker.clone()),
        }
    }
}

/// Says when the shell's own node has registered at a tracker that was not there, or did not know it, before. Nothing is seen
/// while the node publishes nothing: trackers are asked for what it does.
pub(super) async fn tell(shell: Arc<Shell>, voice: Voice, ended: CancellationToken) {
    let Some(daemon) = shell.session.daemon().cloned() else { return };
    let mut registrations = Registrations::default();
    loop {
        tokio::select! {
            () = ended.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        let Some(published) = published(&daemon) else { continue };
        for tracker in daemon.trackers() {
            let standing = tokio::select! {
                () = ended.cancelled() => return,
                standing = ask(&daemon, &tracker, &published) => standing,
            };
            if registrations.see(&tracker, standing) {
                voice.say(&format!("registered at {tracker}"));
            }
        }
    }
}

/// A content that the node publishes: its id and name.
fn published(daemon: &Daemon) -> Option<(ContentId, String)> {
    let shared = |item: &Item| item.public && matches!(item.origin, Origin::Shared { .. });
    daemon.items(None, MOST).into_iter().find(shared).and_then(|item| Some((item.content, item.name?)))
}

async fn ask(daemon: &Daemon, tracker: &Multiaddr, published: &(ContentId, String)) -> Standing {
    let (content, name) = published;
    let local = daemon.node().peer_id().to_bytes();
    match daemon.node().tracker(tracker.clone()).find_all(Mode::Prefix, name, MOST).await {
        Err(_) => Standing::Away,
        Ok(found) => {
            let mine = found.iter().filter(|it| it.entry.content == *content);
            let known = mine.flat_map(|it| &it.peers).any(|peer| peer.as_slice() == local.as_slice());
            if known { Standing::Aware } else { Standing::Unaware }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracker_is_told_of_when_it_comes_to_know_the_node_and_once_each_time() {
        let tracker: Multiaddr = "/ip4/192.0.2.1/tcp/1".parse().unwrap();
        let mut registrations = Registrations::default();
        for before in [Standing::Away, Standing::Unaware] {
            assert!(!registrations.see(&tracker, before));
            assert!(registrations.see(&tracker, Standing::Aware));
            assert!(!registrations.see(&tracker, Standing::Aware));
        }
    }
}
