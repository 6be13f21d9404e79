//! How much a stream may be sent: receive windows that follow the line.
//!
//! A window starts with 256 KiB. When half of it was read it is granted again, and if that took less than two round
//! trips, the window was what held the sender up: then it doubles, as QUIC's does
//! ([flow control in QUIC](https://docs.google.com/document/d/1F2YfdDXKpy20WVKJueEf4abn_LVZHhMUMS5gX6Pgjl4/)), while the
//! connection has growth to spare. It never shrinks, since what was granted cannot be taken back.

use std::time::Duration;

/// What each stream may be sent before it is read, in bytes: the protocol's start.
pub const WINDOW: u32 = 256 << 10;

/// What one stream may be sent.
#[derive(Debug)]
pub(super) struct ReceiveWindow {
    most: u32,
    /// What the other side may still send.
    left: u32,
    /// When it was granted something last.
    granted: Duration,
}

impl ReceiveWindow {
    pub(super) fn new(now: Duration) -> Self {
        Self { most: WINDOW, left: WINDOW, granted: now }
    }

    /// Bytes are sent. `false` if they are more than was granted.
    #[must_use]
    pub(super) fn take(&mut self, bytes: u32) -> bool {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// What to grant now, if it is enough for a frame of its own. `unread`: bytes that were sent and not read; `spare`: by
    /// how much the windows of the connection may grow.
    pub(super) fn grant(
        &mut self,
        now: Duration,
        unread: u32,
        round_trip: Option<Duration>,
        spare: &mut u32,
    ) -> Option<u32> {
        let read = |window: &Self| window.most - window.left - unread;
        if read(self) < self.most / 2 {
            return None;
        }
        if round_trip.is_some_and(|trip| now.saturating_sub(self.granted) < trip * 2) {
            let growth = self.most.min(*spare);
            *spare -= growth;
            self.most += growth;
        }
        let more = read(self);
        self.left += more;
        self.granted = now;
        Some(more)
    }

    /// By how much it has grown.
    pub(super) fn grown(&self) -> u32 {
        self.most - WINDOW
    }
}

/// How often the round trip is measured, while the connection is used at all.
const MEASURE_EVERY: Duration = Duration::from_secs(10);

/// Measures the round trip by pings.
#[derive(Debug, Default)]
pub(super) struct RoundTrip {
    measured: Option<Duration>,
    /// When a ping was sent that was not answered.
    asked: Option<Duration>,
    /// The next ping's name.
    next: u32,
    /// When to send it.
    due: Duration,
}

impl RoundTrip {
    pub(super) fn get(&self) -> Option<Duration> {
        self.measured
    }

    /// The name of a ping to be sent now, if it is time for one.
    pub(super) fn ping(&mut self, now: Duration) -> Option<u32> {
        if self.asked.is_some() || now < self.due {
            return None;
        }
        self.asked = Some(now);
        Some(self.next)
    }

    /// A ping is answered. `false` if it was none of ours.
    #[must_use]
    pub(super) fn answered(&mut self, now: Duration, name: u32) -> bool {
        let Some(asked) = self.asked.filter(|_| name == self.next) else { return false };
        self.measured = Some(now.saturating_sub(asked));
        (self.asked, self.next, self.due) = (None, self.next.wrapping_add(1), now + MEASURE_EVERY);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TRIP: Option<Duration> = Some(Duration::from_millis(100));

    #[test]
    fn half_of_a_window_is_granted_again_and_less_is_not() {
        let (mut window, mut spare) = (ReceiveWindow::new(Duration::ZERO), 0);
        assert!(window.take(WINDOW / 2));
        assert_eq!(window.grant(Duration::ZERO, 1, TRIP, &mut spare), None);
        assert_eq!(window.grant(Duration::ZERO, 0, TRIP, &mut spare), Some(WINDOW / 2));
        assert!(window.take(WINDOW));
        assert!(!window.take(1), "more than was granted");
    }

    #[test]
    fn a_window_that_holds_the_sender_up_doubles_as_long_as_there_is_growth_to_spare() {
        let (mut window, mut spare) = (ReceiveWindow::new(Duration::ZERO), WINDOW + 1000);
        let mut at = |now: u64| {
            assert!(window.take(WINDOW));
            window.grant(Duration::from_millis(now), 0, TRIP, &mut spare).map(|more| (more, window.grown()))
        };
        assert_eq!(at(199), Some((2 * WINDOW, WINDOW)));
        assert_eq!(at(399), Some((WINDOW, WINDOW)), "two round trips are slow enough");
        assert_eq!(at(598), Some((WINDOW + 1000, WINDOW + 1000)));
        assert_eq!(at(600), None, "that is less than half of it now");
    }

    #[test]
    fn without_a_round_trip_nothing_grows() {
        let (mut window, mut spare) = (ReceiveWindow::new(Duration::ZERO), WINDOW);
        assert!(window.take(WINDOW));
        assert_eq!(window.grant(Duration::ZERO, 0, None, &mut spare), Some(WINDOW));
        assert_eq!((window.grown(), spare), (0, WINDOW));
    }

    #[test]
    fn the_round_trip_is_measured_again_after_a_while() {
        let mut trip = RoundTrip::default();
        let at = Duration::from_millis;
        assert_eq!(trip.ping(at(0)), Some(0));
        assert_eq!(trip.ping(at(1)), None, "one at a time");
        assert!(!trip.answered(at(30), 1));
        assert!(trip.answered(at(30), 0));
        assert!(!trip.answered(at(30), 0), "twice");
        assert_eq!((trip.get(), trip.ping(at(10_029))), (Some(at(30)), None));
        assert_eq!(trip.ping(at(10_030)), Some(1));
    }

    proptest! {
        #[test]
        fn what_is_unread_and_granted_never_exceeds_the_window(
            steps in proptest::collection::vec((0..2 * WINDOW, 0..2 * WINDOW, 0..400_u64), 1..100)
        ) {
            let (mut window, mut spare, growth) = (ReceiveWindow::new(Duration::ZERO), 3 * WINDOW, 3 * WINDOW);
            let (mut unread, mut now) = (0, 0);
            for (sent, read, passed) in steps {
                now += passed;
                let sent = sent.min(window.left);
                prop_assert!(window.take(sent));
                unread += sent;
                unread -= read.min(unread);
                window.grant(Duration::from_millis(now), unread, TRIP, &mut spare);
                prop_assert!(unread + window.left <= window.most);
                prop_assert_eq!(window.grown() + spare, growth);
            }
        }
    }
}
