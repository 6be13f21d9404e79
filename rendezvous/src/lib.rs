//! The tracker: a libp2p rendezvous point where the peers of a content find each other.
//!
//! It speaks `/rendezvous/1.0.0` (github.com/libp2p/specs, rendezvous): peers register under a namespace
//! for a limited time, and discover who else has. For now libp2p's own server does the work; it sits
//! behind `behaviour`, and nothing outside of that module knows.
//!
//! What it is not: it stores no content, sees no chunk, and no transfer needs it once peers have met.

mod behaviour;
pub mod identity;
mod service;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use libp2p::core::transport::ListenerId;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::request_response;
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, SwarmBuilder, noise, tcp, tls, yamux};
use shoal_shared::registry::{self, Registry};
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::behaviour::{Behaviour, BehaviourEvent};

/// Connections without streams are closed after this time; peers come back to renew.
const IDLE: Duration = Duration::from_secs(150);
/// How long to wait for listening addresses.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a tracker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TrackerError {
    /// Keys or transports.
    #[error("cannot set up the network: {0}")]
    Setup(String),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {why}; choose another address with --listen")]
    Listen {
        /// Where.
        address: Multiaddr,
        /// What the system said.
        why: String,
    },
}

/// A running tracker. Dropping it ends it.
pub struct Tracker {
    addresses: Vec<Multiaddr>,
    _stop: oneshot::Sender<()>,
}

impl Tracker {
    /// Starts a tracker and waits until it listens on every address.
    pub async fn start(identity: Keypair, listen: &[Multiaddr]) -> Result<Self, TrackerError> {
        let peer = identity.public().to_peer_id();
        let mut swarm = swarm(identity)?;
        let mut waiting = Vec::new();
        for address in listen {
            let id = swarm.listen_on(address.clone()).map_err(|e| refused(address, &e))?;
            waiting.push((id, address.clone()));
        }
        tokio::time::timeout(LISTEN_TIMEOUT, await_listeners(&mut swarm, waiting))
            .await
            .map_err(|_| TrackerError::Setup("no address became ready in time".into()))??;
        let addresses = outward_first(swarm.listeners(), peer);
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(run(swarm, stopped));
        Ok(Self { addresses, _stop: stop })
    }

    /// Where peers reach it, each ending in `/p2p/PEER`; loopback addresses last.
    pub fn addresses(&self) -> &[Multiaddr] {
        &self.addresses
    }
}

fn swarm(identity: Keypair) -> Result<Swarm<Behaviour>, TrackerError> {
    let setup = |e: &dyn std::fmt::Display| TrackerError::Setup(e.to_string());
    let builder = SwarmBuilder::with_existing_identity(identity)
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            (tls::Config::new, noise::Config::new),
            yamux::Config::default,
        )
        .map_err(|e| setup(&e))?
        .with_quic()
        .with_behaviour(Behaviour::new)
        .map_err(|e| setup(&e))?;
    Ok(builder.with_swarm_config(|c| c.with_idle_connection_timeout(IDLE)).build())
}

fn refused(address: &Multiaddr, error: &dyn std::fmt::Display) -> TrackerError {
    TrackerError::Listen { address: address.clone(), why: error.to_string() }
}

async fn await_listeners(
    swarm: &mut Swarm<Behaviour>,
    mut waiting: Vec<(ListenerId, Multiaddr)>,
) -> Result<(), TrackerError> {
    loop {
        // A wildcard address becomes one event per interface; those come together.
        let event = if waiting.is_empty() {
            match swarm.select_next_some().now_or_never() {
                Some(event) => event,
                None => return Ok(()),
            }
        } else {
            swarm.select_next_some().await
        };
        match event {
            SwarmEvent::NewListenAddr { listener_id, .. } => waiting.retain(|(id, _)| *id != listener_id),
            SwarmEvent::ListenerClosed { listener_id, reason: Err(error), .. } => {
                if let Some((_, address)) = waiting.iter().find(|(id, _)| *id == listener_id) {
                    return Err(refused(address, &error));
                }
            }
            _ => {}
        }
    }
}

fn outward_first<'a>(listeners: impl Iterator<Item = &'a Multiaddr>, peer: PeerId) -> Vec<Multiaddr> {
    let mut all: Vec<Multiaddr> = listeners.cloned().collect();
    all.sort_by_key(|address| match address.iter().next() {
        Some(Protocol::Ip4(ip)) => (ip.is_loopback(), false),
        Some(Protocol::Ip6(ip)) => (ip.is_loopback(), true),
        _ => (false, false),
    });
    all.into_iter().filter_map(|address| address.with_p2p(peer).ok()).collect()
}

async fn run(mut swarm: Swarm<Behaviour>, mut stopped: oneshot::Receiver<()>) {
    let start = Instant::now();
    // Stays empty as long as libp2p's server keeps a table of its own.
    let mut registry = Registry::new(registry::Limits::default(), rand::make_rng());
    let mut services = service::services(start.elapsed());
    let mut ips: HashMap<ConnectionId, IpAddr> = HashMap::new();
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            event = swarm.select_next_some() => match event {
                SwarmEvent::Behaviour(BehaviourEvent::Rendezvous(event)) => tracing::info!(?event, "rendezvous"),
                SwarmEvent::Behaviour(BehaviourEvent::Tracker(event)) => {
                    let ip = match &event {
                        request_response::Event::Message { connection_id, .. } => ips.get(connection_id).copied(),
                        _ => None,
                    };
                    let tracker = &mut swarm.behaviour_mut().tracker;
                    service::on_event(&mut services, &mut registry, start.elapsed(), ip, tracker, event);
                }
                SwarmEvent::ConnectionEstablished { connection_id, endpoint, .. } => {
                    ips.extend(ip_of(endpoint.get_remote_address()).map(|ip| (connection_id, ip)));
                }
                SwarmEvent::ConnectionClosed { connection_id, .. } => drop(ips.remove(&connection_id)),
                SwarmEvent::NewListenAddr { address, .. } => tracing::info!(%address, "listening"),
                other => tracing::debug!(event = ?other, "swarm"),
            },
        }
    }
}

fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => Some(ip.into()),
        Some(Protocol::Ip6(ip)) => Some(ip.into()),
        _ => None,
    }
}
