//! All of the server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use shoal_daemon::Daemon;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::accept::{Shared, accept};
use super::config::ApiConfig;
use super::error::ApiError;
use super::guard::{Guard, guard};
use super::places::Places;
use super::spares::Spares;
use super::token::Token;
use super::unix::Socket;
use crate::in_process::begin;
use crate::routes;

/// How long the last answers may take once it is stopped.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// A server that runs.
pub struct ApiServer {
    tcp: Option<SocketAddr>,
    task: JoinHandle<()>,
}

impl ApiServer {
    /// Where it listens on TCP.
    pub fn tcp(&self) -> Option<SocketAddr> {
        self.tcp
    }

    /// Waits until it has ended, after its stop: at most some seconds longer, for answers that are under way.
    pub async fn ended(self) {
        // Err only says that it panicked, which has been told.
        drop(self.task.await);
    }
}

/// Serves the API of a daemon until `stop`. A request to shut down cancels `stop` as well: the caller then waits for
/// [`ApiServer::ended`] and ends the daemon.
pub async fn serve(
    daemon: Daemon,
    config: ApiConfig,
    stop: CancellationToken,
) -> Result<ApiServer, ApiError> {
    config.check()?;
    let base = config.base()?;
    let unix = match &config.socket {
        Some(path) => Some(Socket::bind(path).await?),
        None => None,
    };
    let tcp = match config.tcp {
        Some(address) => {
            Some(TcpListener::bind(address).await.map_err(|source| ApiError::Tcp { address, source })?)
        }
        None => None,
    };
    let address = tcp.as_ref().and_then(|listener| listener.local_addr().ok());
    let app = begin(daemon, config.data.clone(), stop.clone());
    let (alive, tasks) = mpsc::channel(1);
    let shared = Shared { places: Places::default(), spares: Spares::new(), stop: stop.clone(), alive };
    if let Some(socket) = unix {
        tokio::spawn(accept(socket, routes::build(app.clone(), ""), shared.clone()));
    }
    if let (Some(listener), Some(data)) = (tcp, &config.data) {
        let guarded = guarded(routes::build(app, &base), Guard::new(Token::hold(data)?, &config.names));
        tokio::spawn(accept(listener, guarded, shared.clone()));
    }
    Ok(ApiServer { tcp: address, task: tokio::spawn(end(stop, tasks)) })
}

/// Nothing of the router sees a request that the guard refuses.
fn guarded(router: Router, by: Guard) -> Router {
    router.layer(from_fn_with_state(Arc::new(by), guard))
}

async fn end(stop: CancellationToken, mut tasks: mpsc::Receiver<Infallible>) {
    stop.cancelled().await;
    // Nothing is ever sent: this ends with the last task.
    if tokio::time::timeout(LAST_ANSWERS, tasks.recv()).await.is_err() {
        tracing::debug!("answers of the API were still under way at the end");
    }
}
