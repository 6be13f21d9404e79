//! A client that sends any bytes to a tracker, and can fall silent or die.

#![allow(dead_code, reason = "each test program uses its part")]

use std::io;
use std::sync::mpsc as blocking;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, noise, ping, tcp, yamux};
use shoal_rendezvous::{Settings, TrackerServer};
use shoal_wire::rendezvous::{
    Discovered, PROTOCOL, PeerRecord, RecordFormat, RendezvousRequest, RendezvousResponse,
};
use tokio::sync::{mpsc, oneshot};

/// What a test waits for happens within this time or never.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn loopback() -> Multiaddr {
    "/ip4/127.0.0.1/tcp/0".parse().unwrap()
}

pub(crate) async fn tracker(settings: Settings) -> (TrackerServer, Multiaddr) {
    let settings = Settings { listen: vec![loopback()], ..settings };
    let tracker = TrackerServer::start(Keypair::generate_ed25519(), settings).await.unwrap();
    let address = tracker.addresses()[0].clone();
    (tracker, address)
}

pub(crate) fn peer_of(address: &Multiaddr) -> PeerId {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => peer,
        other => panic!("{other:?}"),
    }
}

/// Looks until `look` finds something.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

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
        // The end of the stream tells a server that waits for more that there is none.
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

#[derive(NetworkBehaviour)]
struct Behaviour {
    ping: ping::Behaviour,
    bytes: request_response::Behaviour<Bytes>,
}

enum Order {
    Send(Vec<u8>, oneshot::Sender<Vec<u8>>),
    Disconnect(oneshot::Sender<()>),
    /// Does nothing any more, with connections open, until the other end is dropped.
    Freeze(blocking::Receiver<()>),
}

/// A peer with a thread of its own, so that it can be stopped like a process.
pub(crate) struct Client {
    pub(crate) key: Keypair,
    pub(crate) home: Multiaddr,
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    pub(crate) async fn start(tracker: &Multiaddr) -> Self {
        let key = Keypair::generate_ed25519();
        let (orders, received) = mpsc::channel(16);
        let (listening, home) = oneshot::channel();
        let (tracker, identity) = (tracker.clone(), key.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(identity, tracker, received, listening));
        });
        Self { key, home: home.await.unwrap(), orders: Some(orders), thread: Some(thread) }
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.key.public().to_peer_id()
    }

    /// Sends bytes and returns what comes before the stream ends.
    pub(crate) async fn send(&self, bytes: Vec<u8>) -> Vec<u8> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Send(bytes, reply)).await;
        tokio::time::timeout(PATIENCE, answer)
            .await
            .expect("an answer in time")
            .expect("a stream that ends well")
    }

    /// Registers, unless the connection has ended; it is opened anew the next time.
    pub(crate) async fn try_join(&self, namespace: &str) -> Option<()> {
        let record = self.record(1, RecordFormat::Standard);
        let request = RendezvousRequest::Register { namespace: namespace.to_owned(), record, ttl: None };
        let (reply, answer) = oneshot::channel();
        self.order(Order::Send(request.encode(), reply)).await;
        answer.await.ok().map(drop)
    }

    pub(crate) async fn send_for_response(&self, bytes: Vec<u8>) -> Option<RendezvousResponse> {
        let bytes = self.send(bytes).await;
        let mut body = bytes.as_slice();
        let len = (!body.is_empty()).then(|| unsigned_varint::decode::usize(body).unwrap());
        len.map(|(len, rest)| {
            body = rest;
            assert_eq!(body.len(), len, "one message and nothing else");
            RendezvousResponse::decode(body).unwrap()
        })
    }

    pub(crate) async fn ask(&self, request: RendezvousRequest) -> Option<RendezvousResponse> {
        self.send_for_response(request.encode()).await
    }

    pub(crate) fn record(&self, sequence: u64, format: RecordFormat) -> Vec<u8> {
        PeerRecord::seal(&self.key, sequence, std::slice::from_ref(&self.home), format).unwrap()
    }

    pub(crate) async fn register(
        &self,
        namespace: &str,
        record: Vec<u8>,
        ttl: Option<u64>,
    ) -> Result<u64, u16> {
        let request = RendezvousRequest::Register { namespace: namespace.to_owned(), record, ttl };
        registered(self.ask(request).await)
    }

    /// Registers as most tests do.
    pub(crate) async fn join(&self, namespace: &str) {
        let record = self.record(1, RecordFormat::Standard);
        assert!(self.register(namespace, record, None).await.is_ok());
    }

    pub(crate) async fn unregister(&self, namespace: &str) {
        assert_eq!(self.ask(RendezvousRequest::Unregister { namespace: namespace.to_owned() }).await, None);
    }

    pub(crate) async fn discover(&self, namespace: &str, limit: Option<u64>) -> Discovered {
        let request =
            RendezvousRequest::Discover { namespace: Some(namespace.to_owned()), limit, cookie: None };
        match self.ask(request).await {
            Some(RendezvousResponse::Discover(Ok(it))) => it,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn peers(&self, namespace: &str) -> Vec<PeerId> {
        let it = self.discover(namespace, None).await;
        let peer = |record: &[u8]| PeerRecord::open(record).unwrap().peer;
        let mut peers: Vec<PeerId> = it.registrations.iter().map(|it| peer(&it.record)).collect();
        peers.sort_unstable();
        peers
    }

    /// Closes its connections, and goes on.
    pub(crate) async fn disconnect(&self) {
        let (reply, done) = oneshot::channel();
        self.order(Order::Disconnect(reply)).await;
        done.await.unwrap();
    }

    /// Falls silent until the result is dropped.
    pub(crate) async fn freeze(&self) -> blocking::Sender<()> {
        let (thaw, frozen) = blocking::channel();
        self.order(Order::Freeze(frozen)).await;
        thaw
    }

    /// Ends without taking leave.
    pub(crate) fn die(mut self) {
        self.end();
    }

    async fn order(&self, order: Order) {
        let sent = self.orders.as_ref().unwrap().send(order).await;
        assert!(sent.is_ok(), "the client runs");
    }

    fn end(&mut self) {
        drop(self.orders.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.end();
    }
}

pub(crate) fn registered(response: Option<RendezvousResponse>) -> Result<u64, u16> {
    match response {
        Some(RendezvousResponse::Register(answer)) => answer.map_err(|refused| refused.status.code()),
        other => panic!("{other:?}"),
    }
}

async fn run(
    key: Keypair,
    tracker: Multiaddr,
    mut orders: mpsc::Receiver<Order>,
    listening: oneshot::Sender<Multiaddr>,
) {
    let peer = peer_of(&tracker);
    let mut swarm = swarm(key);
    swarm.listen_on(loopback()).unwrap();
    let home = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            break address;
        }
    };
    swarm.dial(tracker.clone()).unwrap();
    while !swarm.is_connected(&peer) {
        swarm.select_next_some().await;
    }
    listening.send(home).unwrap();
    let mut waiting = std::collections::HashMap::new();
    let mut leaving: Option<oneshot::Sender<()>> = None;
    loop {
        tokio::select! {
            event = swarm.select_next_some() => match event {
                SwarmEvent::Behaviour(BehaviourEvent::Bytes(request_response::Event::Message {
                    message: request_response::Message::Response { request_id, response }, ..
                })) => drop(waiting.remove(&request_id).map(|reply: oneshot::Sender<Vec<u8>>| reply.send(response))),
                SwarmEvent::Behaviour(BehaviourEvent::Bytes(
                    request_response::Event::OutboundFailure { request_id, error, .. },
                )) => {
                    eprintln!("{error}");
                    drop(waiting.remove(&request_id));
                }
                SwarmEvent::ConnectionClosed { num_established: 0, .. } => {
                    let _ = leaving.take().map(|done| done.send(()));
                }
                _ => {}
            },
            order = orders.recv() => match order {
                Some(Order::Send(bytes, reply)) => {
                    let behaviour = &mut swarm.behaviour_mut().bytes;
                    waiting.insert(behaviour.send_request_with_addresses(&peer, bytes, vec![tracker.clone()]), reply);
                }
                Some(Order::Disconnect(done)) => {
                    swarm.disconnect_peer_id(peer).unwrap();
                    leaving = Some(done);
                }
                Some(Order::Freeze(frozen)) => drop(frozen.recv()),
                None => return,
            },
        }
    }
}

fn swarm(key: Keypair) -> Swarm<Behaviour> {
    let protocol = (StreamProtocol::new(PROTOCOL), ProtocolSupport::Outbound);
    SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| Behaviour {
            ping: ping::Behaviour::default(),
            bytes: request_response::Behaviour::new([protocol], request_response::Config::default()),
        })
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
        .build()
}
