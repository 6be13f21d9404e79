//! What trackers are told beyond rendezvous, and what is told of them.

use std::time::Duration;

use shoal_wire::tracker::{IndexEntry, Role};

use super::ContentEvent;
use super::done::Done;
use super::state::Job;
use crate::tracker_client::TrackerError;

/// Behind a router it takes a moment until a relay, or the router, leads to this node. Before that a tracker elsewhere has
/// nothing to tell others of it, which is no reason to complain.
const ADDRESS_WITHIN: Duration = Duration::from_secs(5);

impl Job {
    pub(super) fn tell_if_trackers_are_useless(&mut self) {
        let running_for = self.account.running_for(self.parts.clock.now());
        let too_early = running_for < ADDRESS_WITHIN && self.trackers.want_an_address();
        if self.member.all_trackers_fail()
            && !too_early
            && let Some(why) = self.trackers.useless()
        {
            self.report.event(ContentEvent::TrackersUseless(why));
        }
    }

    /// Tells a tracker more than rendezvous does: what this node is in the swarm, and, if wanted, the content's name.
    ///
    /// It is told again with every renewal of the registration, so a tracker that was started anew knows it within
    /// one. Nothing depends on it: a tracker that does not speak `/shoal/tracker/1`, or does not answer, costs a
    /// word in the log.
    pub(super) fn tell_role(&mut self, tracker: usize) {
        let Some(client) = self.trackers.client(tracker) else { return };
        let content = self.content;
        let role = if self.member.is_seed() { Role::Seed } else { Role::Downloader };
        let entry = self.entry();
        self.spawn(async move {
            let told = async {
                client.set_role(content, role).await?;
                if let Some(entry) = entry {
                    client.publish(vec![entry]).await?;
                }
                Ok::<_, TrackerError>(())
            };
            if let Err(error) = told.await {
                let tracker = client.address();
                tracing::debug!(%tracker, %error, "the tracker was told nothing beyond the registration");
            }
            Done::Nothing
        });
    }

    /// This node has become complete.
    pub(super) fn tell_role_everywhere(&mut self) {
        self.trackers.registered_at().into_iter().for_each(|tracker| self.tell_role(tracker));
    }

    fn entry(&self) -> Option<IndexEntry> {
        let root = self.manifest.as_ref().filter(|_| self.intent.publishes())?.root();
        let name = root.name.as_str().to_owned();
        Some(IndexEntry { name, size: root.size, files: root.files, content: self.content })
    }
}
