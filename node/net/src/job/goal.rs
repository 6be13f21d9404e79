//! Ending by itself once enough was given.

use std::time::Duration;

use shoal_engine::{SeedOutput, SeedStatus, SeedWatch};

use super::ContentEvent;
use super::state::{Job, Stage};

/// How far serving is, is looked at so often while somebody is connected.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl Job {
    pub(super) fn next_goal_check(&self) -> Option<Duration> {
        let watch = self.goal.watch.as_ref()?;
        let look = (self.is_in_touch() || !self.goal.rests).then_some(self.goal.looked + LOOK_EVERY);
        watch.next_timeout().into_iter().chain(look).min()
    }

    pub(super) fn check_goal(&mut self, now: Duration) {
        if !matches!(self.stage, Stage::Serving) {
            return;
        }
        // A peer may come, take what it needs and go between two looks.
        self.goal.rests &= !self.is_in_touch();
        let goal = self.intent.goal().unwrap_or_default();
        let mut watch = self.goal.watch.take().unwrap_or_else(|| SeedWatch::new(now, goal));
        if now >= self.goal.looked + LOOK_EVERY {
            self.goal.looked = now;
            // What was sent last may be counted only after the last neighbour has gone.
            self.goal.rests = !self.is_in_touch();
            watch.handle(now, self.seed_status());
        } else {
            watch.timeout(now);
        }
        while let Some(output) = watch.poll_output() {
            match output {
                SeedOutput::Safe { copies } => self.report.event(ContentEvent::Safe { copies }),
                SeedOutput::Reached(goal) => {
                    self.report_now();
                    self.report.event(ContentEvent::GoalReached(goal));
                    self.ended = true;
                }
            }
        }
        self.goal.watch = Some(watch);
    }

    fn is_in_touch(&self) -> bool {
        self.member.neighbours().next().is_some()
    }

    fn seed_status(&self) -> SeedStatus {
        SeedStatus {
            size: self.manifest.as_ref().map_or(0, |manifest| manifest.root().size),
            sent: self.shelf.traffic.total().sent,
            copies: self.shelf.copies(),
            unconfirmed: self.unconfirmed(),
        }
    }

    /// Peers that have not said yet that they have the chunk that was sent to them last.
    pub(super) fn unconfirmed(&self) -> usize {
        let sent = self.shelf.last_sent();
        sent.iter().filter(|(peer, chunk)| self.member.lacks(peer, *chunk)).count()
    }
}
