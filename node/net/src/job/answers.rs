//! What follows from what the tasks of a job bring back.

use std::sync::Arc;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_content::ChunkSet;
use shoal_engine::{MemberInput, NeighbourEvent, PeerSource, Teller, TrackerEvent};
use shoal_wire::Have;
use shoal_wire::query::{Load, PeerAddresses};

use super::done::Done;
use super::state::Job;
use crate::activity::ActivityKind;
use crate::control::QueryError;
use crate::tracker_client::{DiscoveredPeer, TrackerError};

impl Job {
    pub(super) fn on_done(&mut self, done: Done) {
        match done {
            Done::Nothing => {}
            Done::Synced => self.synced(),
            Done::Registered { tracker, result } => self.registered(tracker, result),
            Done::Discovered { tracker, result } => self.discovered(tracker, result),
            Done::Block { peer, hash, block, unsupported } => {
                self.account.knows_question(peer, !unsupported);
                if block.is_ok() {
                    self.account.came(self.parts.clock.now());
                }
                self.tell(MemberInput::Block { peer, hash, block });
            }
            Done::Joined { peer, took, rest, result } => self.joined(peer, took, rest, result),
            Done::Told { peer, lost } => self.tell_neighbour(peer, NeighbourEvent::Told { lost }),
            Done::Peers { teller, peers } => self.learn_peers(teller, peers),
            Done::Opened(Ok(target)) => self.opened(target),
            Done::Opened(Err(error)) => self.not_opened(error),
            Done::Placed(Ok(placed)) => self.placed(placed),
            Done::Placed(Err(error)) => self.not_placed(error),
        }
    }

    fn joined(
        &mut self,
        peer: PeerId,
        took: Duration,
        rest: Vec<Have>,
        result: Result<(Have, Load), QueryError>,
    ) {
        self.account.knows_question(peer, !result.as_ref().is_err_and(QueryError::is_unsupported));
        // Both sides are busy when a transfer begins, and the answer may be long.
        let rtt = self.parts.connections.round_trip(&peer).map_or(took, |pinged| pinged.min(took));
        let event = match result {
            Ok((have, load)) => match self.chunks_of(&have) {
                Some(have) => {
                    tracing::debug!(%peer, ?took, ?rtt, "joined");
                    NeighbourEvent::Joined { rtt, have, load }
                }
                None => NeighbourEvent::Invalid,
            },
            Err(error) => {
                tracing::debug!(%peer, %error, "join failed");
                NeighbourEvent::JoinFailed
            }
        };
        self.tell_neighbour(peer, event);
        self.tell_rest(peer, rest);
    }

    /// What a have-map says; an empty set before the manifest is known, `None` for chunks that do not exist.
    pub(super) fn chunks_of(&self, have: &Have) -> Option<Arc<ChunkSet>> {
        match &self.manifest {
            Some(manifest) => have.chunks(manifest.geometry().chunks()).map(Arc::new),
            None => Some(Arc::default()),
        }
    }

    fn registered(&mut self, tracker: usize, result: Result<Duration, TrackerError>) {
        if result.is_ok() {
            self.tell_role(tracker);
            self.note_tracker(tracker, |tracker| ActivityKind::Registered { tracker });
        }
        let event = TrackerEvent::Registered(result.as_ref().ok().copied());
        self.trackers.registered(tracker, result.err());
        self.tell(MemberInput::Tracker { tracker, event });
        self.tell_if_trackers_are_useless();
    }

    fn discovered(&mut self, tracker: usize, result: Result<Vec<DiscoveredPeer>, TrackerError>) {
        let event = TrackerEvent::Discovered(result.is_ok());
        let (found, error) = match result {
            Ok(found) => {
                let peers = found.len();
                self.note_tracker(tracker, |tracker| ActivityKind::Discovered { tracker, peers });
                (found, None)
            }
            Err(error) => (Vec::new(), Some(error)),
        };
        self.trackers.answered(tracker, error);
        let peers = found.iter().map(|found| found.peer).collect();
        // They were asked for over a connection, so the tracker is known.
        if let Some(teller) = self.trackers.peer(tracker) {
            for DiscoveredPeer { peer, addresses } in found {
                self.peers.learn(peer, addresses, Teller::Tracker(teller));
            }
        }
        self.tell(MemberInput::Found { peers, source: PeerSource::Tracker(tracker) });
        self.tell(MemberInput::Tracker { tracker, event });
        self.tell_if_trackers_are_useless();
    }

    fn note_tracker(&self, tracker: usize, what: impl FnOnce(Multiaddr) -> ActivityKind) {
        if let Some(client) = self.trackers.client(tracker) {
            self.note(client.peer(), || what(client.address().clone()));
        }
    }

    fn learn_peers(&mut self, teller: PeerId, told: Vec<PeerAddresses>) {
        let mut peers = Vec::new();
        for told in told {
            let Ok(peer) = PeerId::from_bytes(&told.id) else { continue };
            let parse = |bytes: serde_bytes::ByteBuf| Multiaddr::try_from(bytes.into_vec()).ok();
            let addresses = told.addresses.into_iter().filter_map(parse).collect();
            self.peers.learn(peer, addresses, Teller::Peer(teller));
            peers.push(peer);
        }
        self.tell(MemberInput::Found { peers, source: PeerSource::Peer(teller) });
    }
}
