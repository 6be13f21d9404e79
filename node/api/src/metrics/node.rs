//! The figures of a daemon and its node.

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use shoal_daemon::{Daemon, ItemState};

use super::encoding::{NodeFigures, StateCounts, encode_all, registry};

/// All that is shown of a daemon, with libp2p's own figures if its node counts them.
pub struct NodeMetrics {
    own: Registry,
    daemon: Daemon,
}

impl NodeMetrics {
    /// Of this daemon. Asking it waits for nobody.
    pub fn of(daemon: Daemon) -> Self {
        let asked = daemon.clone();
        Self { own: registry(Arc::new(move || figures(&asked))), daemon }
    }

    /// The text, in the OpenMetrics format; see [`CONTENT_TYPE`](super::CONTENT_TYPE).
    pub fn text(&self) -> Result<String, Error> {
        let swarm = self.daemon.node().swarm_metrics();
        encode_all([Some(&self.own), swarm.map(|swarm| swarm.registry())].into_iter().flatten())
    }
}

fn figures(daemon: &Daemon) -> NodeFigures {
    let (counters, load) = (daemon.node().counters(), daemon.node().load());
    let total = counters.traffic.total;
    NodeFigures {
        uptime: counters.uptime,
        connections: counters.connections as u64,
        connections_ever: counters.connections_ever,
        sent: total.sent,
        received: total.received,
        duplicate: total.duplicate,
        chunks_sent: total.chunks_sent,
        chunks_received: total.chunks_received,
        chunks_duplicate: total.chunks_duplicate,
        chunks_corrupt: total.chunks_corrupt,
        requests_refused: total.requests_refused,
        questions_answered: counters.questions_answered,
        questions_refused: counters.questions_refused,
        uploads: load.uploads as u64,
        upload_slots: load.upload_slots as u64,
        downloads: load.downloads as u64,
        queued_bytes: load.queued_bytes,
        queued_requests: load.queued_requests as u64,
        limit_up: load.limits.up,
        limit_down: load.limits.down,
        contents: contents(daemon),
    }
}

fn contents(daemon: &Daemon) -> StateCounts {
    let mut counts = StateCounts::default();
    for item in daemon.items(None, usize::MAX) {
        let count = match item.state {
            ItemState::Running if item.complete => &mut counts.serving,
            ItemState::Running => &mut counts.fetching,
            ItemState::Paused | ItemState::Ended => &mut counts.resting,
            ItemState::Waiting { .. } => &mut counts.waiting,
            ItemState::Failed(_) => &mut counts.failed,
        };
        *count += 1;
    }
    counts
}
