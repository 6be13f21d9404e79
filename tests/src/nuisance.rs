//! Peers in this process that fetch nothing and only take what others need: places, slots, streams, answers.
//!
//! Each comes back when its connection ends, under the same identity.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, Message, ResponseChannel};
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId, Stream, Swarm};
use shoal_content::ContentId;
use shoal_net::{streams, write_frame};
use shoal_wire::chunks::{ChunkRequest, MAX_WAITING};
use shoal_wire::query::{QueryRequest, QueryResponse};
use shoal_wire::{Capabilities, Have};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::rogue::{RogueBehaviour, RogueBehaviourEvent, swarm};
use crate::within;

/// How often a nuisance does what it does.
const PACE: Duration = Duration::from_millis(250);
/// Questions each time. Answering costs a program without optimization ten times as much.
const QUESTIONS: usize = if cfg!(debug_assertions) { 12 } else { 60 };
/// Streams and connections each time.
const AT_ONCE: usize = 8;
/// What one nuisance holds at most of anything.
const MOST: usize = 96;
/// The peers that hold a place each.
const HOLDERS: usize = 4;

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nuisance {
    /// Asks for all chunks that a stream may wait for, and reads nothing.
    NeverReads,
    /// Asks questions on and on, more at once than are answered at once.
    AsksOnAndOn,
    /// Opens one stream of chunks after the other.
    OpensStreams,
    /// Joins as somebody that has nothing and wants nothing, or that has everything, and answers nothing. The others do not
    /// join.
    HoldsPlaces { have: bool },
}

/// A content that nuisances pretend to want.
#[derive(Debug, Clone, Copy)]
pub struct Bait {
    /// Which one.
    pub content: ContentId,
    /// How many chunks it has.
    pub chunks: u32,
}

/// Running ones. They end when this is dropped.
#[derive(Default)]
pub struct Nuisances(JoinSet<()>);

impl Nuisances {
    /// Sets one of each kind on a node, and four that hold places; a ninth party opens connections and says nothing.
    /// Needs a runtime.
    pub fn bother(&mut self, target: &Multiaddr, bait: Bait) {
        let holders = (0..HOLDERS).map(|n| Nuisance::HoldsPlaces { have: n % 2 == 1 });
        let all = [Nuisance::NeverReads, Nuisance::AsksOnAndOn, Nuisance::OpensStreams];
        for kind in all.into_iter().chain(holders) {
            self.0.spawn(Actor::new(kind, target.clone(), bait).run());
        }
        self.0.spawn(never_shake_hands(socket(target)));
    }
}

/// A peer that has joined a swarm, has nothing, and says that it has everything. It leaves when this is dropped.
pub struct Claimant(JoinSet<()>);

impl Claimant {
    /// Returns once the other side has taken its word.
    pub async fn join(target: &Multiaddr, bait: Bait) -> Self {
        let mut actor = Actor::new(Nuisance::HoldsPlaces { have: true }, target.clone(), bait);
        actor.dial();
        within("the claim is taken", async { while !actor.turn().await {} }).await;
        let mut tasks = JoinSet::new();
        tasks.spawn(actor.run());
        Self(tasks)
    }

    /// Whether it still runs.
    pub fn is_there(&self) -> bool {
        self.0.len() == 1
    }
}

/// One that speaks the protocols.
struct Actor {
    kind: Nuisance,
    swarm: Swarm<RogueBehaviour>,
    target: Multiaddr,
    peer: PeerId,
    bait: Bait,
    connected: bool,
    asked: usize,
    opening: FuturesUnordered<oneshot::Receiver<Result<Stream, streams::OpenError>>>,
    streams: VecDeque<Stream>,
    /// Questions of the other side, which wait for ever.
    unanswered: VecDeque<ResponseChannel<QueryResponse>>,
}

impl Actor {
    fn new(kind: Nuisance, target: Multiaddr, bait: Bait) -> Self {
        let peer = match target.iter().last() {
            Some(Protocol::P2p(peer)) => peer,
            other => panic!("an address of a peer ends with its id, not with {other:?}"),
        };
        Self {
            kind,
            swarm: swarm(Keypair::generate_ed25519()),
            target,
            peer,
            bait,
            connected: false,
            asked: 0,
            opening: FuturesUnordered::new(),
            streams: VecDeque::new(),
            unanswered: VecDeque::new(),
        }
    }

    async fn run(mut self) {
        let mut pace = tokio::time::interval(PACE);
        loop {
            tokio::select! {
                _ = self.turn() => {}
                _ = pace.tick() => if self.connected { self.act() } else { self.dial() }
            }
        }
    }

    fn dial(&mut self) {
        // Err only says that it is being dialled already.
        drop(self.swarm.dial(DialOpts::from(self.target.clone())));
    }

    /// Waits for something to happen. Returns whether it was that the other side took a join.
    async fn turn(&mut self) -> bool {
        tokio::select! {
            event = self.swarm.select_next_some() => return self.on_event(event),
            Some(Ok(Ok(stream))) = self.opening.next() => self.on_stream(stream).await,
        }
        false
    }

    fn on_event(&mut self, event: SwarmEvent<RogueBehaviourEvent>) -> bool {
        match event {
            SwarmEvent::ConnectionEstablished { .. } => {
                self.connected = true;
                if matches!(self.kind, Nuisance::HoldsPlaces { .. }) {
                    self.ask(self.join());
                }
            }
            SwarmEvent::ConnectionClosed { .. } => {
                self.connected = false;
                self.streams.clear();
            }
            SwarmEvent::Behaviour(RogueBehaviourEvent::Query(request_response::Event::Message {
                message,
                ..
            })) => match message {
                Message::Request { channel, .. } => keep(&mut self.unanswered, channel),
                Message::Response { response, .. } => {
                    self.asked = self.asked.saturating_sub(1);
                    return matches!(response, QueryResponse::Joined { .. });
                }
            },
            SwarmEvent::Behaviour(RogueBehaviourEvent::Query(request_response::Event::OutboundFailure {
                ..
            })) => self.asked = self.asked.saturating_sub(1),
            _ => {}
        }
        false
    }

    /// A stream that it opened.
    async fn on_stream(&mut self, mut stream: Stream) {
        if self.kind == Nuisance::NeverReads {
            for id in 0..MAX_WAITING as u64 {
                let chunk = id as u32 % self.bait.chunks;
                let get = ChunkRequest::Get { id, chunk, content: self.bait.content };
                if write_frame(&mut stream, &get).await.is_err() {
                    return;
                }
            }
            // Err only says that the other side has ended it.
            drop(futures::AsyncWriteExt::flush(&mut stream).await);
        }
        keep(&mut self.streams, stream);
    }

    fn act(&mut self) {
        match self.kind {
            Nuisance::NeverReads => self.open(1),
            Nuisance::OpensStreams => self.open(AT_ONCE),
            Nuisance::AsksOnAndOn => {
                for n in 0..QUESTIONS {
                    self.ask(self.question(n));
                }
            }
            // One that was not known yet, or did not know the content yet, is not a member.
            Nuisance::HoldsPlaces { .. } => self.ask(self.join()),
        }
    }

    fn open(&mut self, count: usize) {
        for _ in 0..count.min(MOST - self.opening.len().min(MOST)) {
            let (reply, opened) = oneshot::channel();
            self.swarm.behaviour_mut().streams.open(self.peer, reply);
            self.opening.push(opened);
        }
    }

    fn ask(&mut self, question: QueryRequest) {
        if self.asked < MOST {
            self.asked += 1;
            self.swarm.behaviour_mut().query.send_request(&self.peer, Ok(question));
        }
    }

    fn join(&self) -> QueryRequest {
        let have = match self.kind {
            Nuisance::HoldsPlaces { have: true } => Have::all(),
            _ => Have::default(),
        };
        QueryRequest::Join { have, content: self.bait.content, capabilities: Capabilities::own() }
    }

    fn question(&self, n: usize) -> QueryRequest {
        let content = self.bait.content;
        match n % 4 {
            0 => QueryRequest::Peers { content },
            1 => QueryRequest::Block { hash: *content.root_hash(), content },
            2 => QueryRequest::Have { have: Have::default(), content },
            _ => QueryRequest::Leave { content },
        }
    }
}

/// Keeps the newest [`MOST`].
fn keep<T>(kept: &mut VecDeque<T>, new: T) {
    if kept.len() == MOST {
        kept.pop_front();
    }
    kept.push_back(new);
}

/// Opens connections, and says nothing on them.
async fn never_shake_hands(target: SocketAddr) {
    let mut held = VecDeque::new();
    let mut pace = tokio::time::interval(PACE);
    loop {
        pace.tick().await;
        for _ in 0..AT_ONCE {
            if let Ok(stream) = TcpStream::connect(target).await {
                keep(&mut held, stream);
            }
        }
    }
}

fn socket(address: &Multiaddr) -> SocketAddr {
    let mut parts = address.iter();
    match (parts.next(), parts.next()) {
        (Some(Protocol::Ip4(ip)), Some(Protocol::Tcp(port))) => (ip, port).into(),
        other => panic!("an address of a test is one of TCP over IPv4, not {other:?}"),
    }
}
