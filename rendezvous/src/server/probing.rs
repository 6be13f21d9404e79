//! The server's side of [`Probes`](crate::probes::Probes): pings and dials peers that were reported dead, and says what came
//! of it.
//!
//! What this is not: a way to have the tracker dial others. A probe goes to the host that the peer itself
//! was last seen at, whatever else its record names. A peer that cannot be probed so is not taken for dead.

use libp2p::request_response::OutboundFailure;
use libp2p::swarm::DialError;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId};
use shoal_addresses::at_host;
use shoal_wire::rendezvous::PeerRecord;
use shoal_wire::tracker::Verdict;

use super::{EventOf, Server};
use crate::probes::Step;
use crate::sign_of_life::{Payload, PingCodec};

impl Server {
    /// The tracker's own program says, in the name of `reporter`, that `peer` does not answer. If that is to be looked
    /// into, a probe begins.
    pub(super) fn report(&mut self, reporter: PeerId, peer: PeerId) -> Verdict {
        let now = self.now();
        let may_probe = !self.probes.full();
        let registry = self.point.registry_mut();
        registry.set_may_probe(may_probe);
        let verdict = registry.report(now, reporter, None, peer);
        if verdict == Verdict::Probing {
            self.probe(peer);
        }
        verdict
    }

    /// Begins a probe.
    pub(super) fn probe(&mut self, peer: PeerId) {
        self.probed.started += 1;
        let now = self.now();
        let addresses = self.addresses_to_dial(&peer);
        let connected = self.swarm.is_connected(&peer);
        let step = self.probes.start(now, peer, connected, addresses);
        self.take(peer, step);
    }

    /// Something came from a peer that only itself can have sent.
    pub(super) fn on_life(&mut self, peer: PeerId) {
        let step = self.probes.alive(&peer);
        self.take(peer, step);
    }

    pub(super) fn on_failed_dial(&mut self, peer: PeerId, error: &DialError) {
        tracing::debug!(%peer, %error, "dial failed");
        let step = if is_ours(error) { self.probes.alive(&peer) } else { self.probes.unreachable(&peer) };
        self.take(peer, step);
    }

    pub(super) fn on_sign_of_life(&mut self, event: EventOf<PingCodec>) {
        use libp2p::request_response::Event;
        let (peer, step) = match event {
            Event::Message { peer, .. } => (peer, self.probes.alive(&peer)),
            Event::OutboundFailure { peer, error, .. } => {
                let step = match error {
                    OutboundFailure::UnsupportedProtocols => self.probes.alive(&peer),
                    OutboundFailure::Timeout => self.probes.silent(&peer),
                    // The others have been pinged too.
                    OutboundFailure::ConnectionClosed if self.swarm.is_connected(&peer) => Step::Wait,
                    OutboundFailure::DialFailure
                    | OutboundFailure::ConnectionClosed
                    | OutboundFailure::Io(_) => self.probes.unreachable(&peer),
                };
                (peer, step)
            }
            Event::InboundFailure { .. } | Event::ResponseSent { .. } => return,
        };
        self.take(peer, step);
    }

    /// Does what a probe asks for.
    pub(super) fn take(&mut self, peer: PeerId, step: Step) {
        match step {
            Step::Wait => {}
            Step::Ping => {
                // One may be of a program that has ended, beside that of its next start. The behaviour takes
                // connections in turn, so each gets one.
                for _ in 0..self.connections.of(&peer).max(1) {
                    self.swarm.behaviour_mut().sign_of_life.send_request(&peer, Payload::default());
                }
            }
            Step::Dial(addresses) => {
                let options = DialOpts::peer_id(peer).condition(PeerCondition::Always).addresses(addresses);
                if let Err(error) = self.swarm.dial(options.build()) {
                    self.on_failed_dial(peer, &error);
                }
            }
            Step::Over { alive } => self.probed(peer, alive),
        }
    }

    fn probed(&mut self, peer: PeerId, alive: bool) {
        self.probed.alive += u64::from(alive);
        self.probed.dead += u64::from(!alive);
        let now = self.now();
        let removed = self.point.registry_mut().probe_result(now, &peer, alive);
        tracing::info!(%peer, alive, removed, "probed");
        // None if it has registered in the meantime: it lives.
        if removed > 0 {
            self.persistence.gone(&peer);
            // A connection that nobody answers on. Err only says that there was none.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }

    fn addresses_to_dial(&self, peer: &PeerId) -> Vec<Multiaddr> {
        let Some(contact) = self.registry().contact(peer) else { return vec![] };
        let Ok(record) = PeerRecord::reopen(&contact.record) else { return vec![] };
        contact.observed.map_or(vec![], |seen_at| at_host(record.addresses, seen_at))
    }
}

/// Whether a dial failed for a reason of the tracker's own, which says nothing about the peer.
fn is_ours(error: &DialError) -> bool {
    match error {
        DialError::Denied { .. }
        | DialError::Aborted
        | DialError::NoAddresses
        | DialError::DialPeerConditionFalse(_)
        | DialError::LocalPeerId { .. } => true,
        DialError::WrongPeerId { .. } | DialError::Transport(_) => false,
    }
}
