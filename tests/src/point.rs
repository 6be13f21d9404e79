//! A rendezvous point that answers every request with the same bytes.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, StreamProtocol, SwarmBuilder, noise, tcp, tls, yamux};
use shoal_wire::rendezvous::PROTOCOL;

use crate::process::LOOPBACK;

#[derive(Clone, Default)]
struct Bytes;

impl request_response::Codec for Bytes {
    type Protocol = StreamProtocol;
    type Request = ();
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<()> {
        io.read(&mut [0; 4096]).await.map(drop)
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
    ) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
        (): (),
    ) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await
    }
}

/// Starts the point; returns its address. It runs as long as the runtime.
pub async fn point(answer: Vec<u8>) -> Multiaddr {
    let protocol = (StreamProtocol::new(PROTOCOL), ProtocolSupport::Inbound);
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), (tls::Config::new, noise::Config::new), yamux::Config::default)
        .expect("a machine has TCP")
        .with_behaviour(|_| {
            request_response::Behaviour::<Bytes>::new([protocol], request_response::Config::default())
        })
        .expect("a behaviour is one")
        .build();
    let peer = *swarm.local_peer_id();
    swarm.listen_on(LOOPBACK.parse().expect("well-formed")).expect("loopback can be listened on");
    let address = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            break address.with_p2p(peer).expect("no other peer is named");
        }
    };
    tokio::spawn(async move {
        loop {
            if let SwarmEvent::Behaviour(request_response::Event::Message {
                message: request_response::Message::Request { channel, .. },
                ..
            }) = swarm.select_next_some().await
            {
                // Err only says that nobody waits any more.
                drop(swarm.behaviour_mut().send_response(channel, answer.clone()));
            }
        }
    });
    address
}
