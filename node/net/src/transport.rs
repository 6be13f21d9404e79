//! How bytes get from here to there: TCP with TLS or Noise and yamux, and QUIC; by way of a relay; names by DNS.

use std::sync::Arc;
use std::time::Duration;

use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::{PeerId, Swarm, SwarmBuilder, Transport, dns, noise, quic, relay, yamux};
use shoal_engine::PeerBookConfig;

use super::behaviour::{Behaviour, BehaviourParts};
use super::discovery::DiscoveryBehaviour;
use super::handshakes::BoundedHandshakes;
use super::node_error::NodeError;
use super::reachability::Patient;
use super::standing::Resolved;
use super::tcp;

/// A connection without streams is closed after this time. Peers that exchange chunks keep a stream;
/// this is for those that only met.
const IDLE: Duration = Duration::from_secs(60);

/// By how much later QUIC is dialled than TCP, where a peer has both: as RFC 8305 recommends for the next attempt. A transfer
/// over TCP takes a third of the processor time, and is faster where the network is.
const BEFORE_QUIC: Duration = Duration::from_millis(250);
/// By how much later a relay is asked than the peer itself is dialled over TCP. A direct connection stands within a few
/// round trips; one that takes longer is found by DCUtR.
const BEFORE_RELAYS: Duration = Duration::from_millis(750);

/// Builds the Swarm. `upnp`: whether routers are asked to forward ports.
pub(super) fn swarm(
    identity: Keypair,
    peers: &PeerBookConfig,
    upnp: bool,
    discovery: DiscoveryBehaviour,
) -> Result<Swarm<Behaviour>, NodeError> {
    let resolved = Arc::new(Resolved::default());
    // The two builders differ in type but not in what follows.
    macro_rules! finish {
        ($builder:expr, $relay:expr) => {{
            let parts = BehaviourParts { peers, resolved, relay: $relay, upnp, discovery };
            $builder
                .with_behaviour(|identity| Behaviour::new(identity, parts))
                .map_err(|e| failed(e))?
                .with_swarm_config(|config| {
                    // A stream carries its first bytes beside the protocol's name, so that a question takes one round trip.
                    config.with_idle_connection_timeout(IDLE).with_substream_upgrade_protocol_override(Version::V1Lazy)
                })
                .build()
        }};
    }
    let transports = || {
        let (relay, client) = relay::client::new(identity.public().to_peer_id());
        let direct = below_names(&identity, peers.max_connections / 2, resolved.clone())?;
        let all = relayed(&identity, relay)?.or_transport(direct);
        let all = all.map(|either, _| either.into_inner()).boxed();
        let builder = SwarmBuilder::with_existing_identity(identity.clone()).with_tokio();
        Ok::<_, NodeError>((builder.with_other_transport(|_| all).map_err(failed)?, client))
    };
    let (builder, client) = transports()?;
    match builder.with_dns() {
        Ok(builder) => Ok(finish!(builder, client)),
        Err(error) => {
            // A machine without resolver settings still reaches addresses that are numbers.
            tracing::debug!(%error, "no resolver settings; names cannot be looked up");
            let none = (dns::ResolverConfig::default(), dns::ResolverOpts::default());
            let (builder, client) = transports()?;
            Ok(finish!(builder.with_dns_config(none.0, none.1), client))
        }
    }
}

/// Connections by way of a relay: a stream of the relay's, which must not read what goes over it.
fn relayed(
    identity: &Keypair,
    relay: relay::client::Transport,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, NodeError> {
    let noise = noise::Config::new(identity).map_err(failed)?;
    let relayed = Patient::new(relay, BEFORE_RELAYS)
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux::Config::default());
    Ok(relayed.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))).boxed())
}

/// QUIC and TCP. They are dialled at IP addresses only, after names were looked up, and note where that was.
fn below_names(
    identity: &Keypair,
    handshakes: usize,
    resolved: Arc<Resolved>,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, NodeError> {
    let quic = Patient::new(quic::tokio::Transport::new(quic::Config::new(identity)), BEFORE_QUIC)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)));
    let tcp = tcp::transport(identity).map_err(failed)?;
    let either = BoundedHandshakes::new(quic.or_transport(tcp), handshakes).map(move |either, endpoint| {
        let (peer, muxer) = either.into_inner();
        resolved.note(peer, &endpoint);
        (peer, muxer)
    });
    Ok(either.boxed())
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> NodeError {
    NodeError::Setup(error.into())
}
