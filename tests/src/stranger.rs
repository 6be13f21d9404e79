//! A peer in this process that sends whatever bytes the test likes, and reads all that comes back.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, Event, Message, ProtocolSupport};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{DialError, NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use shoal_net::streams;
use tokio::sync::oneshot;

use crate::within;

/// A connected one.
pub struct Stranger {
    key: Keypair,
    swarm: Swarm<Behaviour>,
    other: PeerId,
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    questions: request_response::Behaviour<Bytes>,
    streams: streams::Behaviour,
}

impl Stranger {
    /// Connects under a new identity, to ask by a protocol of one request and one response on each stream.
    pub async fn connect(address: &str, protocol: &'static str) -> Self {
        Self::try_connect(address, protocol).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`connect`](Self::connect), where the other side may refuse.
    pub async fn try_connect(address: &str, protocol: &'static str) -> Result<Self, DialError> {
        Self::connect_as(Keypair::generate_ed25519(), address, protocol).await
    }

    /// As [`try_connect`](Self::try_connect), under an identity of choice.
    pub async fn connect_as(key: Keypair, address: &str, protocol: &'static str) -> Result<Self, DialError> {
        let protocol = (StreamProtocol::new(protocol), ProtocolSupport::Outbound);
        let mut swarm = SwarmBuilder::with_existing_identity(key.clone())
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .expect("a machine has TCP")
            .with_behaviour(|_| Behaviour {
                questions: request_response::Behaviour::new([protocol], request_response::Config::default()),
                streams: streams::Behaviour::default(),
            })
            .expect("a behaviour is one")
            .with_swarm_config(|config| config.with_idle_connection_timeout(crate::DEADLINE))
            .build();
        let address: Multiaddr = address.parse().expect("an address");
        swarm.dial(DialOpts::from(address)).expect("can be dialled");
        let connected = async {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::ConnectionEstablished { peer_id, .. } => return Ok(peer_id),
                    SwarmEvent::OutgoingConnectionError { error, .. } => return Err(error),
                    _ => {}
                }
            }
        };
        let other = within("a connection", connected).await?;
        Ok(Self { key, swarm, other })
    }

    /// Its key pair.
    pub fn key(&self) -> &Keypair {
        &self.key
    }

    /// Sends a request, and returns all that comes back until the stream ends.
    pub async fn ask(&mut self, request: Vec<u8>) -> Vec<u8> {
        self.swarm.behaviour_mut().questions.send_request(&self.other, request);
        let answer = async {
            loop {
                match self.swarm.select_next_some().await {
                    SwarmEvent::Behaviour(BehaviourEvent::Questions(Event::Message {
                        message: Message::Response { response, .. },
                        ..
                    })) => return response,
                    SwarmEvent::Behaviour(BehaviourEvent::Questions(Event::OutboundFailure {
                        error,
                        ..
                    })) => {
                        panic!("{error}")
                    }
                    _ => {}
                }
            }
        };
        within("an answer", answer).await
    }

    /// Opens a stream of `/shoal/chunks/1`. It lives as long as the runtime, and so does the connection.
    pub async fn open_stream(mut self) -> Stream {
        let (reply, opened) = oneshot::channel();
        self.swarm.behaviour_mut().streams.open(self.other, reply);
        tokio::spawn(async move {
            loop {
                self.swarm.select_next_some().await;
            }
        });
        within("a stream", opened)
            .await
            .expect("the connection stands")
            .expect("the other side serves chunks")
    }
}

/// Writes bytes, and reads all that comes.
#[derive(Clone, Default)]
struct Bytes;

impl request_response::Codec for Bytes {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
    ) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await?;
        io.close().await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
        _: Vec<u8>,
    ) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
