//! What comes in, over all streams of the node: its limit, its rate, and how many contents are fetched.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Clock;
use crate::meter::Meter;
use crate::pace::Pace;

/// See the module.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(super) pace: Arc<Pace>,
    clock: Clock,
    /// What comes, before it is verified.
    meter: Mutex<Meter>,
    attached: AtomicUsize,
}

impl Intake {
    pub(super) fn new(pace: Arc<Pace>, clock: Clock) -> Self {
        Self { pace, clock, meter: Mutex::default(), attached: AtomicUsize::new(0) }
    }

    /// Most bytes of chunks fetched per second.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.pace.rate()
    }

    /// Another limit from now on, also for what is on its way.
    pub(crate) fn set_limit(&self, limit: Option<u64>) {
        self.pace.set(limit);
    }

    /// Bytes of chunks per second that come of late.
    pub(crate) fn rate(&self) -> u64 {
        self.moves(0)
    }

    /// Bytes came.
    pub(super) fn came(&self, bytes: u64) {
        self.moves(bytes);
    }

    fn moves(&self, bytes: u64) -> u64 {
        let now = self.clock.now();
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        meter.add(now, bytes);
        meter.rate(now)
    }

    /// How many contents are attached to the streams.
    pub(crate) fn attached(&self) -> usize {
        self.attached.load(Ordering::Relaxed)
    }

    pub(super) fn attaches(&self) {
        self.attached.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn detaches(&self) {
        self.attached.fetch_sub(1, Ordering::Relaxed);
    }
}
