//! How bytes get from here to there: TCP with TLS or Noise and yamux, and QUIC; names by DNS.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::identity::Keypair;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Swarm, SwarmBuilder, Transport, dns, quic};
use shoal_engine::PeerBookConfig;

use super::behaviour::Behaviour;
use super::node::NodeError;
use super::standing::Resolved;
use super::tcp;

/// A connection without streams is closed after this time. Peers that exchange chunks keep a stream;
/// this is for those that only met.
const IDLE: Duration = Duration::from_secs(60);

/// Builds the Swarm.
pub(super) fn swarm(identity: Keypair, peers: &PeerBookConfig) -> Result<Swarm<Behaviour>, NodeError> {
    // The two builders differ in type but not in what follows.
    let resolved = Arc::new(Resolved::default());
    macro_rules! finish {
        ($builder:expr) => {
            $builder
                .with_behaviour(|identity| Behaviour::new(identity, peers, resolved))
                .map_err(|e| failed(&e))?
                .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
                .build()
        };
    }
    let transports = || {
        let below_names = below_names(&identity, resolved.clone())?;
        let builder = SwarmBuilder::with_existing_identity(identity.clone()).with_tokio();
        builder.with_other_transport(|_| below_names).map_err(|e| failed(&e))
    };
    match transports()?.with_dns() {
        Ok(builder) => Ok(finish!(builder)),
        Err(error) => {
            // A machine without resolver settings still reaches addresses that are numbers.
            tracing::debug!(%error, "no resolver settings; names cannot be looked up");
            let none = (dns::ResolverConfig::default(), dns::ResolverOpts::default());
            Ok(finish!(transports()?.with_dns_config(none.0, none.1)))
        }
    }
}

/// QUIC and TCP. They are dialled at IP addresses only, after names were looked up, and note where that was.
fn below_names(
    identity: &Keypair,
    resolved: Arc<Resolved>,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, NodeError> {
    let quic = quic::tokio::Transport::new(quic::Config::new(identity))
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let tcp = tcp::transport(identity).map_err(NodeError::Setup)?;
    let either = quic.or_transport(tcp).map(move |either, endpoint| {
        let (peer, muxer) = either.into_inner();
        resolved.note(peer, &endpoint);
        (peer, muxer)
    });
    Ok(either.boxed())
}

fn failed(error: &dyn std::fmt::Display) -> NodeError {
    NodeError::Setup(error.to_string())
}

/// Listens and waits until at least one address stands. Given addresses must all work; of the defaults,
/// one is enough: a machine may lack IPv6 or UDP.
pub(super) async fn listen(
    swarm: &mut Swarm<Behaviour>,
    given: &[Multiaddr],
    port: u16,
    patience: Duration,
) -> Result<(), NodeError> {
    let addresses = if given.is_empty() { everywhere(port) } else { given.to_vec() };
    let mut errors = Vec::new();
    let mut listeners = 0;
    for address in addresses {
        match swarm.listen_on(address.clone()) {
            Ok(_) => listeners += 1,
            Err(error) if given.is_empty() => errors.push(format!("{address}: {error}")),
            Err(error) => return Err(NodeError::Listen { address, why: error.to_string() }),
        }
    }
    let ready = async {
        let mut standing = std::collections::HashSet::new();
        while listeners > 0 && (standing.is_empty() || (!given.is_empty() && standing.len() < listeners)) {
            match swarm.select_next_some().await {
                SwarmEvent::NewListenAddr { listener_id, .. } => drop(standing.insert(listener_id)),
                SwarmEvent::ListenerClosed { addresses, reason: Err(error), .. } => {
                    listeners -= 1;
                    errors.push(format!("{addresses:?}: {error}"));
                }
                _ => {}
            }
        }
        !standing.is_empty()
    };
    match tokio::time::timeout(patience, ready).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(NodeError::NoListener(errors.join("; "))),
        Err(_) => Err(NodeError::NoListener("no address became ready in time".into())),
    }
}

fn everywhere(port: u16) -> Vec<Multiaddr> {
    let texts = [
        format!("/ip4/0.0.0.0/tcp/{port}"),
        format!("/ip4/0.0.0.0/udp/{port}/quic-v1"),
        format!("/ip6/::/tcp/{port}"),
        format!("/ip6/::/udp/{port}/quic-v1"),
    ];
    texts.iter().map(|text| text.parse().expect("well-formed")).collect()
}
