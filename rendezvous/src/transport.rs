//! How peers reach a tracker: TCP with TLS or Noise and yamux, and QUIC.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use libp2p::core::transport::ListenerId;
use libp2p::identity::Keypair;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Swarm, SwarmBuilder, noise, tcp, tls, yamux};
use shoal_addresses::{Scope, ip_of};

use crate::StartError;
use crate::behaviour::Behaviour;
use crate::settings::Settings;

/// Connections without streams are closed after this time. It is longer than the time between two renewals, so
/// that registered peers need not connect anew for each.
const IDLE: Duration = Duration::from_secs(150);
/// How long to wait for listening addresses.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn swarm(identity: Keypair, settings: &Settings) -> Result<Swarm<Behaviour>, StartError> {
    let setup = |e: &dyn std::fmt::Display| StartError::Setup(e.to_string());
    let builder = SwarmBuilder::with_existing_identity(identity)
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            (tls::Config::new, noise::Config::new),
            yamux::Config::default,
        )
        .map_err(|e| setup(&e))?
        .with_quic()
        .with_behaviour(|identity| Behaviour::new(identity, settings))
        .map_err(|e| setup(&e))?;
    Ok(builder.with_swarm_config(|c| c.with_idle_connection_timeout(IDLE)).build())
}

/// Listens, and waits until every address stands.
pub(crate) async fn listen(swarm: &mut Swarm<Behaviour>, addresses: &[Multiaddr]) -> Result<(), StartError> {
    let mut waiting = Vec::new();
    for address in addresses {
        let id = swarm.listen_on(address.clone()).map_err(|e| refused(address, &e))?;
        waiting.push((id, address.clone()));
    }
    let all = tokio::time::timeout(LISTEN_TIMEOUT, await_listeners(swarm, waiting)).await;
    all.map_err(|_| StartError::Setup("no address became ready in time".into()))?
}

fn refused(address: &Multiaddr, error: &dyn std::fmt::Display) -> StartError {
    StartError::Listen { address: address.clone(), why: error.to_string() }
}

async fn await_listeners(
    swarm: &mut Swarm<Behaviour>,
    mut waiting: Vec<(ListenerId, Multiaddr)>,
) -> Result<(), StartError> {
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

/// Where peers reach the tracker, each ending in `/p2p/PEER`: what the operator named, then where it
/// listens, loopback addresses last.
pub(crate) fn addresses(swarm: &Swarm<Behaviour>, external: &[Multiaddr], peer: PeerId) -> Vec<Multiaddr> {
    let mut listening: Vec<Multiaddr> = swarm.listeners().cloned().collect();
    // Of one kind, addresses of IPv4 come first, because that is what most can reach.
    listening.sort_by_key(|address| {
        let is_loopback = Scope::of(address) == Some(Scope::Loopback);
        (is_loopback, is_loopback && ip_of(address).is_some_and(|ip| ip.is_ipv6()))
    });
    let mut all: Vec<Multiaddr> = Vec::new();
    for address in external.iter().cloned().chain(listening) {
        if let Ok(address) = address.with_p2p(peer)
            && !all.contains(&address)
        {
            all.push(address);
        }
    }
    all
}
