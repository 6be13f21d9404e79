//! Answering this node's own user.

use super::state::Job;
use crate::detail::{ContentDetail, ContentNeighbour};
use crate::library::Inquiry;

impl Job {
    pub(super) fn on_inquiry(&mut self, inquiry: Inquiry) {
        match inquiry {
            // Err only says that nobody waits any more.
            Inquiry::Detail(reply) => drop(reply.send(self.detail())),
            Inquiry::Situation(reply) => drop(reply.send(self.situation())),
        }
    }

    fn detail(&self) -> ContentDetail {
        let chunks = self.manifest.as_ref().map_or(0, |manifest| manifest.geometry().chunks());
        let stretch = ContentDetail::stretch(chunks);
        let traffic = self.shelf.traffic.snapshot();
        let neighbours = self.member.known_neighbours().map(|known| ContentNeighbour {
            peer: known.peer,
            chunks: known.chunks,
            joined: known.joined,
            rtt: known.rtt,
            queued: known.load.queued,
            exchanged: traffic.with(&known.peer),
        });
        ContentDetail {
            content: self.content,
            chunks,
            have: self.member.have().clone(),
            stretch,
            rarity: self.shelf.rarity(stretch),
            unavailable: self.member.download().map_or(0, |download| download.unavailable()),
            neighbours: neighbours.collect(),
        }
    }
}
