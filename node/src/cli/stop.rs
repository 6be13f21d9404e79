//! Ending on signals.

use tokio_util::sync::CancellationToken;

/// A token that the first Ctrl-C or SIGTERM cancels. The second one ends the process at once.
pub(super) fn on_signal() -> CancellationToken {
    /// What a shell reports for a process that SIGINT ended.
    const INTERRUPTED: i32 = 130;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        signal().await;
        cancel.cancel();
        signal().await;
        std::process::exit(INTERRUPTED);
    });
    token
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
