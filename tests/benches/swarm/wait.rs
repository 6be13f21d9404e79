//! Waiting with a deadline, and giving up on Ctrl-C.
//!
//! A signal only sets a flag. A loop that waits looks at it and returns an error, so that everything that was
//! set up is taken down on the way out, as on any other error.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::signal::unix::{SignalKind, signal};

/// How often anybody looks.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

static STOPPED: AtomicBool = AtomicBool::new(false);

/// From now on, Ctrl-C and SIGTERM set the flag.
pub(crate) fn listen_for_signals() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        // A second signal changes nothing: it must not end the process amid its clean-up.
        STOPPED.store(true, Ordering::Relaxed);
    });
    Ok(())
}

/// Sleeps until it is time for the next look; fails once a signal has come.
pub(crate) fn pause() -> anyhow::Result<()> {
    std::thread::sleep(LOOK);
    go_on()
}

/// Fails once a signal has come.
pub(crate) fn go_on() -> anyhow::Result<()> {
    ensure!(!STOPPED.load(Ordering::Relaxed), "stopped by a signal");
    Ok(())
}

/// Looks until there is something, at most this long.
pub(crate) fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(found) = look().with_context(|| format!("waiting for {what}"))? {
            return Ok(found);
        }
        pause()?;
    }
    bail!("not within {limit:?}: {what}")
}
