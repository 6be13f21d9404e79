//! A peer that asks a server as fast as it answers.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, Message, ProtocolSupport};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, noise, ping, tcp, yamux};

use crate::message;

/// The longest answer, in bytes; libp2p's clients read no more.
const MAX_ANSWER: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests under way at once, of each client.
const WINDOW: usize = 4;

/// What came of requests.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) done: u64,
    pub(crate) listed: u64,
    /// Answered with another status than success.
    pub(crate) refused: u64,
    /// Not answered.
    pub(crate) failed: u64,
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            done: a.done + b.done,
            listed: a.listed + b.listed,
            refused: a.refused + b.refused,
            failed: a.failed + b.failed,
        })
    }
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    requests: request_response::Behaviour<Raw>,
    ping: ping::Behaviour,
}

/// A connected peer.
pub(crate) struct Client {
    swarm: Swarm<Behaviour>,
    server: PeerId,
}

impl Client {
    /// Dials, and waits until it is connected.
    pub(crate) async fn connect(key: Keypair, address: &Multiaddr) -> anyhow::Result<Self> {
        let protocol = (StreamProtocol::new("/rendezvous/1.0.0"), ProtocolSupport::Outbound);
        let config = request_response::Config::default().with_request_timeout(PATIENCE);
        let behaviour = Behaviour {
            requests: request_response::Behaviour::with_codec(Raw, [protocol], config),
            ping: ping::Behaviour::default(),
        };
        let mut swarm = SwarmBuilder::with_existing_identity(key)
            .with_tokio()
            .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
            .with_behaviour(|_| behaviour)?
            .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(3600)))
            .build();
        swarm.dial(address.clone())?;
        let connected = async {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::ConnectionEstablished { peer_id, .. } => return Ok(peer_id),
                    SwarmEvent::OutgoingConnectionError { error, .. } => bail!("cannot connect: {error}"),
                    _ => {}
                }
            }
        };
        let server =
            tokio::time::timeout(PATIENCE, connected).await.context("the server does not answer")??;
        Ok(Self { swarm, server })
    }

    /// Sends these one after another, a few under way at once, until all are answered or it is `end`.
    pub(crate) async fn send(&mut self, mut bodies: impl Iterator<Item = Vec<u8>>, end: Instant) -> Tally {
        let (mut tally, mut under_way) = (Tally::default(), 0);
        loop {
            while under_way < WINDOW && Instant::now() < end {
                let Some(body) = bodies.next() else { break };
                self.swarm.behaviour_mut().requests.send_request(&self.server, body);
                under_way += 1;
            }
            if under_way == 0 {
                return tally;
            }
            let SwarmEvent::Behaviour(BehaviourEvent::Requests(event)) = self.swarm.select_next_some().await
            else {
                continue;
            };
            match event {
                request_response::Event::Message { message: Message::Response { response, .. }, .. } => {
                    match message::answer(&response) {
                        Some(answer) if answer.status == 0 => {
                            tally.done += 1;
                            tally.listed += answer.listed as u64;
                        }
                        Some(_) => tally.refused += 1,
                        None => tally.failed += 1,
                    }
                }
                request_response::Event::OutboundFailure { .. } => tally.failed += 1,
                _ => continue,
            }
            under_way -= 1;
        }
    }

    /// Answers pings until the connection ends.
    pub(crate) async fn stay(mut self) {
        while self.swarm.is_connected(&self.server) {
            self.swarm.select_next_some().await;
        }
    }
}

/// Bodies with their length before them, as a varint.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl request_response::Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut length = 0;
        for shift in (0..28).step_by(7) {
            let mut byte = [0];
            io.read_exact(&mut byte).await?;
            length |= usize::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        if length > MAX_ANSWER {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut body = vec![0; length];
        io.read_exact(&mut body).await?;
        Ok(body)
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, body: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let mut frame = Vec::with_capacity(body.len() + 4);
        message::varint(&mut frame, body.len() as u64);
        frame.extend_from_slice(&body);
        io.write_all(&frame).await?;
        io.close().await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, _: &mut T, _: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }
}
