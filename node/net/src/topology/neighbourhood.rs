//! The peers that a long-lived node stays connected with: the engine's `Ring`, carried out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use libp2p::{Multiaddr, PeerId};
use shoal_engine::{Ring, RingConfig, RingInput, RingMember, RingOutput, Teller};
use shoal_wire::query::{QueryRequest, QueryResponse};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::clock::Clock;
use crate::control::Control;
use crate::neighbours::ConnectionTable;
use crate::parts::NodeParts;
use crate::peers::{PeerEvent, PeersHandle};
use crate::remote::claimed;

/// A ping that is not answered within this time is lost.
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// How often it is looked who has connected.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// With whom a node stays connected, whatever contents it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NeighbourhoodConfig {
    /// Peers that the user names; more than 16 are left out.
    pub peers: Vec<Multiaddr>,
    /// Whether the nearest on either side of the node's place on the ring are held too.
    pub ring: bool,
}

/// The task, and what it last saw. It ends when this is dropped.
pub(crate) struct Neighbourhood {
    members: Arc<Mutex<Vec<RingMember>>>,
    task: Option<AbortHandle>,
}

impl Drop for Neighbourhood {
    fn drop(&mut self) {
        self.task.iter().for_each(AbortHandle::abort);
    }
}

impl Neighbourhood {
    /// Begins to hold peers, if any are to be held.
    pub(crate) fn start(parts: &NodeParts, config: &NeighbourhoodConfig) -> Self {
        let members = Arc::new(Mutex::new(Vec::new()));
        let task = (config.ring || !config.peers.is_empty()).then(|| {
            let mut ring = RingConfig::default();
            if !config.ring {
                ring.places = 0;
            }
            let (handle, events) = parts.control.attach_node();
            let most = ring.most_named;
            config.peers.iter().take(most).for_each(|address| handle.seek_address(address.clone()));
            let keeper = Keeper {
                clock: parts.clock,
                control: parts.control.clone(),
                connections: parts.connections.clone(),
                ring: Ring::new(&parts.local, ring),
                handle,
                questions: FuturesUnordered::new(),
                members: members.clone(),
            };
            tokio::spawn(keeper.run(events)).abort_handle()
        });
        Self { members, task }
    }

    /// The neighbours on the ring, as they were last seen.
    pub(crate) fn members(&self) -> Vec<RingMember> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Peers, and where they are said to be.
type Placed = Vec<(PeerId, Vec<Multiaddr>)>;

/// What became of a question: what the ring is told, and where peers are said to be.
struct Heard {
    input: Option<RingInput>,
    told: Option<(PeerId, Placed)>,
}

struct Keeper {
    clock: Clock,
    control: Control,
    connections: ConnectionTable,
    ring: Ring,
    handle: PeersHandle,
    /// As many as peers are held, twice at most.
    questions: FuturesUnordered<BoxFuture<'static, Heard>>,
    members: Arc<Mutex<Vec<RingMember>>>,
}

impl Keeper {
    async fn run(mut self, mut events: mpsc::Receiver<PeerEvent>) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            let due = self.ring.next_timeout();
            let input = tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.input_of(event),
                    None => return,
                },
                Some(heard) = self.questions.next() => self.hear(heard),
                _ = look.tick() => Some(RingInput::Known(self.connections.answering())),
                () = self.clock.until(due) => Some(RingInput::Timeout),
            };
            if let Some(input) = input {
                self.ring.handle(self.clock.now(), input);
                self.carry_out();
            }
        }
    }

    fn input_of(&mut self, event: PeerEvent) -> Option<RingInput> {
        match event {
            PeerEvent::AddressAnswered { peer, .. } => Some(RingInput::Named(peer)),
            PeerEvent::Connected { peer } => Some(RingInput::Connected(peer)),
            PeerEvent::Unreachable { peer, .. } => Some(RingInput::Unreachable(peer)),
            PeerEvent::Disconnected { peer } => Some(RingInput::Disconnected(peer)),
            PeerEvent::AddressUnreachable { .. } | PeerEvent::AddressesChanged => None,
            // Who is held and not connected any more does not answer the next ping.
            PeerEvent::Lagged { connected } => {
                let now = self.clock.now();
                connected.into_iter().for_each(|peer| self.ring.handle(now, RingInput::Connected(peer)));
                Some(RingInput::Timeout)
            }
        }
    }

    fn hear(&mut self, Heard { input, told }: Heard) -> Option<RingInput> {
        if let Some((teller, peers)) = told {
            // A tracker that somebody tells of has no place here, and its connection is another one's.
            let (connected, answering) = (self.connections.peers(), self.connections.answering());
            let fits = |peer: &PeerId| !connected.contains(peer) || answering.contains(peer);
            let known = peers.iter().map(|(peer, _)| *peer).filter(fits).collect();
            for (peer, addresses) in peers {
                self.handle.learn(peer, addresses, Teller::Peer(teller));
            }
            return Some(RingInput::Known(known));
        }
        input
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.ring.poll_output() {
            match output {
                RingOutput::Seek(peer) => self.handle.seek(peer),
                RingOutput::Release(peer) => self.handle.release(peer),
                RingOutput::Ping(peer) => self.questions.push(ping(self.control.clone(), peer).boxed()),
                RingOutput::Ask(peer) => self.questions.push(ask(self.control.clone(), peer).boxed()),
            }
        }
        *self.members.lock().unwrap_or_else(PoisonError::into_inner) = self.ring.members();
    }
}

async fn ping(control: Control, peer: PeerId) -> Heard {
    let start = tokio::time::Instant::now();
    let answer = tokio::time::timeout(PING_TIMEOUT, control.query(peer, QueryRequest::Ping {})).await;
    let input = match answer {
        Ok(Ok(_)) => RingInput::Pong { peer, rtt: start.elapsed() },
        Ok(Err(error)) if error.is_unsupported() => RingInput::Foreign(peer),
        Ok(Err(_)) | Err(_) => RingInput::Missed(peer),
    };
    Heard { input: Some(input), told: None }
}

async fn ask(control: Control, peer: PeerId) -> Heard {
    let asked = control.query(peer, QueryRequest::Neighbours {});
    match tokio::time::timeout(PING_TIMEOUT, asked).await {
        Ok(Ok(QueryResponse::Neighbours { peers })) => {
            let peers = claimed(&peers).into_iter().map(|it| (it.peer, it.addresses)).collect();
            Heard { input: None, told: Some((peer, peers)) }
        }
        _ => Heard { input: None, told: None },
    }
}
