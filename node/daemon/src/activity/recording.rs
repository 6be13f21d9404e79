//! What a node tells, as events of the log.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use shoal_net::{ActivityStream, Heard, HeardActivity, Node, Subscription};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::deeds;
use super::format::LogEvent;
use super::news;
use super::writer::{ActivityLog, ActivitySender};

/// Writes what a node does to a log, until it is finished.
pub struct ActivityRecorder {
    log: ActivityLog,
    stop: CancellationToken,
    listening: JoinHandle<()>,
}

impl ActivityRecorder {
    /// Begins to write to a file. Fails if that cannot be written to now. Needs a runtime.
    pub fn start(node: &Node, path: PathBuf) -> io::Result<Self> {
        let log = ActivityLog::open(path)?;
        let stop = CancellationToken::new();
        let sender = log.sender();
        let started = LogEvent { peer: Some(node.peer_id().to_string()), ..now("started") };
        sender.log(started.with("version", env!("CARGO_PKG_VERSION").to_owned()));
        let (_, events) = node.subscribe();
        let listening = tokio::spawn(listen(node.activity(), events, sender, stop.clone()));
        Ok(Self { log, stop, listening })
    }

    /// Writes what was told until now, and ends.
    pub async fn finish(self) {
        self.stop.cancel();
        // Err would be a panic; what was written by then stays.
        let _ = self.listening.await;
        let log = self.log;
        let _ = tokio::task::spawn_blocking(move || drop(log)).await;
    }
}

async fn listen(
    mut deeds: ActivityStream,
    mut events: Subscription,
    sender: ActivitySender,
    stop: CancellationToken,
) {
    // A stream that has ended is ready at once, and would starve the other one.
    let (mut acts, mut tells) = (true, true);
    loop {
        tokio::select! {
            biased;
            heard = deeds.next(), if acts => match heard {
                Some(HeardActivity::Activity(activity)) => sender.log(deeds::line_of(activity)),
                Some(HeardActivity::Missed(events)) => sender.lose(events),
                None => acts = false,
            },
            heard = events.next(), if tells => match heard {
                Some(Heard::Event(event)) => news::line_of(event).into_iter().for_each(|event| sender.log(event)),
                Some(Heard::Missed(events)) => sender.lose(events),
                None => tells = false,
            },
            // Only once there is nothing left to hear.
            () = stop.cancelled() => return sender.log(now("ended")),
        }
    }
}

fn now(event: &'static str) -> LogEvent {
    LogEvent::new(SystemTime::now(), event)
}
