//! Neighbours on the LAN, by libp2p's mDNS: one behaviour for IPv4 and one for IPv6.
//!
//! Beside what libp2p asks by itself, it asks at once and ever more rarely while something is looked for.
//!
//! What this is not: proof of anything; see the engine's `lan`. What always holds: it dials nothing and offers the Swarm no
//! addresses; where more than [`MAX_HEARD`] addresses were heard, which is a flood, it ends until the node is started again.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::mdns;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
    ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};
use tokio::time::{Instant, Sleep};

use super::mdns_query;

/// Addresses at once that libp2p's mDNS may remember; it has no bound of its own.
const MAX_HEARD: usize = 1024;
/// Pauses between questions while something is looked for, in seconds; the last one repeats.
const ASK_AFTER: [u64; 8] = [1, 2, 4, 8, 15, 15, 30, 60];

/// What was heard.
#[derive(Debug)]
pub(crate) enum LanEvent {
    /// Peers say that they are here.
    Heard(Vec<(PeerId, Multiaddr)>),
    /// Peers were not heard of for some time.
    Gone(Vec<PeerId>),
}

/// See the module.
pub(crate) struct Lan {
    families: Vec<mdns::tokio::Behaviour>,
    /// The next question, and how many there were; `None`: nothing is looked for.
    asking: Option<(Pin<Box<Sleep>>, usize)>,
    queue: VecDeque<LanEvent>,
}

impl Lan {
    pub(super) fn new(local: PeerId) -> Self {
        let family = |enable_ipv6| {
            let config = mdns::Config { enable_ipv6, ..mdns::Config::default() };
            match mdns::tokio::Behaviour::new(config, local) {
                Ok(behaviour) => Some(behaviour),
                Err(error) => {
                    tracing::debug!(%error, "the LAN cannot be asked for neighbours");
                    None
                }
            }
        };
        let families = [false, true].into_iter().filter_map(family).collect();
        Self { families, asking: None, queue: VecDeque::new() }
    }

    /// From now on something is looked for, or nothing is.
    pub(super) fn search(&mut self, often: bool) {
        match (&self.asking, often) {
            (None, true) => self.asking = Some((Box::pin(tokio::time::sleep(Duration::ZERO)), 0)),
            (_, false) => self.asking = None,
            (Some(_), true) => {}
        }
    }

    fn ask_if_due(&mut self, cx: &mut Context<'_>) {
        while let Some((timer, times)) = &mut self.asking
            && timer.as_mut().poll(cx).is_ready()
        {
            let pause = ASK_AFTER[(*times).min(ASK_AFTER.len() - 1)];
            *times += 1;
            timer.as_mut().reset(Instant::now() + Duration::from_secs(pause));
            ask_everywhere();
        }
    }

    fn hear(&mut self, event: mdns::Event) {
        match event {
            mdns::Event::Discovered(heard) => self.queue.push_back(LanEvent::Heard(heard)),
            mdns::Event::Expired(gone) => {
                let there = |peer: &PeerId| {
                    self.families.iter().any(|it| it.discovered_nodes().any(|node| node == peer))
                };
                let gone = gone.into_iter().map(|(peer, _)| peer).filter(|peer| !there(peer)).collect();
                self.queue.push_back(LanEvent::Gone(gone));
            }
        }
    }

    fn end_if_flooded(&mut self) {
        let heard: usize = self.families.iter().map(|family| family.discovered_nodes().len()).sum();
        if heard > MAX_HEARD {
            tracing::warn!(heard, "too many neighbours on the LAN: it is asked no more until the next start");
            self.families.clear();
            self.asking = None;
        }
    }
}

fn ask_everywhere() {
    for interface in if_addrs::get_if_addrs().unwrap_or_default() {
        if !interface.is_loopback()
            && interface.is_oper_up()
            && let Err(error) = mdns_query::ask(interface.ip())
        {
            tracing::debug!(interface = %interface.ip(), %error, "cannot ask for neighbours");
        }
    }
}

impl NetworkBehaviour for Lan {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = LanEvent;

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
        self.families.iter_mut().for_each(|family| family.on_swarm_event(event));
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, it: THandlerOutEvent<Self>) {
        match it {}
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<LanEvent, THandlerInEvent<Self>>> {
        self.ask_if_due(cx);
        for at in 0..self.families.len() {
            while let Poll::Ready(output) = self.families[at].poll(cx) {
                let output: ToSwarm<mdns::Event, Infallible> = output;
                // Addresses are offered to nobody but the book of peers.
                if let ToSwarm::GenerateEvent(event) = output {
                    self.hear(event);
                }
            }
        }
        self.end_if_flooded();
        match self.queue.pop_front() {
            Some(event) => Poll::Ready(ToSwarm::GenerateEvent(event)),
            None => Poll::Pending,
        }
    }
}
