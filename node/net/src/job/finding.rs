//! A content's part in finding peers without a tracker: what it wants, and what was found.

use shoal_engine::{ContentWish, MemberInput};

use super::state::{Job, Stage};
use crate::discovery::Found;

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
        self.discovery.wish(ContentWish { hungry, holds: self.holds });
    }

    pub(super) fn on_found(&mut self, found: Found) {
        self.report.stir();
        self.tell(MemberInput::Found { peers: found.peers, source: found.source });
    }
}
