//! One that follows: where it is, and what it gets next.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::response::sse::Event;
use futures::Stream;
use shoal_daemon::Daemon;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;

use super::hub::{EventsHub, Place};
use super::pump::write;
use super::ring::{After, Line};
use crate::library;
use crate::model::{ApiChange, GapInfo};

/// What one that follows gets next.
struct Piece {
    place: Place,
    kind: &'static str,
    data: String,
}

impl Piece {
    fn event(self) -> Event {
        Event::default().id(self.place.to_string()).event(self.kind).data(self.data)
    }
}

struct Follower {
    daemon: Daemon,
    hub: Arc<EventsHub>,
    stop: CancellationToken,
    last: watch::Receiver<u64>,
    /// Lines that are on their way.
    lines: VecDeque<Arc<Line>>,
    /// What was read last; `None`: how everything is comes next.
    place: Option<Place>,
    /// Held for as long as it follows.
    _place: OwnedSemaphorePermit,
}

/// Follows from an event on, or from now. `None` if too many follow.
pub(crate) fn follow(
    daemon: Daemon,
    hub: Arc<EventsHub>,
    stop: CancellationToken,
    after: Option<Place>,
) -> Option<impl Stream<Item = Result<Event, Infallible>> + Send + use<>> {
    let held = hub.enter()?;
    // A place that never was is as good as none.
    let place = after.filter(|place| hub.after(*place) != After::Unknown);
    let last = hub.last();
    let follower = Follower { daemon, hub, stop, last, lines: VecDeque::new(), place, _place: held };
    Some(futures::stream::unfold(follower, |mut follower| async {
        let piece = follower.next().await?;
        Some((Ok(piece.event()), follower))
    }))
}

impl Follower {
    /// What comes next; `None` once the server stops.
    async fn next(&mut self) -> Option<Piece> {
        let stop = self.stop.clone();
        tokio::select! {
            // A stop comes before what is still to be told.
            biased;
            () = stop.cancelled() => None,
            event = self.find() => event,
        }
    }

    async fn find(&mut self) -> Option<Piece> {
        self.hub.ready.subscribe().wait_for(|ready| *ready).await.ok()?;
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(piece(self.hub.place(line.number), line.kind, line.data.clone()));
            }
            let Some(place) = self.place else { return self.snapshot().await };
            self.last.borrow_and_update();
            match self.hub.after(place) {
                After::Lines(lines) => match lines.last() {
                    Some(line) => {
                        self.place = Some(self.hub.place(line.number));
                        self.lines = lines.into();
                    }
                    None => self.last.changed().await.ok()?,
                },
                After::Missed(missed) => return self.gap(place, Some(missed)),
                After::Unknown => return self.gap(place, None),
            }
        }
    }

    fn gap(&mut self, place: Place, missed: Option<u64>) -> Option<Piece> {
        self.place = None;
        let gap = ApiChange::Gap(GapInfo { missed });
        Some(piece(place, gap.kind(), write(&gap)?))
    }

    async fn snapshot(&mut self) -> Option<Piece> {
        // In this order: what happens in between is in both, and comes again.
        let here = self.hub.here();
        let snapshot = ApiChange::Snapshot(library::snapshot(&self.daemon).await);
        self.place = Some(here);
        Some(piece(here, snapshot.kind(), write(&snapshot)?))
    }
}

fn piece(place: Place, kind: &'static str, data: String) -> Piece {
    Piece { place, kind, data }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::ring::LINES;
    use shoal_daemon::DaemonConfig;
    use shoal_net::NodeConfig;

    async fn follower(hub: &Arc<EventsHub>, number: u64) -> Follower {
        let node =
            NodeConfig { listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()], ..NodeConfig::default() };
        let daemon = Daemon::start(DaemonConfig { node, ..DaemonConfig::default() }).await.unwrap();
        Follower {
            daemon,
            hub: hub.clone(),
            stop: CancellationToken::new(),
            last: hub.last(),
            lines: VecDeque::new(),
            place: Some(hub.place(number)),
            _place: hub.enter().unwrap(),
        }
    }

    async fn next(follower: &mut Follower) -> (&'static str, u64, String) {
        let piece = follower.next().await.unwrap();
        (piece.kind, piece.place.number, piece.data)
    }

    #[tokio::test]
    async fn a_reader_that_is_too_slow_sees_the_gap_and_how_everything_is() {
        let hub = Arc::new(EventsHub::new(1));
        hub.ready.send_replace(true);
        hub.tell("peers", "1".into());
        let mut slow = follower(&hub, 0).await;
        assert_eq!(next(&mut slow).await, ("peers", 1, "1".into()));
        // It reads no more for a while.
        (2..=LINES as u64 + 5).for_each(|n| hub.tell("peers", n.to_string()));
        assert_eq!(next(&mut slow).await, ("gap", 1, r#"{"missed":4}"#.into()));
        let (kind, number, data) = next(&mut slow).await;
        assert_eq!((kind, number), ("snapshot", LINES as u64 + 5));
        assert!(data.starts_with(r#"{"count":0,"#), "{data}");
        hub.tell("peers", "9".into());
        assert_eq!(next(&mut slow).await, ("peers", LINES as u64 + 6, "9".into()));
        // Lines that it has in hand are not lost with the ring's.
        (0..2).for_each(|n| hub.tell("peers", n.to_string()));
        assert_eq!(next(&mut slow).await.1, LINES as u64 + 7);
        (0..LINES).for_each(|n| hub.tell("peers", n.to_string()));
        assert_eq!(next(&mut slow).await.1, LINES as u64 + 8);
        assert_eq!(next(&mut slow).await.1, LINES as u64 + 9);
        slow.stop.cancel();
        assert!(slow.next().await.is_none());
    }
}
