//! Ending by itself once enough was given.

use std::time::Duration;

use libp2p::PeerId;
use shoal_engine::{ConfirmedCopies, PeerClaim, SeedOutput, SeedStatus, SeedWatch};

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
            let status = self.seed_status();
            watch.handle(now, status);
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

    fn seed_status(&mut self) -> SeedStatus {
        SeedStatus {
            size: self.manifest.as_ref().map_or(0, |manifest| manifest.root().size),
            sent: self.shelf.traffic.total().sent,
            copies: self.confirmed_copies(),
            unconfirmed: self.unconfirmed(),
        }
    }

    /// Copies that others have for certain, as far as that matters: it is counted once they say that they have enough.
    fn confirmed_copies(&mut self) -> usize {
        let chunks = self.member.have().len();
        let confirmed = self.goal.confirmed.get_or_insert_with(|| ConfirmedCopies::new(chunks));
        confirmed.keep(&self.member.neighbours().collect());
        self.shelf.traffic.take_sent().into_iter().for_each(|(peer, chunk)| confirmed.sent(peer, chunk));
        let claimed = self.shelf.copies();
        let wanted = self.intent.goal().and_then(|goal| goal.copies).unwrap_or(1);
        // With no chunk there is nothing to send that could be confirmed.
        if chunks == 0 || claimed < wanted {
            return claimed;
        }
        let claims: Vec<_> = self.member.claims().collect();
        let peers: Vec<PeerId> = claims.iter().map(|(peer, _)| *peer).collect();
        let networks = self.parts.control.networks_of(&peers);
        let claim = |((peer, have), network)| PeerClaim { peer, network, have };
        let claims: Vec<_> = claims.into_iter().zip(networks).map(claim).collect();
        confirmed.count(&claims)
    }

    /// Peers that have not said yet that they have the chunk that was sent to them last.
    pub(super) fn unconfirmed(&self) -> usize {
        let sent = self.shelf.last_sent();
        sent.iter().filter(|(peer, chunk)| self.member.lacks(peer, *chunk)).count()
    }
}
