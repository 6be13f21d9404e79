//! The driver's part of relays: carries what happens to [`Relays`], and does what that says.

use std::collections::HashSet;
use std::net::IpAddr;

use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, identify, relay};
use shoal_addresses::{ip_of, is_dialable};
use tokio::sync::oneshot;

use super::relays::{RelayStep, Relays};
use crate::clock::Clock;

/// See the module.
pub(crate) struct RelayKeeper {
    clock: Clock,
    relays: Relays,
    /// Who waits until the relays that the user named lead here, or have failed to.
    waiting: Vec<oneshot::Sender<()>>,
}

impl RelayKeeper {
    pub(crate) fn new(clock: Clock, named: &[Multiaddr]) -> Self {
        Self { clock, relays: Relays::new(named), waiting: Vec::new() }
    }

    /// The relays that the user named.
    pub(crate) fn named(&self) -> impl Iterator<Item = PeerId> {
        self.relays.named()
    }

    /// Waits until there may be something to do. Cancel-safe.
    pub(crate) async fn due(&self) {
        self.clock.until(self.relays.next_timeout()).await;
    }

    /// `reply` is answered once each relay that the user named leads here, or has failed to.
    pub(crate) fn settled(&mut self, reply: oneshot::Sender<()>) {
        self.waiting.push(reply);
    }

    /// A tracker of the user's.
    pub(crate) fn tracker(&mut self, peer: PeerId) {
        self.relays.tracker(peer);
    }

    /// A relay has taken this node in.
    pub(crate) fn accepted(&mut self, relay: &PeerId) {
        self.relays.accepted(relay);
    }

    /// An address was tried from outside in vain.
    pub(crate) fn shut(&mut self) {
        self.relays.shut();
    }

    /// A peer has said what it is and where it sees this node. `at`: where this node dialled it.
    pub(crate) fn identified<B: NetworkBehaviour>(
        &mut self,
        swarm: &Swarm<B>,
        peer: PeerId,
        info: &identify::Info,
        at: Option<Multiaddr>,
    ) {
        if let Some(seen) = ip_of(&info.observed_addr) {
            let own: HashSet<IpAddr> =
                swarm.listeners().filter(|it| is_dialable(it)).filter_map(ip_of).collect();
            self.relays.seen(&peer, own.contains(&seen));
        }
        // A peer may have dialled back, and says the same there.
        match at.filter(is_dialable) {
            _ if !info.protocols.contains(&relay::HOP_PROTOCOL_NAME) => self.relays.offers(peer, None),
            Some(at) => self.relays.offers(peer, Some(at)),
            None => {}
        }
    }

    /// Takes note of what an event says of listeners.
    pub(crate) fn note<E>(&mut self, event: &SwarmEvent<E>) {
        if let SwarmEvent::ListenerClosed { listener_id, reason, .. } = event {
            if let Err(error) = reason {
                tracing::debug!(%error, "a listener has ended");
            }
            self.relays.ended(self.clock.now(), *listener_id);
        }
    }

    /// Does what there is to do.
    pub(crate) fn carry_out<B>(
        &mut self,
        swarm: &mut Swarm<B>,
        is_public: bool,
        relay_at: impl Fn(&mut Swarm<B>, &Multiaddr),
    ) where
        B: NetworkBehaviour,
    {
        self.relays.set_public(is_public);
        let now = self.clock.now();
        while let Some(step) = self.relays.poll(now) {
            match step {
                RelayStep::Ask(peer, address) => {
                    relay_at(swarm, &address);
                    let listener = ask(swarm, peer, address);
                    self.relays.asked(now, &peer, listener);
                }
                RelayStep::End(listener) => _ = swarm.remove_listener(listener),
            }
        }
        if self.relays.is_settled() {
            // Where sending fails, nobody waits any more.
            self.waiting.drain(..).for_each(|reply| _ = reply.send(()));
        }
    }
}

fn ask<B: NetworkBehaviour>(swarm: &mut Swarm<B>, peer: PeerId, address: Multiaddr) -> Option<ListenerId> {
    let address = address.with(Protocol::P2p(peer)).with(Protocol::P2pCircuit);
    match swarm.listen_on(address.clone()) {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(%address, %error, "a relay cannot be asked");
            None
        }
    }
}
