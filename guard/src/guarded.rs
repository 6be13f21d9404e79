//! The behaviour around a behaviour.

use std::collections::HashSet;
use std::task::{Context, Poll};

use libp2p::core::transport::PortUse;
use libp2p::core::{ConnectedPoint, Endpoint};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
    ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

/// What a guarded behaviour may do, and what it gets to hear. Without a choice of its own a policy allows all of it.
pub trait DialPolicy {
    /// Whether the behaviour may dial the peer at these addresses, all of them. Asked once for each dial.
    fn may_dial(&mut self, peer: Option<&PeerId>, addresses: &[Multiaddr]) -> bool {
        let _ = (peer, addresses);
        true
    }

    /// Whether the behaviour hears that others see this node at an address.
    fn hears_candidate(&mut self, address: &Multiaddr) -> bool {
        let _ = address;
        true
    }

    /// Whether the behaviour hears what its handler of a connection to the peer has to tell.
    fn hears_peer(&mut self, peer: &PeerId) -> bool {
        let _ = peer;
        true
    }

    /// A connection stands.
    fn opened(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        let _ = (peer, connection, endpoint);
    }

    /// A connection is gone.
    fn closed(&mut self, peer: PeerId, connection: ConnectionId) {
        let _ = (peer, connection);
    }
}

/// Why a dial of a guarded behaviour did not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialRefused;

impl std::fmt::Display for DialRefused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the policy about addresses does not allow this dial")
    }
}

impl std::error::Error for DialRefused {}

/// A behaviour with a policy around it. See the crate's documentation.
pub struct Guarded<B, P> {
    behaviour: B,
    policy: P,
    /// Dials that the behaviour has ordered and the Swarm has not begun: it begins them right away.
    ordered: HashSet<ConnectionId>,
}

impl<B, P> Guarded<B, P> {
    /// Puts a policy around a behaviour.
    pub fn new(behaviour: B, policy: P) -> Self {
        Self { behaviour, policy, ordered: HashSet::new() }
    }

    /// The policy.
    pub fn policy_mut(&mut self) -> &mut P {
        &mut self.policy
    }
}

impl<B: NetworkBehaviour, P: DialPolicy + 'static> NetworkBehaviour for Guarded<B, P> {
    type ConnectionHandler = B::ConnectionHandler;
    type ToSwarm = B::ToSwarm;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.behaviour.handle_pending_inbound_connection(id, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.behaviour.handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        if self.ordered.remove(&id) && !self.policy.may_dial(peer.as_ref(), addresses) {
            return Err(ConnectionDenied::new(DialRefused));
        }
        self.behaviour.handle_pending_outbound_connection(id, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port_use: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.behaviour.handle_established_outbound_connection(id, peer, address, role, port_use)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match &event {
            FromSwarm::NewExternalAddrCandidate(candidate)
                if !self.policy.hears_candidate(candidate.addr) =>
            {
                return;
            }
            FromSwarm::ConnectionEstablished(it) => {
                self.policy.opened(it.peer_id, it.connection_id, it.endpoint);
            }
            FromSwarm::ConnectionClosed(it) => self.policy.closed(it.peer_id, it.connection_id),
            // A dial that another behaviour refused before this one was asked.
            FromSwarm::DialFailure(it) => drop(self.ordered.remove(&it.connection_id)),
            _ => {}
        }
        self.behaviour.on_swarm_event(event);
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, id: ConnectionId, event: THandlerOutEvent<Self>) {
        if self.policy.hears_peer(&peer) {
            self.behaviour.on_connection_handler_event(peer, id, event);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        let event = self.behaviour.poll(cx);
        if let Poll::Ready(ToSwarm::Dial { opts }) = &event {
            self.ordered.insert(opts.connection_id());
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use libp2p::swarm::behaviour::NewExternalAddrCandidate;
    use libp2p::swarm::dial_opts::DialOpts;
    use libp2p::swarm::dummy;

    use super::*;

    /// Dials what it is told to dial, as behaviours do that listen to peers.
    #[derive(Default)]
    struct Dialler {
        order: Option<DialOpts>,
        candidates: usize,
    }

    impl NetworkBehaviour for Dialler {
        type ConnectionHandler = dummy::ConnectionHandler;
        type ToSwarm = Infallible;

        fn handle_established_inbound_connection(
            &mut self,
            _: ConnectionId,
            _: PeerId,
            _: &Multiaddr,
            _: &Multiaddr,
        ) -> Result<THandler<Self>, ConnectionDenied> {
            Ok(dummy::ConnectionHandler)
        }

        fn handle_established_outbound_connection(
            &mut self,
            _: ConnectionId,
            _: PeerId,
            _: &Multiaddr,
            _: Endpoint,
            _: PortUse,
        ) -> Result<THandler<Self>, ConnectionDenied> {
            Ok(dummy::ConnectionHandler)
        }

        fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
            self.candidates += usize::from(matches!(event, FromSwarm::NewExternalAddrCandidate(_)));
        }

        fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, it: THandlerOutEvent<Self>) {
            match it {}
        }

        fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
            self.order.take().map_or(Poll::Pending, |opts| Poll::Ready(ToSwarm::Dial { opts }))
        }
    }

    struct Nothing;

    impl DialPolicy for Nothing {
        fn may_dial(&mut self, _: Option<&PeerId>, _: &[Multiaddr]) -> bool {
            false
        }

        fn hears_candidate(&mut self, _: &Multiaddr) -> bool {
            false
        }
    }

    #[test]
    fn only_dials_that_the_behaviour_ordered_itself_are_judged() {
        let mut guarded = Guarded::new(Dialler::default(), Nothing);
        let address: Multiaddr = "/ip4/10.0.0.1/tcp/22".parse().unwrap();
        let begin = |guarded: &mut Guarded<Dialler, Nothing>, id| {
            let at = std::slice::from_ref(&address);
            guarded.handle_pending_outbound_connection(id, None, at, Endpoint::Dialer).is_ok()
        };
        let opts = DialOpts::unknown_peer_id().address(address.clone()).build();
        let id = opts.connection_id();
        guarded.behaviour.order = Some(opts);
        assert!(begin(&mut guarded, ConnectionId::new_unchecked(1)), "the program's own");
        let mut cx = Context::from_waker(futures::task::noop_waker_ref());
        assert!(matches!(guarded.poll(&mut cx), Poll::Ready(ToSwarm::Dial { .. })));
        assert!(!begin(&mut guarded, id));
        assert!(guarded.ordered.is_empty(), "nothing is kept");
    }

    #[test]
    fn what_it_should_not_hear_stays_outside() {
        let mut guarded = Guarded::new(Dialler::default(), Nothing);
        let addr: Multiaddr = "/ip4/10.0.0.1/tcp/22".parse().unwrap();
        guarded.on_swarm_event(FromSwarm::NewExternalAddrCandidate(NewExternalAddrCandidate { addr: &addr }));
        assert_eq!(guarded.behaviour.candidates, 0);
    }
}
