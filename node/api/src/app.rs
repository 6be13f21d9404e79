//! What every handler has.

use std::path::PathBuf;
use std::sync::Arc;

use shoal_daemon::Daemon;
use tokio_util::sync::CancellationToken;

use crate::events::EventsHub;
use crate::metrics::NodeMetrics;

/// What every handler has; cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) daemon: Daemon,
    pub(crate) hub: Arc<EventsHub>,
    /// Figures for Prometheus.
    pub(crate) metrics: Arc<NodeMetrics>,
    /// Ends the server, and tells the one that runs the daemon to end that.
    pub(crate) stop: CancellationToken,
    /// The daemon's data folder.
    pub(crate) data: Option<PathBuf>,
}
