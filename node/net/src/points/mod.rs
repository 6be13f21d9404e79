//! The node's side of rendezvous points: registers, unregisters, discovers.
//!
//! Points are hostile until checked. An answer is bounded in bytes and peers; each peer in it has signed its own
//! record, in either form, or is left out; addresses that this node has no business at are left out too. What is
//! wrong with an answer ends nothing but the question.
//!
//! What this is not: it decides neither when to ask nor whom to dial. What always holds: each question gets
//! one answer or error, and touches one namespace at one point.

mod codec;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, SystemTime};

use libp2p::identity::Keypair;
use libp2p::request_response::{self, OutboundFailure, OutboundRequestId, ProtocolSupport};
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use shoal_addresses::{MAX_ADDRESSES, Scope, is_harmful, told};
use shoal_wire::query::MAX_PEERS;
use shoal_wire::rendezvous::{
    Discovered, PROTOCOL, PeerRecord, RecordFormat, Refused, RendezvousRequest, RendezvousResponse,
};
use tokio::sync::oneshot;

pub(super) use self::codec::PointCodec;
use super::control::DialError;
use super::standing::Behaviour as Standing;

/// A point answers within this time or has failed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Questions under way at one point; further ones wait in line. Servers drop streams that are too many.
const MAX_UNDERWAY: usize = 32;
/// Questions that wait for one point; further ones fail.
const MAX_WAITING: usize = 4096;

/// The behaviour that carries the questions.
pub(super) type Behaviour = request_response::Behaviour<PointCodec>;
type Event = request_response::Event<RendezvousRequest, Option<RendezvousResponse>>;

pub(super) fn behaviour() -> Behaviour {
    let config = request_response::Config::default()
        .with_request_timeout(REQUEST_TIMEOUT)
        .with_max_concurrent_streams(2 * MAX_UNDERWAY);
    let protocol = (StreamProtocol::new(PROTOCOL), ProtocolSupport::Outbound);
    request_response::Behaviour::with_codec(PointCodec, [protocol], config)
}

/// A peer that a rendezvous point told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) peer: PeerId,
    pub(super) addresses: Vec<Multiaddr>,
}

/// Why a rendezvous point was of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// There is no connection to it.
    #[error("it cannot be reached: {0}")]
    Unreachable(DialError),
    /// It said no.
    #[error("it refuses: {0}")]
    Refused(Refused),
    /// Nothing to register.
    #[error("this node has no address that others could use")]
    NoAddress,
    /// It is something else than a rendezvous point.
    #[error("it is no tracker: it does not speak the protocol")]
    Unsupported,
    /// The answer was not one to this question.
    #[error("it gave an answer of the wrong kind")]
    WrongKind,
    /// Nothing came in time.
    #[error("it does not answer")]
    Silent,
    /// A broken connection, or bytes that make no sense.
    #[error("{0}")]
    Failed(String),
}

impl PointError {
    pub(super) fn ended() -> Self {
        Self::Failed("the connection ended".into())
    }
}

/// What a point is asked to list.
pub(super) struct Registration {
    pub(super) namespace: String,
    pub(super) record: Vec<u8>,
    /// None leaves it to the point.
    pub(super) ttl: Option<Duration>,
}

/// What came of it.
pub(super) type Reply<T> = oneshot::Sender<Result<T, PointError>>;

enum Pending {
    Register(Reply<Duration>),
    Unregister(Reply<()>),
    Discover { namespace: String, point: PeerId, reply: Reply<Vec<Found>> },
}

impl Pending {
    fn fail(self, error: PointError) {
        // Where sending fails, nobody waits any more.
        match self {
            Self::Register(reply) => drop(reply.send(Err(error))),
            Self::Unregister(reply) => drop(reply.send(Err(error))),
            Self::Discover { reply, .. } => drop(reply.send(Err(error))),
        }
    }

    /// Whether nobody waits for the answer any more.
    fn is_given_up(&self) -> bool {
        match self {
            Self::Register(reply) => reply.is_closed(),
            Self::Unregister(reply) => reply.is_closed(),
            Self::Discover { reply, .. } => reply.is_closed(),
        }
    }
}

/// What is asked of one point.
#[derive(Default)]
struct Line {
    underway: usize,
    waiting: VecDeque<(RendezvousRequest, Pending)>,
}

impl Line {
    /// The next question that somebody waits for, if it may go out now.
    fn next(&mut self) -> Option<(RendezvousRequest, Pending)> {
        while self.underway < MAX_UNDERWAY {
            let (request, pending) = self.waiting.pop_front()?;
            if !pending.is_given_up() {
                self.underway += 1;
                return Some((request, pending));
            }
        }
        None
    }
}

/// Questions to points that are under way.
pub(super) struct Points {
    identity: Keypair,
    /// Of the newest record; never goes back, also if the system's clock does.
    sequence: u64,
    pending: HashMap<OutboundRequestId, Pending>,
    lines: HashMap<PeerId, Line>,
}

impl Points {
    pub(super) fn new(identity: Keypair) -> Self {
        Self { identity, sequence: 0, pending: HashMap::new(), lines: HashMap::new() }
    }

    /// Registers. The point must be connected, as for all that follows.
    pub(super) fn register(
        &mut self,
        behaviour: &mut Behaviour,
        point: PeerId,
        registration: Registration,
        reply: Reply<Duration>,
    ) {
        let Registration { namespace, record, ttl } = registration;
        let ttl = ttl.map(|ttl| ttl.as_secs());
        let request = RendezvousRequest::Register { namespace, record, ttl };
        self.ask(behaviour, point, request, Pending::Register(reply));
    }

    /// Unregisters in one namespace. The answer comes once the point has done it.
    pub(super) fn unregister(
        &mut self,
        behaviour: &mut Behaviour,
        point: PeerId,
        namespace: String,
        reply: Reply<()>,
    ) {
        self.ask(behaviour, point, RendezvousRequest::Unregister { namespace }, Pending::Unregister(reply));
    }

    /// Asks who is in a namespace.
    pub(super) fn discover(
        &mut self,
        behaviour: &mut Behaviour,
        point: PeerId,
        namespace: String,
        reply: Reply<Vec<Found>>,
    ) {
        let request = RendezvousRequest::Discover {
            namespace: Some(namespace.clone()),
            limit: Some(MAX_PEERS as u64),
            // What is new since would not be another sample of a large swarm.
            cookie: None,
        };
        self.ask(behaviour, point, request, Pending::Discover { namespace, point, reply });
    }

    fn ask(
        &mut self,
        behaviour: &mut Behaviour,
        point: PeerId,
        request: RendezvousRequest,
        pending: Pending,
    ) {
        let line = self.lines.entry(point).or_default();
        if line.waiting.len() < MAX_WAITING {
            line.waiting.push_back((request, pending));
        } else {
            pending.fail(PointError::Failed("too many questions wait for it".into()));
        }
        self.go_on(behaviour, point);
    }

    /// Sends what waits for a point, as far as it may go out.
    fn go_on(&mut self, behaviour: &mut Behaviour, point: PeerId) {
        let Some(line) = self.lines.get_mut(&point) else { return };
        while let Some((request, pending)) = line.next() {
            self.pending.insert(behaviour.send_request(&point, request), pending);
        }
        if line.underway == 0 {
            self.lines.remove(&point);
        }
    }

    /// A question is over; takes it out, and sends the next.
    fn take(&mut self, behaviour: &mut Behaviour, point: PeerId, id: OutboundRequestId) -> Option<Pending> {
        let pending = self.pending.remove(&id)?;
        if let Some(line) = self.lines.get_mut(&point) {
            line.underway -= 1;
        }
        self.go_on(behaviour, point);
        Some(pending)
    }

    /// `standing` tells where the point stands, and so which addresses it may speak of.
    pub(super) fn on_event(&mut self, behaviour: &mut Behaviour, standing: &Standing, event: Event) {
        use request_response::{Event, Message};
        match event {
            Event::Message { peer, message: Message::Response { request_id, response }, .. } => {
                if let Some(pending) = self.take(behaviour, peer, request_id) {
                    answered(pending, response, standing);
                }
            }
            Event::OutboundFailure { peer, request_id, error, .. } => {
                tracing::debug!(point = %peer, %error, "no answer of a rendezvous point");
                let error = match error {
                    OutboundFailure::UnsupportedProtocols => PointError::Unsupported,
                    OutboundFailure::Timeout => PointError::Silent,
                    OutboundFailure::DialFailure | OutboundFailure::ConnectionClosed => PointError::ended(),
                    OutboundFailure::Io(error) => PointError::Failed(error.to_string()),
                };
                if let Some(pending) = self.take(behaviour, peer, request_id) {
                    pending.fail(error);
                }
            }
            // Nodes are no points: they take no requests.
            Event::Message { message: Message::Request { .. }, .. }
            | Event::InboundFailure { .. }
            | Event::ResponseSent { .. } => {}
        }
    }

    /// A new record of this node's addresses, without those that a tracker may tell nobody.
    pub(super) fn record(
        &mut self,
        addresses: &[Multiaddr],
        format: RecordFormat,
    ) -> Result<Vec<u8>, PointError> {
        let addresses = addresses.iter().filter(|it| !is_harmful(it)).take(MAX_ADDRESSES).cloned();
        let addresses: Vec<Multiaddr> = addresses.collect();
        if addresses.is_empty() {
            return Err(PointError::NoAddress);
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.sequence = self.sequence.max(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        PeerRecord::seal(&self.identity, self.sequence, &addresses, format)
            .map_err(|error| PointError::Failed(error.to_string()))
    }
}

fn answered(pending: Pending, response: Option<RendezvousResponse>, standing: &Standing) {
    // Where sending fails, nobody waits any more.
    match (pending, response) {
        (Pending::Register(reply), Some(RendezvousResponse::Register(granted))) => {
            drop(reply.send(granted.map(Duration::from_secs).map_err(PointError::Refused)));
        }
        (Pending::Unregister(reply), _) => drop(reply.send(Ok(()))),
        (Pending::Discover { namespace, point, reply }, Some(RendezvousResponse::Discover(answer))) => {
            let found = answer.map(|it| found(it, &namespace, standing.of(&point)));
            drop(reply.send(found.map_err(PointError::Refused)));
        }
        (other, _) => other.fail(PointError::WrongKind),
    }
}

/// Takes what a point said that stands at `standing`, within bounds: each peer once, with its newest record.
fn found(answer: Discovered, namespace: &str, standing: Scope) -> Vec<Found> {
    let mut newest: BTreeMap<PeerId, PeerRecord> = BTreeMap::new();
    let here = answer.registrations.iter().filter(|it| &*it.namespace == namespace).take(MAX_PEERS);
    for registered in here {
        match PeerRecord::open(&registered.record) {
            Ok(record) => {
                let older = newest.get(&record.peer).is_some_and(|other| other.sequence >= record.sequence);
                if !older {
                    newest.insert(record.peer, record);
                }
            }
            Err(error) => tracing::debug!(%error, "a rendezvous point told of a peer in vain"),
        }
    }
    let found = newest
        .into_values()
        .map(|record| Found { peer: record.peer, addresses: told(record.addresses, standing).direct });
    found.filter(|it| !it.addresses.is_empty()).collect()
}

#[cfg(test)]
mod tests;
