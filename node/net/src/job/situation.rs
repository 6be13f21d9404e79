//! Puts together what is known of a content, for those that ask why it does not come.

use shoal_engine::{Affairs, DiskUse, NeighbourFigures, PeerSearch, Situation, TrackerlessSearch};

use super::state::{Job, Stage};

impl Job {
    /// What is known now, but for the node's limits.
    pub(super) fn situation(&mut self) -> Situation {
        let now = self.parts.clock.now();
        self.note_scan();
        let download = self.member.download();
        let (missing, unheld, left) =
            download.map_or((0, 0, 0), |it| (it.left(), it.unavailable(), it.left_bytes()));
        Situation {
            affairs: self.affairs(),
            running_for: self.account.running_for(now),
            idle_for: self.account.idle_for(now),
            rate: self.report.rate_down(now),
            missing,
            unheld,
            left,
            search: self.search(),
            neighbours: NeighbourFigures {
                unsupported: self.account.unsupported(),
                ..self.member.figures(now)
            },
            disk: self.disk(),
            wrong: self.account.wrong,
            ..Situation::default()
        }
    }

    fn affairs(&self) -> Affairs {
        match &self.stage {
            Stage::Manifest => Affairs::Looking,
            Stage::Opening(opening, _) => {
                let scan = opening.progress();
                Affairs::Checking { done: scan.bytes_done, total: scan.bytes_total }
            }
            Stage::Fetching(_) => Affairs::Fetching,
            Stage::Finishing(..) => Affairs::Placing,
            Stage::Serving => Affairs::Serving,
        }
    }

    fn search(&self) -> PeerSearch {
        PeerSearch {
            addresses: self.account.addresses,
            trackers: self.trackers.states(),
            heard_of: self.member.heard_of(),
            dialling: self.member.sought().count() + self.account.waiting(),
            failed: self.account.failed.clone(),
            last_failure: self.account.last_failure.clone(),
            exchanges: self.account.exchanges,
            without_tracker: if self.is_looked_for() {
                self.discovery.search()
            } else {
                TrackerlessSearch::default()
            },
        }
    }

    fn disk(&self) -> DiskUse {
        let disk = match &self.stage {
            Stage::Fetching(fetching) => fetching.streams.disk(),
            _ => DiskUse::default(),
        };
        DiskUse { blocked: self.report.blocked_by(), ..disk }
    }
}
