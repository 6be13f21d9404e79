//! When serving a content ends by itself.
//!
//! A [`SeedGoal`] is what a user asked for; [`SeedWatch`] is told how far the content is and says when it is safe to
//! leave and when the goal is reached.
//!
//! What this is not: it ends nothing. The caller does, when [`SeedOutput::Reached`] comes.
//!
//! What always holds: [`SeedOutput::Reached`] comes at most once, and last; without any goal it never comes. A goal
//! that was reached and is lost again while chunks are on their way, because a peer left, is not reached.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long the chunks that were sent last may take to arrive once the goal is reached. Bytes that this side has
/// written can be lost with the connection.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(10);

/// When serving ends by itself: as soon as one of these is reached. With none, never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SeedGoal {
    /// After serving for this long.
    pub time: Option<Duration>,
    /// After sending this many times the content's size.
    pub ratio: Option<f64>,
    /// Once the other peers have so many confirmed copies of the content together.
    pub copies: Option<usize>,
}

/// How far serving is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SeedStatus {
    /// Bytes of the content.
    pub size: u64,
    /// Bytes of chunks that were sent.
    pub sent: u64,
    /// Copies that the connected peers have together for certain: see [`ConfirmedCopies`](crate::ConfirmedCopies).
    pub copies: usize,
    /// Peers that have not said yet that they have the chunk that they were sent last.
    pub unconfirmed: usize,
}

/// What to tell or do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedOutput {
    /// The peers have as many copies as asked for, or one if nothing was asked for. Comes once.
    Safe {
        /// How many.
        copies: usize,
    },
    /// The goal is reached: stop serving. Comes once, last.
    Reached(ReachedGoal),
}

/// Which goal was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReachedGoal {
    /// [`SeedGoal::time`].
    Time,
    /// [`SeedGoal::ratio`].
    Ratio,
    /// [`SeedGoal::copies`].
    Copies,
}

/// Watches over one content that is complete and being served.
#[derive(Debug)]
pub struct SeedWatch {
    goal: SeedGoal,
    /// When serving began.
    since: Duration,
    status: SeedStatus,
    /// Since when the goal is reached but for chunks on their way.
    reached_at: Option<Duration>,
    safe_told: bool,
    over: bool,
    outputs: VecDeque<SeedOutput>,
}

impl SeedWatch {
    /// Starts when serving begins.
    pub fn new(now: Duration, goal: SeedGoal) -> Self {
        Self {
            goal,
            since: now,
            status: SeedStatus::default(),
            reached_at: None,
            safe_told: false,
            over: false,
            outputs: VecDeque::new(),
        }
    }

    /// Takes how far serving is. Drain [`poll_output`](Self::poll_output) afterwards.
    pub fn handle(&mut self, now: Duration, status: SeedStatus) {
        self.status = status;
        if !self.safe_told && status.copies >= self.goal.copies.unwrap_or(1) {
            self.safe_told = true;
            self.outputs.push_back(SeedOutput::Safe { copies: status.copies });
        }
        self.decide(now);
    }

    /// Time has passed; see [`next_timeout`](Self::next_timeout). Drain [`poll_output`](Self::poll_output) afterwards.
    pub fn timeout(&mut self, now: Duration) {
        self.decide(now);
    }

    /// The next thing to tell or do, if there is one.
    pub fn poll_output(&mut self) -> Option<SeedOutput> {
        self.outputs.pop_front()
    }

    /// When to come back with [`timeout`](Self::timeout) at the latest.
    pub fn next_timeout(&self) -> Option<Duration> {
        let end = self.goal.time.map(|time| self.since.saturating_add(time));
        let unconfirmed = self.reached_at.map(|at| at + CONFIRMED_WITHIN);
        end.into_iter().chain(unconfirmed).min().filter(|_| !self.over)
    }

    fn decide(&mut self, now: Duration) {
        if self.over {
            return;
        }
        if self.goal.time.is_some_and(|time| now >= self.since.saturating_add(time)) {
            return self.end(ReachedGoal::Time);
        }
        let Some(reached) = self.reached() else {
            self.reached_at = None;
            return;
        };
        let since = *self.reached_at.get_or_insert(now);
        if self.status.unconfirmed == 0 || now >= since + CONFIRMED_WITHIN {
            self.end(reached);
        }
    }

    /// The goal that is reached, chunks on their way aside.
    fn reached(&self) -> Option<ReachedGoal> {
        let SeedStatus { size, sent, copies, .. } = self.status;
        // Of an empty content nothing is ever sent; each peer that has it got it whole.
        let times = if size == 0 { copies as f64 } else { sent as f64 / size as f64 };
        if self.goal.ratio.is_some_and(|ratio| times >= ratio) {
            return Some(ReachedGoal::Ratio);
        }
        self.goal.copies.is_some_and(|least| copies >= least).then_some(ReachedGoal::Copies)
    }

    fn end(&mut self, reached: ReachedGoal) {
        self.over = true;
        self.outputs.push_back(SeedOutput::Reached(reached));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn status(sent: u64, copies: usize, unconfirmed: usize) -> SeedStatus {
        SeedStatus { size: 100, sent, copies, unconfirmed }
    }

    fn drain(watch: &mut SeedWatch) -> Vec<SeedOutput> {
        std::iter::from_fn(|| watch.poll_output()).collect()
    }

    /// What comes of a status at a time.
    fn told(watch: &mut SeedWatch, now: Duration, status: SeedStatus) -> Vec<SeedOutput> {
        watch.handle(now, status);
        drain(watch)
    }

    #[test]
    fn without_a_goal_it_never_ends_and_says_once_when_it_is_safe_to_leave() {
        let mut watch = SeedWatch::new(SECOND, SeedGoal::default());
        assert_eq!(told(&mut watch, SECOND, status(0, 0, 0)), []);
        assert_eq!(told(&mut watch, SECOND, status(900, 3, 0)), [SeedOutput::Safe { copies: 3 }]);
        assert_eq!(told(&mut watch, SECOND, status(900, 0, 0)), []);
        assert_eq!(told(&mut watch, 1000 * SECOND, status(900, 3, 0)), []);
        assert_eq!(watch.next_timeout(), None);
    }

    #[test]
    fn the_time_counts_from_the_start_of_serving_and_waits_for_nothing() {
        let mut watch =
            SeedWatch::new(5 * SECOND, SeedGoal { time: Some(60 * SECOND), ..SeedGoal::default() });
        assert_eq!(watch.next_timeout(), Some(65 * SECOND));
        assert_eq!(told(&mut watch, 64 * SECOND, status(0, 0, 4)), []);
        watch.timeout(65 * SECOND);
        assert_eq!(drain(&mut watch), [SeedOutput::Reached(ReachedGoal::Time)]);
        assert_eq!(watch.next_timeout(), None);
    }

    #[test]
    fn the_ratio_counts_what_was_sent_over_the_size() {
        let goal = SeedGoal { ratio: Some(1.5), ..SeedGoal::default() };
        let mut watch = SeedWatch::new(SECOND, goal);
        assert_eq!(told(&mut watch, SECOND, status(149, 0, 0)), []);
        assert_eq!(told(&mut watch, SECOND, status(150, 0, 0)), [SeedOutput::Reached(ReachedGoal::Ratio)]);
        assert_eq!(told(&mut watch, SECOND, status(151, 0, 0)), [], "it comes once");
    }

    #[test]
    fn as_many_copies_as_asked_for_are_safe_and_enough() {
        let mut watch = SeedWatch::new(SECOND, SeedGoal { copies: Some(2), ..SeedGoal::default() });
        assert_eq!(told(&mut watch, SECOND, status(300, 1, 0)), []);
        let outputs = told(&mut watch, SECOND, status(300, 2, 0));
        assert_eq!(outputs, [SeedOutput::Safe { copies: 2 }, SeedOutput::Reached(ReachedGoal::Copies)]);
    }

    /// With no chunk there is nothing to have or to send, so peers are what counts; see `UploadQueue::copies`.
    #[test]
    fn of_an_empty_content_no_goal_is_reached_until_a_peer_comes() {
        let empty = |copies| SeedStatus { copies, ..SeedStatus::default() };
        let copies = SeedGoal { copies: Some(1), ..SeedGoal::default() };
        let ratio = SeedGoal { ratio: Some(1.0), ..SeedGoal::default() };
        for (goal, reached) in [(copies, ReachedGoal::Copies), (ratio, ReachedGoal::Ratio)] {
            let mut watch = SeedWatch::new(SECOND, goal);
            assert_eq!(told(&mut watch, SECOND, empty(0)), []);
            let outputs = told(&mut watch, SECOND, empty(1));
            assert_eq!(outputs, [SeedOutput::Safe { copies: 1 }, SeedOutput::Reached(reached)]);
        }
    }

    #[test]
    fn chunks_on_their_way_are_waited_for_but_not_for_ever() {
        let goal = SeedGoal { ratio: Some(1.0), ..SeedGoal::default() };
        let reached = [SeedOutput::Reached(ReachedGoal::Ratio)];
        let mut watch = SeedWatch::new(SECOND, goal);
        assert_eq!(told(&mut watch, 2 * SECOND, status(100, 0, 1)), []);
        assert_eq!(watch.next_timeout(), Some(2 * SECOND + CONFIRMED_WITHIN));
        assert_eq!(told(&mut watch, 3 * SECOND, status(100, 0, 0)), reached);

        let mut watch = SeedWatch::new(SECOND, goal);
        assert_eq!(told(&mut watch, 2 * SECOND, status(100, 0, 1)), []);
        watch.timeout(watch.next_timeout().unwrap());
        assert_eq!(drain(&mut watch), reached);
    }

    #[test]
    fn copies_that_are_lost_again_are_no_longer_reached() {
        let mut watch = SeedWatch::new(SECOND, SeedGoal { copies: Some(1), ..SeedGoal::default() });
        assert_eq!(told(&mut watch, 2 * SECOND, status(9, 1, 1)), [SeedOutput::Safe { copies: 1 }]);
        assert_eq!(told(&mut watch, 3 * SECOND, status(9, 0, 1)), []);
        assert_eq!(watch.next_timeout(), None);
        assert_eq!(told(&mut watch, 30 * SECOND, status(9, 1, 1)), [], "the wait begins anew");
        assert_eq!(watch.next_timeout(), Some(30 * SECOND + CONFIRMED_WITHIN));
    }

    proptest! {
        /// Whatever happens: nothing comes after the end, and the end comes at the time at the latest.
        #[test]
        fn the_end_comes_once_and_in_time(
            time in prop::option::of(0u64..60),
            steps in prop::collection::vec((0u64..20, 0u64..300, 0usize..3, 0usize..2), 0..30),
        ) {
            let goal = SeedGoal { time: time.map(Duration::from_secs), ratio: Some(2.5), copies: Some(2) };
            let mut watch = SeedWatch::new(Duration::ZERO, goal);
            let (mut now, mut ends) = (Duration::ZERO, 0);
            for (seconds, sent, copies, unconfirmed) in steps {
                now += Duration::from_secs(seconds);
                let outputs = told(&mut watch, now, status(sent, copies, unconfirmed));
                prop_assert!(ends == 0 || !outputs.iter().any(|o| matches!(o, SeedOutput::Reached(_))));
                ends += outputs.iter().filter(|o| matches!(o, SeedOutput::Reached(_))).count();
                prop_assert!(ends <= 1);
                prop_assert!(watch.next_timeout().is_none_or(|at| at > now));
                prop_assert!(ends == 1 || time.is_none_or(|time| now < Duration::from_secs(time)));
            }
        }
    }
}
