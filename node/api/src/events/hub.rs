//! The ring, those that follow it, and what the pump is told.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shoal_content::ContentId;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use super::ring::{After, Ring};

/// Followers at once.
const FOLLOWERS: usize = 16;
/// Lines that a follower takes at once.
const BATCH: usize = 64;
/// Contents that may be touched before the pump looks; with more, it looks at all.
const TOUCHED: usize = 256;

/// A place in the events of one process, as it is written in an event's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Tells this process from those before it.
    pub(crate) run: u64,
    /// The line that was read last.
    pub(crate) number: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.run, self.number)
    }
}

impl Place {
    /// Reads an event's id; `None` for what this version never writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (run, number) = text.split_once('-')?;
        Some(Self { run: u64::from_str_radix(run, 16).ok()?, number: number.parse().ok()? })
    }
}

/// What followers and the pump share.
pub(crate) struct EventsHub {
    run: u64,
    ring: Mutex<Ring>,
    /// The number of the last line.
    last: watch::Sender<u64>,
    places: Arc<Semaphore>,
    touched: Mutex<Touched>,
    /// Wakes the pump: somebody follows, or something was touched.
    pub(crate) wake: Notify,
    /// Whether the pump has looked at everything once.
    pub(crate) ready: watch::Sender<bool>,
}

/// What was changed by way of the API.
#[derive(Default)]
pub(crate) struct Touched {
    pub(crate) contents: Vec<ContentId>,
    /// More than that: look at everything.
    pub(crate) more: bool,
}

impl EventsHub {
    pub(crate) fn new(run: u64) -> Self {
        Self {
            run,
            ring: Mutex::default(),
            last: watch::Sender::new(0),
            places: Arc::new(Semaphore::new(FOLLOWERS)),
            touched: Mutex::default(),
            wake: Notify::new(),
            ready: watch::Sender::new(false),
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one of the followers' places; `None` if there are too many.
    pub(crate) fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        self.wake.notify_one();
        Some(place)
    }

    /// Whether anybody follows.
    pub(crate) fn followed(&self) -> bool {
        self.places.available_permits() < FOLLOWERS
    }

    pub(crate) fn tell(&self, kind: &'static str, data: String) {
        let mut ring = self.ring();
        ring.push(kind, data);
        self.last.send_replace(ring.last());
    }

    /// Where one begins that has just seen how everything is.
    pub(crate) fn here(&self) -> Place {
        self.place(self.ring().last())
    }

    pub(crate) fn place(&self, number: u64) -> Place {
        Place { run: self.run, number }
    }

    pub(crate) fn after(&self, place: Place) -> After {
        if place.run == self.run { self.ring().after(place.number, BATCH) } else { After::Unknown }
    }

    pub(crate) fn last(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// Notes that a content was changed, so that the pump looks at it soon.
    pub(crate) fn touch(&self, content: ContentId) {
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        if touched.contents.len() < TOUCHED {
            touched.contents.push(content);
        } else {
            touched.more = true;
        }
    }

    pub(crate) fn take_touched(&self) -> Touched {
        std::mem::take(&mut self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_run_is_unknown() {
        let hub = EventsHub::new(7);
        (0..3).for_each(|n| hub.tell("content", n.to_string()));
        let place = Place::parse(&hub.place(2).to_string()).unwrap();
        assert!(matches!(hub.after(place), After::Lines(lines) if lines.len() == 1));
        assert_eq!(hub.after(Place { run: 8, ..place }), After::Unknown);
        for odd in ["", "7", "-", "7-", "-7", "x-1", "7--1", "7-99999999999999999999999"] {
            assert_eq!(Place::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn followers_are_bounded() {
        let hub = EventsHub::new(7);
        assert!(!hub.followed());
        let mut places: Vec<_> = (0..FOLLOWERS).map(|_| hub.enter().unwrap()).collect();
        assert!(hub.enter().is_none() && hub.followed());
        places.pop();
        assert!(hub.enter().is_some());
    }
}
