//! How bytes get from here to there: TCP with TLS or Noise and yamux, and QUIC; names by DNS.

use std::sync::Arc;
use std::time::Duration;

use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::identity::Keypair;
use libp2p::{PeerId, Swarm, SwarmBuilder, Transport, dns, quic};
use shoal_engine::PeerBookConfig;

use super::behaviour::Behaviour;
use super::discovery::DiscoveryBehaviour;
use super::handshakes::BoundedHandshakes;
use super::node_error::NodeError;
use super::standing::Resolved;
use super::tcp;

/// A connection without streams is closed after this time. Peers that exchange chunks keep a stream;
/// this is for those that only met.
const IDLE: Duration = Duration::from_secs(60);

/// Builds the Swarm.
pub(super) fn swarm(
    identity: Keypair,
    peers: &PeerBookConfig,
    discovery: DiscoveryBehaviour,
) -> Result<Swarm<Behaviour>, NodeError> {
    // The two builders differ in type but not in what follows.
    let resolved = Arc::new(Resolved::default());
    macro_rules! finish {
        ($builder:expr) => {
            $builder
                .with_behaviour(|identity| Behaviour::new(identity, peers, resolved, discovery))
                .map_err(|e| failed(e))?
                .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
                .build()
        };
    }
    let transports = || {
        let below_names = below_names(&identity, peers.max_connections / 2, resolved.clone())?;
        let builder = SwarmBuilder::with_existing_identity(identity.clone()).with_tokio();
        builder.with_other_transport(|_| below_names).map_err(failed)
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
    handshakes: usize,
    resolved: Arc<Resolved>,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, NodeError> {
    let quic = quic::tokio::Transport::new(quic::Config::new(identity))
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
