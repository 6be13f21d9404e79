//! The server's side of `/shoal/tracker/1`: lends the registry, does what answers ask for, and holds answers back
//! until what they promise is on the disk.

use std::future::Future;
use std::pin::Pin;

use libp2p::request_response::{self, ResponseChannel};
use shoal_tracker::Effect;
use shoal_wire::tracker::{TrackerErrorCode, TrackerResponse};

use super::{Asked, Server};
use crate::service::{self, Answer};

/// Answers that may wait for the disk. Beyond that, a peer that wants something kept is told to ask later.
const MAX_HELD: usize = 256;

/// An answer that waits for the disk.
pub(super) type Held =
    Pin<Box<dyn Future<Output = (ResponseChannel<TrackerResponse>, TrackerResponse)> + Send>>;

impl Server {
    pub(super) fn on_tracker_event(&mut self, event: service::Event) {
        let now = self.now();
        if let request_response::Event::ResponseSent { request_id, .. }
        | request_response::Event::InboundFailure { request_id, .. } = &event
        {
            self.answers.ended(&Asked::Tracker(*request_id));
        }
        let ip = match &event {
            request_response::Event::Message { peer, connection_id, .. } => {
                self.on_life(*peer);
                self.connections.asker(*peer, *connection_id).observed
            }
            _ => None,
        };
        let may_probe = !self.probes.full();
        let registry = self.point.registry_mut();
        registry.set_may_probe(may_probe);
        let Some(answer) = service::handle(&mut self.services, registry, now, ip, event) else { return };
        let Answer { peer, id, channel, mut response, effects } = answer;
        if !self.answers.begin(Asked::Tracker(id), peer, ip, service::memory_of(&response)) {
            response = TrackerResponse::Error { code: TrackerErrorCode::Busy };
        }
        let mut written = None;
        for effect in effects {
            match effect {
                Effect::Probe(peer) => self.probe(peer),
                Effect::RoleChanged { peer, namespace } => {
                    let registration = self.registry().registration(now, &peer, &namespace);
                    registration.iter().for_each(|it| self.persistence.registered(now, it));
                }
                Effect::Changed(changed) => written = self.persistence.changed(now, changed).or(written),
            }
        }
        match written {
            None => self.answer(channel, response),
            Some(_) if self.held.len() >= MAX_HELD => {
                self.answer(channel, TrackerResponse::Error { code: TrackerErrorCode::Busy });
            }
            Some(written) => self.held.push(Box::pin(async move {
                // If the disk fails, the store says so in the log, and the payload is kept in memory all the same.
                drop(written.await);
                (channel, response)
            })),
        }
    }

    pub(super) fn answer(&mut self, channel: ResponseChannel<TrackerResponse>, response: TrackerResponse) {
        // Fails when the connection is gone; then nobody waits for the answer.
        drop(self.swarm.behaviour_mut().tracker.send_response(channel, response));
    }
}
