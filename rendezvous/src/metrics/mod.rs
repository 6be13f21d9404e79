//! Figures for the operator: what the tracker holds and does, as Prometheus reads it.
//!
//! - [`Snapshot`]: the figures, plain. [`channel`] makes a [`Reporter`] for the task that has them, and a [`Feed`]
//!   for the one that serves them.
//! - [`serve`]: `GET /metrics` in the OpenMetrics text format, and `GET /health`; [`serve_page`] serves the figures of any
//!   other program in the same way.
//!
//! What this is not: a way in. There is nothing to change here, and no figure tells of a single peer or namespace.
//!
//! What always holds: asking costs the tracker's own task nothing, since it reports about once per second whether
//! somebody asks or not. Connections, their time and what they may send are bounded.

mod encoding;
mod http;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use shoal_wire::rendezvous::Status;
use shoal_wire::tracker::RegistryCounts;
use tokio::sync::watch;

pub use self::http::{MAX_CONNECTIONS, MetricsPage, serve, serve_page};
use crate::store::StoreStats;

/// How often the tracker reports.
pub const REPORT_EVERY: Duration = Duration::from_secs(1);
/// A tracker that has not reported for so long is stuck.
const STUCK: Duration = Duration::from_secs(30);

/// The figures at one moment. What a tracker does not know is `None` and left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Since the start; set by [`Reporter::report`].
    pub uptime: Duration,
    /// Connections that stand.
    pub connections: u32,
    /// Connections that are being made.
    pub pending_connections: u32,
    /// What the registry holds and did.
    pub registry: Option<RegistryFigures>,
    /// Answers that refused something, by the status that went over the wire.
    pub refusals: BTreeMap<Status, u64>,
    /// Payloads that peers left.
    pub payloads: Option<Amount>,
    /// Entries of the file index.
    pub index_entries: Option<usize>,
    /// What the store does.
    pub store: Option<StoreStats>,
}

/// What `Registry` tells of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegistryFigures {
    /// `Registry::len`
    pub registrations: usize,
    /// `Registry::peers`
    pub peers: usize,
    /// `Registry::namespaces`
    pub namespaces: usize,
    /// `Registry::counters`
    pub counters: RegistryCounts,
}

/// How many and how large.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Number of items.
    pub count: usize,
    /// What they take together, in bytes.
    pub bytes: usize,
}

/// Takes the figures from the task that has them.
#[derive(Debug)]
pub struct Reporter {
    started: Instant,
    latest: watch::Sender<Snapshot>,
}

/// Gives the figures to the task that serves them.
#[derive(Debug, Clone)]
pub struct Feed {
    started: Instant,
    latest: watch::Receiver<Snapshot>,
}

/// Both ends; the tracker's start is now.
pub fn channel() -> (Reporter, Feed) {
    let started = Instant::now();
    let (sender, receiver) = watch::channel(Snapshot::default());
    (Reporter { started, latest: sender }, Feed { started, latest: receiver })
}

impl Reporter {
    /// Replaces the figures.
    pub fn report(&self, snapshot: Snapshot) {
        self.latest.send_replace(Snapshot { uptime: self.started.elapsed(), ..snapshot });
    }
}

impl Feed {
    /// The latest figures.
    pub fn latest(&self) -> Snapshot {
        self.latest.borrow().clone()
    }

    /// Whether the tracker has reported lately.
    pub fn is_alive(&self) -> bool {
        let reported = self.latest.borrow().uptime;
        self.latest.has_changed().is_ok() && self.started.elapsed().saturating_sub(reported) < STUCK
    }
}
