//! Ending on signals.

use tokio_util::sync::CancellationToken;

/// A token that the first Ctrl-C or SIGTERM cancels. The second one ends the process at once.
pub(super) fn on_signal() -> CancellationToken {
    /// What a shell reports for a process that SIGINT ended.
    const INTERRUPTED: i32 = 130;
    let token = CancellationToken::new();
    let cancel = token.clone();
    survive_file_limits();
    // Made here, not in the task: a signal may come before that first runs.
    let mut signals = Signals::new();
    tokio::spawn(async move {
        signals.next().await;
        cancel.cancel();
        signals.next().await;
        std::process::exit(INTERRUPTED);
    });
    token
}

/// Which signal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// A file that may not grow any more (`ulimit -f`) is like a full disk, which is waited for. By itself the system ends a
/// process that tries.
#[cfg(unix)]
fn survive_file_limits() {
    use tokio::signal::unix::{SignalKind, signal};
    let number = rustix::process::Signal::XFSZ.as_raw();
    // Once it is noticed at all it ends nothing. Without that, it is as it was.
    drop(signal(SignalKind::from_raw(number)));
}

#[cfg(not(unix))]
fn survive_file_limits() {}

/// Ctrl-C and SIGTERM, noticed from the moment this is made.
#[cfg(unix)]
pub(super) struct Signals(Option<[tokio::signal::unix::Signal; 2]>);

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let both = signal(SignalKind::interrupt()).and_then(|i| Ok([i, signal(SignalKind::terminate())?]));
        // Without them the system ends the process at the first signal, which is good enough.
        Self(both.ok())
    }

    /// The next one. Cancel-safe.
    pub(super) async fn next(&mut self) -> Which {
        let Some([interrupt, terminate]) = &mut self.0 else { return std::future::pending().await };
        tokio::select! {
            _ = interrupt.recv() => Which::Interrupt,
            _ = terminate.recv() => Which::Terminate,
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> Self {
        Self
    }

    pub(super) async fn next(&mut self) -> Which {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Which::Interrupt
    }
}
