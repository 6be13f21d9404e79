//! A peer of a rendezvous point, in this process: no node, just an identity that registers and asks.
//!
//! It renews nothing, answers nobody, and takes no leave when it is dropped.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, Event, Message, ProtocolSupport};
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use shoal_wire::rendezvous::{PROTOCOL, PeerRecord, RecordFormat, Refused, Request, Response};

use crate::within;

/// A connected one.
pub struct Visitor {
    key: Keypair,
    swarm: Swarm<request_response::Behaviour<Bytes>>,
    point: PeerId,
}

impl Visitor {
    /// Connects to a rendezvous point under a new identity.
    pub async fn connect(point: &str) -> Self {
        let key = Keypair::generate_ed25519();
        let protocol = (StreamProtocol::new(PROTOCOL), ProtocolSupport::Outbound);
        let mut swarm = SwarmBuilder::with_existing_identity(key.clone())
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .expect("a machine has TCP")
            .with_behaviour(|_| {
                request_response::Behaviour::new([protocol], request_response::Config::default())
            })
            .expect("a behaviour is one")
            .with_swarm_config(|config| config.with_idle_connection_timeout(crate::DEADLINE))
            .build();
        let address: Multiaddr = point.parse().expect("an address");
        swarm.dial(DialOpts::from(address)).expect("can be dialled");
        let connected = async {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::ConnectionEstablished { peer_id, .. } => return peer_id,
                    SwarmEvent::OutgoingConnectionError { error, .. } => panic!("{error}"),
                    _ => {}
                }
            }
        };
        let point = within("a connection", connected).await;
        Self { key, swarm, point }
    }

    /// Who it is.
    pub fn peer(&self) -> PeerId {
        self.key.public().to_peer_id()
    }

    /// Registers as if it were at `home`; returns the granted time in seconds.
    pub async fn register(&mut self, namespace: &str, home: &Multiaddr) -> Result<u64, Refused> {
        let record = PeerRecord::seal(&self.key, 1, std::slice::from_ref(home), RecordFormat::Standard);
        let record = record.expect("an Ed25519 key signs");
        match self.ask(Request::Register { namespace: namespace.to_owned(), record, ttl: None }).await {
            Response::Register(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// Asks who is in a namespace, for at most `limit`; returns them in order.
    pub async fn discover(&mut self, namespace: &str, limit: u64) -> Vec<PeerId> {
        let namespace = Some(namespace.to_owned());
        match self.ask(Request::Discover { namespace, limit: Some(limit), cookie: None }).await {
            Response::Discover(Ok(found)) => {
                let peer = |record: &[u8]| PeerRecord::open(record).expect("a signed record").peer;
                let mut peers: Vec<PeerId> = found.registrations.iter().map(|it| peer(&it.record)).collect();
                peers.sort_unstable();
                peers
            }
            other => panic!("{other:?}"),
        }
    }

    async fn ask(&mut self, request: Request) -> Response {
        self.swarm.behaviour_mut().send_request(&self.point, request.encode());
        let answer = async {
            loop {
                match self.swarm.select_next_some().await {
                    SwarmEvent::Behaviour(Event::Message {
                        message: Message::Response { response, .. },
                        ..
                    }) => return response,
                    SwarmEvent::Behaviour(Event::OutboundFailure { error, .. }) => panic!("{error}"),
                    _ => {}
                }
            }
        };
        let answer = within("an answer", answer).await;
        // A length of seven bits in each byte, the last one below 0x80.
        let length = answer.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        Response::decode(&answer[length..]).expect("an answer of the protocol")
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
