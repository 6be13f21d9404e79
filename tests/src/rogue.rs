//! What peers of this process that misbehave are made of: a Swarm that speaks Shoal's protocols and decides nothing.

use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{StreamProtocol, Swarm, SwarmBuilder, identify, noise, tcp, tls, yamux};
use shoal_net::{QueryCodec, streams};
use shoal_wire::query;

/// Questions and streams of chunks, both ways; one that is to be asked by others says what it speaks.
#[derive(NetworkBehaviour)]
pub(crate) struct RogueBehaviour {
    pub(crate) query: request_response::Behaviour<QueryCodec>,
    pub(crate) streams: streams::Behaviour,
    pub(crate) identify: Toggle<identify::Behaviour>,
}

/// A Swarm that listens nowhere yet, and tells nobody what it speaks.
pub(crate) fn swarm(key: Keypair) -> Swarm<RogueBehaviour> {
    built(key, false)
}

/// As [`swarm`], but it tells.
pub(crate) fn identified_swarm(key: Keypair) -> Swarm<RogueBehaviour> {
    built(key, true)
}

fn built(key: Keypair, identified: bool) -> Swarm<RogueBehaviour> {
    let identify = identify::Config::new("/shoal/1".into(), key.public());
    let identify = identified.then(|| identify::Behaviour::new(identify));
    let protocol = (StreamProtocol::new(query::PROTOCOL), ProtocolSupport::Full);
    SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default(), (tls::Config::new, noise::Config::new), yamux::Config::default)
        .expect("a machine has TCP")
        .with_behaviour(|_| RogueBehaviour {
            query: request_response::Behaviour::with_codec(
                QueryCodec::default(),
                [protocol],
                Default::default(),
            ),
            streams: streams::Behaviour::default(),
            identify: identify.into(),
        })
        .expect("a behaviour is one")
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
        .build()
}
