//! A tracker that answers every `/shoal/tracker/1` request with bytes of the test's choice.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::request_response::{self, Event, Message, ProtocolSupport};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, StreamProtocol, SwarmBuilder, noise, tcp, yamux};
use shoal_wire::tracker::PROTOCOL;

/// A running one. Dropping it ends it.
pub struct FalseTracker {
    /// Where it is.
    pub address: Multiaddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for FalseTracker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FalseTracker {
    /// Starts one on loopback that answers with `body` in a frame.
    pub async fn start(body: Vec<u8>) -> Self {
        let protocol = (StreamProtocol::new(PROTOCOL), ProtocolSupport::Inbound);
        let behaviour = request_response::Behaviour::with_codec(Raw, [protocol], Default::default());
        let builder = SwarmBuilder::with_new_identity().with_tokio();
        let builder = builder.with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default);
        let mut swarm =
            builder.expect("a transport").with_behaviour(|_| behaviour).expect("a behaviour").build();
        swarm.listen_on(crate::process::LOOPBACK.parse().expect("an address")).expect("can listen");
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address.with_p2p(*swarm.local_peer_id()).expect("no peer in it yet");
            }
        };
        let task = tokio::spawn(async move {
            loop {
                if let SwarmEvent::Behaviour(Event::Message {
                    message: Message::Request { channel, .. },
                    ..
                }) = swarm.select_next_some().await
                {
                    drop(swarm.behaviour_mut().send_response(channel, body.clone()));
                }
            }
        });
        Self { address, task }
    }
}

/// Reads anything and writes a body behind its length, whatever it is.
#[derive(Clone)]
struct Raw;

impl request_response::Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = ();
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<()> {
        let mut some = [0; 1];
        io.read_exact(&mut some).await
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
        body: Vec<u8>,
    ) -> io::Result<()> {
        let mut len = body.len();
        let mut frame = vec![];
        while len >= 0x80 {
            frame.push((len & 0x7f) as u8 | 0x80);
            len >>= 7;
        }
        frame.push(len as u8);
        frame.extend(body);
        io.write_all(&frame).await?;
        io.flush().await
    }
}
