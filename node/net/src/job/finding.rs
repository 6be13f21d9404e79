//! A content's part in finding peers without a tracker: what it wants, and what was found.

use std::time::Duration;

use shoal_engine::{ContentWish, MemberInput};

use super::state::{Job, Stage};
use crate::discovery::Found;

/// With so many peers there is no hurry to find more, as long as something comes.
const COMPANY: usize = 4;
/// Something comes as long as the last of it came within this time.
const LATELY: Duration = Duration::from_secs(5);

impl Job {
    /// Whether peers are looked for by more than trackers and what was named.
    pub(super) fn is_looked_for(&self) -> bool {
        self.discovery.is_on() && !self.intent.is_tracker_only()
    }

    /// Says what is wanted now: peers, as long as something is missing; to be found, as soon as something is here.
    pub(super) fn update_wish(&mut self) {
        if !self.is_looked_for() {
            return;
        }
        // Once something is here, something stays; so the set is looked at no more.
        self.holds = self.holds || (self.intent.registers() && !self.member.have().is_clear());
        let complete = matches!(self.stage, Stage::Serving | Stage::Finishing(..));
        let hungry = !complete && !self.member.is_complete() && !self.ended;
        let supplied = hungry && self.is_supplied();
        self.discovery.wish(ContentWish { hungry, supplied, holds: self.holds });
    }

    fn is_supplied(&self) -> bool {
        let comes = self.parts.clock.now() < self.account.came_at() + LATELY;
        comes && self.member.neighbours().nth(COMPANY - 1).is_some()
    }

    pub(super) fn on_found(&mut self, found: Found) {
        self.report.stir();
        self.tell(MemberInput::Found { peers: found.peers, source: found.source });
    }
}
