//! Telling trackers more than rendezvous does: what this node is in the swarm, and, if wanted, the content's
//! name.
//!
//! It is said again with every renewal of the registration, so a tracker that was started anew knows it within
//! one. Nothing depends on it: a tracker that does not speak `/shoal/tracker/1`, or does not answer, costs a
//! word in the log.

use libp2p::PeerId;
use shoal_wire::tracker::{Entry, Role};

use super::super::tracker::{Tracker, TrackerError};
use super::run::{Job, JobEvent};

impl Job {
    /// This node has just registered at a point.
    pub(super) fn present_itself(&mut self, point: PeerId) {
        let tracker = Tracker::connected(self.shared.control.clone(), point);
        let content = self.content;
        let role = if self.is_complete() { Role::Seed } else { Role::Downloader };
        let entry = self.entry();
        self.tasks.spawn(async move {
            let told = async {
                tracker.set_role(content, role).await?;
                if let Some(entry) = entry {
                    tracker.publish(vec![entry]).await?;
                }
                Ok::<_, TrackerError>(())
            };
            if let Err(error) = told.await {
                tracing::debug!(%point, %error, "the tracker was told nothing beyond the registration");
            }
            JobEvent::Nothing
        });
    }

    /// This node has become complete.
    pub(super) fn present_itself_everywhere(&mut self) {
        let points: Vec<_> = self.discovery.registered_at().collect();
        points.into_iter().for_each(|point| self.present_itself(point));
    }

    fn is_complete(&self) -> bool {
        self.store.as_ref().is_some_and(|store| store.have().is_full())
    }

    fn entry(&self) -> Option<Entry> {
        let root = self.manifest.as_ref().filter(|_| self.publishes)?.root();
        let name = root.name.as_str().to_owned();
        Some(Entry { name, size: root.size, files: root.files, content: self.content })
    }
}
