//! What a node tells, as events of the log.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use shoal_net::{ContentEvent, Heard, Node, NodeEvent, Subscription};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::format::LogEvent;
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
        let listening = tokio::spawn(listen(events, sender, stop.clone()));
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

async fn listen(mut events: Subscription, sender: ActivitySender, stop: CancellationToken) {
    loop {
        let heard = tokio::select! {
            biased;
            heard = events.next() => heard,
            // Only once there is nothing left to hear.
            () = stop.cancelled() => None,
        };
        match heard {
            Some(Heard::Event(event)) => sender.log(record(event)),
            Some(Heard::Missed(events)) => sender.lose(events),
            None => return sender.log(now("ended")),
        }
    }
}

fn now(event: &'static str) -> LogEvent {
    LogEvent::new(SystemTime::now(), event)
}

/// An event as it is logged.
fn record(event: NodeEvent) -> LogEvent {
    let logged = match event.event {
        ContentEvent::Manifest { name, size, files } => {
            now("manifest").with("name", name).with("bytes", size).with("files", u64::from(files))
        }
        ContentEvent::BadPeer { peer, chunk } => {
            let event = LogEvent { peer: Some(peer.to_string()), ..now("banned") };
            chunk.into_iter().fold(event, |event, chunk| event.with("chunk", u64::from(chunk)))
        }
        ContentEvent::Blocked(why) => now("disk_blocked").with("why", why),
        ContentEvent::Unblocked => now("disk_unblocked"),
        ContentEvent::Withdrawn(words) => now("file_withdrawn").with("why", words),
        ContentEvent::Unavailable { chunks } => now("chunks_unavailable").with("chunks", chunks as u64),
        ContentEvent::TrackersUseless(why) => {
            let each: Vec<String> =
                why.iter().map(|(tracker, error)| format!("{tracker}: {error}")).collect();
            now("trackers_useless").with("why", each.join("; "))
        }
        ContentEvent::Safe { copies } => now("content_safe").with("copies", copies as u64),
        ContentEvent::GoalReached(goal) => {
            now("goal_reached").with("goal", format!("{goal:?}").to_lowercase())
        }
        ContentEvent::Finished(Ok(finished)) => {
            now("content_complete").with("path", finished.path.to_string_lossy().into_owned())
        }
        ContentEvent::Finished(Err(failure)) => now("content_failed").with("why", failure.to_string()),
        ContentEvent::Ended => now("content_ended"),
    };
    LogEvent { content: Some(event.content.to_string()), ..logged }
}
