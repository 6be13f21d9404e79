//! Accepts connections.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::Router;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connection::answer;
use super::places::Places;
use super::spares::Spares;
use super::unix::{Socket, is_own};

/// How long to wait after a failure that nothing can be done about.
const PAUSE: Duration = Duration::from_millis(100);

/// What all listeners share; cheap to clone.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) places: Places,
    pub(super) spares: Spares,
    pub(super) stop: CancellationToken,
    /// Held by every task of the server: the last one to end drops the last of these.
    pub(super) alive: mpsc::Sender<Infallible>,
}

/// Where connections come from.
pub(super) trait Listener: Send + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Whether they come over TCP.
    const TCP: bool;
    /// The next connection; `None` for one that is not served.
    fn next(&self) -> impl Future<Output = io::Result<Option<Self::Stream>>> + Send;
}

impl Listener for Socket {
    type Stream = tokio::net::UnixStream;
    const TCP: bool = false;

    async fn next(&self) -> io::Result<Option<Self::Stream>> {
        let (stream, _) = self.listener.accept().await?;
        let own = is_own(&stream);
        if !own {
            tracing::warn!("another user tries to use the API's socket");
        }
        Ok(own.then_some(stream))
    }
}

impl Listener for TcpListener {
    type Stream = tokio::net::TcpStream;
    const TCP: bool = true;

    async fn next(&self) -> io::Result<Option<Self::Stream>> {
        Ok(Some(self.accept().await?.0))
    }
}

/// Accepts until it is stopped.
pub(super) async fn accept<L: Listener>(listener: L, router: Router, shared: Shared) {
    let stop = shared.stop.clone();
    tokio::select! {
        () = stop.cancelled() => {}
        () = accept_all(listener, router, shared) => {}
    }
}

async fn accept_all<L: Listener>(listener: L, router: Router, shared: Shared) {
    loop {
        let place = shared.places.take(L::TCP).await;
        let stream = match listener.next().await {
            Ok(Some(stream)) => stream,
            Ok(None) => continue,
            Err(error) => {
                recover(&error, &shared.spares).await;
                continue;
            }
        };
        let answered = answer(stream, router.clone(), shared.stop.clone());
        let (spares, alive) = (shared.spares.clone(), shared.alive.clone());
        tokio::spawn(async move {
            // Its descriptor is free after this.
            answered.await;
            spares.fill();
            drop((place, alive));
        });
    }
}

/// Does what can be done so that the next connection can be accepted.
async fn recover(error: &io::Error, spares: &Spares) {
    let used_up = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE];
    if used_up.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) && spares.release() {
        return;
    }
    tracing::warn!("cannot accept a connection to the API: {error}");
    tokio::time::sleep(PAUSE).await;
    // What was let go and taken by others.
    spares.fill();
}
