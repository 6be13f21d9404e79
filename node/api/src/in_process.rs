//! The API without any socket.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use rand::TryRng;
use rand::rngs::SysRng;
use shoal_daemon::Daemon;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::events::{EventsHub, pump};
use crate::metrics::NodeMetrics;
use crate::routes;

/// The routes of a daemon in this process, for [`Client::in_process`](crate::Client::in_process). Whoever has them may do all.
/// `data` is the daemon's data folder; a request to shut down cancels `stop`.
pub fn router(daemon: Daemon, data: Option<PathBuf>, stop: CancellationToken) -> Router {
    routes::build(begin(daemon, data, stop), "")
}

/// Begins to watch the daemon until `stop`.
pub(crate) fn begin(daemon: Daemon, data: Option<PathBuf>, stop: CancellationToken) -> App {
    // Without randomness from the system, an event's id of an earlier process may be taken for one of this.
    let hub = Arc::new(EventsHub::new(SysRng.try_next_u64().unwrap_or_default()));
    tokio::spawn(pump(daemon.clone(), hub.clone(), stop.clone()));
    let metrics = Arc::new(NodeMetrics::of(daemon.clone()));
    App { daemon, hub, metrics, stop, data }
}
