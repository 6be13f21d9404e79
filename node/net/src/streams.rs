//! Long-lived streams of `/shoal/chunks/1`: a behaviour that only opens them and hands them out.
//!
//! What it is not: it reads and writes nothing. Why not libp2p's request-response: it opens a stream per
//! request, whose window starts small each time, and its bytes pass through the Swarm task. Why not
//! `libp2p-stream`: it drops inbound streams when its acceptor lags; here an inbound stream becomes an
//! event at once.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished};
use libp2p::swarm::handler::{ConnectionEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound};
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm, NetworkBehaviour,
    NotifyHandler, Stream, StreamProtocol, StreamUpgradeError, SubstreamProtocol, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};
use shoal_wire::chunks::PROTOCOL;
use tokio::sync::oneshot;

use super::best_connection::Connections;
use super::shared_error::SharedError;

/// Inbound streams that may wait for the Swarm task, per connection; a further one is dropped.
const MAX_WAITING: usize = 8;

/// Why a stream could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The peer does not speak the protocol, or the negotiation broke.
    #[error("the peer does not serve chunks: {0}")]
    Refused(#[from] SharedError<StreamUpgradeError<Infallible>>),
    /// The connection ended first.
    #[error("the connection ended")]
    Ended,
}

/// Where an opened stream goes.
pub type Reply = oneshot::Sender<Result<Stream, OpenError>>;

/// What the behaviour has to tell.
#[derive(Debug)]
pub enum Event {
    /// A peer has opened a stream.
    Inbound {
        /// Which peer.
        peer: PeerId,
        /// On which of its connections.
        connection: ConnectionId,
        /// The stream, negotiated.
        stream: Stream,
    },
    /// A connection to a peer stands that is better than the best one before. Streams are opened on it from now on;
    /// those that stand stay where they are.
    BetterConnection {
        /// Which peer.
        peer: PeerId,
    },
}

/// The behaviour.
#[derive(Default)]
pub struct Behaviour {
    events: VecDeque<ToSwarm<Event, Open>>,
    connections: Connections,
}

impl Behaviour {
    /// Opens a stream to a connected peer, on the best connection. If there is none, or it ends first, `reply` is
    /// dropped.
    pub fn open(&mut self, peer: PeerId, reply: Reply) {
        if let Some(best) = self.connections.best(&peer) {
            let handler = NotifyHandler::One(best);
            self.events.push_back(ToSwarm::NotifyHandler { peer_id: peer, handler, event: Open(reply) });
        }
    }
}

/// An order to a connection's handler.
pub struct Open(Reply);

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished {
                peer_id: peer,
                connection_id,
                endpoint,
                ..
            }) => {
                let better = self.connections.opened(peer, connection_id, endpoint);
                let event = || ToSwarm::GenerateEvent(Event::BetterConnection { peer });
                self.events.extend(better.then(event));
            }
            FromSwarm::ConnectionClosed(ConnectionClosed { peer_id, connection_id, .. }) => {
                self.connections.closed(&peer_id, connection_id);
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        stream: THandlerOutEvent<Self>,
    ) {
        self.events.push_back(ToSwarm::GenerateEvent(Event::Inbound { peer, connection, stream }));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        // All ways of getting an event here are calls from the Swarm's own task, which polls afterwards.
        self.events.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// One connection's part.
#[derive(Default)]
pub struct Handler {
    to_open: VecDeque<Reply>,
    inbound: VecDeque<Stream>,
}

fn upgrade() -> ReadyUpgrade<StreamProtocol> {
    ReadyUpgrade::new(StreamProtocol::new(PROTOCOL))
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Open;
    type ToBehaviour = Stream;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Reply;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(upgrade(), ())
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, Reply, Stream>> {
        if let Some(stream) = self.inbound.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(stream));
        }
        match self.to_open.pop_front() {
            Some(reply) => Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: SubstreamProtocol::new(upgrade(), reply),
            }),
            None => Poll::Pending,
        }
    }

    fn on_behaviour_event(&mut self, Open(reply): Open) {
        self.to_open.push_back(reply);
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol, (), Reply>,
    ) {
        // The asker may have given up. Then the stream is dropped, which closes it.
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol: stream, .. })
                if self.inbound.len() < MAX_WAITING =>
            {
                self.inbound.push_back(stream);
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, info }) => {
                let _ = info.send(Ok(protocol));
            }
            ConnectionEvent::DialUpgradeError(failed) => {
                let _ = failed.info.send(Err(SharedError::from(failed.error).into()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::core::ConnectedPoint;

    fn open(behaviour: &mut Behaviour, peer_id: PeerId, connection: usize, address: &str) {
        let endpoint = ConnectedPoint::Listener {
            local_addr: "/ip4/127.0.0.1/tcp/1".parse().unwrap(),
            send_back_addr: address.parse().unwrap(),
        };
        behaviour.on_swarm_event(FromSwarm::ConnectionEstablished(ConnectionEstablished {
            peer_id,
            connection_id: ConnectionId::new_unchecked(connection),
            endpoint: &endpoint,
            failed_addresses: &[],
            other_established: 0,
        }));
    }

    fn next(behaviour: &mut Behaviour) -> Option<ToSwarm<Event, Open>> {
        match behaviour.poll(&mut Context::from_waker(futures::task::noop_waker_ref())) {
            Poll::Ready(event) => Some(event),
            Poll::Pending => None,
        }
    }

    #[test]
    fn streams_are_opened_on_the_best_connection_and_news_of_a_better_one_is_told() {
        let (mut behaviour, peer) = (Behaviour::default(), PeerId::random());
        let opens_on = |behaviour: &mut Behaviour| {
            behaviour.open(peer, oneshot::channel().0);
            match next(behaviour) {
                Some(ToSwarm::NotifyHandler { handler: NotifyHandler::One(id), .. }) => Some(id),
                None => None,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(opens_on(&mut behaviour), None, "not connected");
        open(&mut behaviour, peer, 1, "/ip4/127.0.0.1/udp/1/quic-v1");
        assert_eq!(opens_on(&mut behaviour), Some(ConnectionId::new_unchecked(1)));
        open(&mut behaviour, peer, 2, "/ip4/127.0.0.1/tcp/1");
        let told = next(&mut behaviour);
        assert!(
            matches!(told, Some(ToSwarm::GenerateEvent(Event::BetterConnection { peer: it })) if it == peer),
            "{told:?}"
        );
        assert_eq!(opens_on(&mut behaviour), Some(ConnectionId::new_unchecked(2)));
    }
}
