//! Finding peers: the peer book and the announcer, and the dials and questions that they ask for.

use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use shoal_content::ContentId;
use shoal_engine::{Announcer, AnnouncerOutput, Dial, PeerBook, TTL};
use shoal_wire::rendezvous::RecordFormat;
use shoal_wire::rendezvous::Status;
use shoal_wire::swarm_namespace;

use super::super::control::{Control, DialError};
use super::super::points::{Found, PointError};
use super::run::JobEvent;

/// A rendezvous point answers within this time or has failed.
const POINT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long taking leave may hold up the end of a job.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// A rendezvous point.
#[derive(Debug, Clone)]
struct Point {
    address: Multiaddr,
    /// Who it has to be, if its address says so.
    named: Option<PeerId>,
    /// Who it is, as far as is known: as named, or else who answered the last time.
    peer: Option<PeerId>,
    /// Why it was of no use the last time.
    error: Option<PointError>,
}

impl Point {
    fn new(address: &Multiaddr) -> Self {
        let named = match address.iter().last() {
            Some(Protocol::P2p(peer)) => Some(peer),
            _ => None,
        };
        Self { address: address.clone(), named, peer: named, error: None }
    }
}

/// How a job finds peers.
pub(super) struct Discovery {
    pub(super) book: PeerBook,
    announcer: Announcer,
    points: Vec<Point>,
    registers: bool,
    namespace: String,
    uselessness_told: bool,
}

impl Discovery {
    pub(super) fn new(
        now: Duration,
        book: PeerBook,
        content: ContentId,
        points: &[Multiaddr],
        registers: bool,
    ) -> Self {
        Self {
            book,
            announcer: Announcer::new(now, points.len(), registers),
            points: points.iter().map(Point::new).collect(),
            registers,
            namespace: swarm_namespace(&content),
            uselessness_told: false,
        }
    }

    pub(super) fn has_points(&self) -> bool {
        !self.points.is_empty()
    }

    pub(super) fn is_point(&self, peer: &PeerId) -> bool {
        self.points.iter().any(|p| p.peer == Some(*peer))
    }

    /// The rendezvous points that have been reached, if this node registers there.
    pub(super) fn registered_at(&self) -> impl Iterator<Item = PeerId> {
        self.points.iter().filter(|_| self.registers).filter_map(|point| point.peer)
    }

    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.book.next_timeout().into_iter().chain(self.announcer.next_timeout()).min()
    }

    /// What is due now: each returned future is one dial or one question.
    pub(super) fn due(
        &mut self,
        now: Duration,
        control: &Control,
    ) -> Vec<impl Future<Output = JobEvent> + Send + use<>> {
        let mut due = Vec::new();
        while let Some(dial) = self.book.poll(now) {
            due.push(Task { control: control.clone(), what: What::Dial(dial) });
        }
        while let Some(output) = self.announcer.poll(now) {
            let (AnnouncerOutput::Register(at) | AnnouncerOutput::Discover(at)) = output;
            let what = What::Ask(output, self.points[at].clone(), self.namespace.clone());
            due.push(Task { control: control.clone(), what });
        }
        due.into_iter().map(Task::run).collect()
    }

    /// A point registered this node, or did not. Returns what should be told if no point is of use: once, not
    /// in a loop.
    pub(super) fn registered(
        &mut self,
        now: Duration,
        point: usize,
        peer: Option<PeerId>,
        result: Result<Duration, PointError>,
    ) -> Option<Vec<(Multiaddr, PointError)>> {
        self.learn_point(point, peer);
        self.announcer.registered(now, point, result.as_ref().ok().copied());
        self.useless(point, result.err())
    }

    /// A point told who is there, or did not. Returns as [`registered`](Self::registered) does.
    pub(super) fn discovered(
        &mut self,
        now: Duration,
        point: usize,
        peer: Option<PeerId>,
        result: Result<Vec<Found>, PointError>,
    ) -> Option<Vec<(Multiaddr, PointError)>> {
        self.learn_point(point, peer);
        self.announcer.discovered(now, point, result.is_ok());
        match result {
            Ok(found) => {
                found.into_iter().for_each(|found| self.book.add(now, found.peer, found.addresses));
                None
            }
            Err(error) => self.useless(point, Some(error)),
        }
    }

    fn useless(&mut self, point: usize, error: Option<PointError>) -> Option<Vec<(Multiaddr, PointError)>> {
        if let Some(point) = self.points.get_mut(point) {
            point.error = error;
        }
        if self.uselessness_told || !self.announcer.all_failing() {
            return None;
        }
        self.uselessness_told = true;
        let why = self.points.iter().filter_map(|it| Some((it.address.clone(), it.error.clone()?)));
        Some(why.collect())
    }

    fn learn_point(&mut self, point: usize, peer: Option<PeerId>) {
        if let Some(point) = self.points.get_mut(point) {
            // A tracker that lost its key is another one, and at an address that names nobody as good as before.
            point.peer = peer.or(point.named);
        }
    }

    /// Takes leave of every point that may have registered this node, also one whose answer has not come yet,
    /// and waits a little until that is done.
    pub(super) async fn leave(self, control: &Control) {
        let leave = self.registered_at().map(|peer| control.unregister(peer, self.namespace.clone()));
        drop(tokio::time::timeout(LEAVE_TIMEOUT, futures::future::join_all(leave)).await);
    }
}

enum What {
    Dial(Dial),
    Ask(AnnouncerOutput, Point, String),
}

struct Task {
    control: Control,
    what: What,
}

impl Task {
    async fn run(self) -> JobEvent {
        match self.what {
            What::Dial(dial) => {
                let result = self.control.dial(dial.clone()).await;
                JobEvent::Dialled { dial, result }
            }
            What::Ask(AnnouncerOutput::Register(point), at, namespace) => {
                let ask = |peer| register(&self.control, peer, namespace);
                let (peer, result) = ask_point(&self.control, &at, ask).await;
                JobEvent::Registered { point, peer, result }
            }
            What::Ask(AnnouncerOutput::Discover(point), at, namespace) => {
                let ask = |peer| self.control.discover(peer, namespace);
                let (peer, result) = ask_point(&self.control, &at, ask).await;
                JobEvent::Discovered { point, peer, result }
            }
        }
    }
}

/// Asks for [`TTL`] with a record of the specification's form. Where that is too short for a point, asks for
/// what it gives by itself; where the point does not understand the record, sends a legacy one, because
/// rust-libp2p's own server reads no other and ends the stream instead of answering.
async fn register(control: &Control, point: PeerId, namespace: String) -> Result<Duration, PointError> {
    let mut ttl = Some(TTL);
    let mut format = RecordFormat::Standard;
    loop {
        let result = control.register(point, namespace.clone(), ttl, format).await;
        let status = match &result {
            Err(PointError::Refused(refused)) => Some(refused.status),
            _ => None,
        };
        let unread = matches!(result, Err(PointError::WrongKind | PointError::Failed(_)))
            || status == Some(Status::InvalidSignedPeerRecord);
        if status == Some(Status::InvalidTtl) && ttl.is_some() {
            ttl = None;
        } else if unread && format == RecordFormat::Standard {
            format = RecordFormat::Legacy;
        } else {
            return result;
        }
    }
}

/// Asks a point, connecting to it first if need be; tells who it is, if it was reached.
async fn ask_point<T, F: Future<Output = Result<T, PointError>>>(
    control: &Control,
    point: &Point,
    ask: impl FnOnce(PeerId) -> F,
) -> (Option<PeerId>, Result<T, PointError>) {
    let mut reached = None;
    let asking = async {
        let peer = reach(control, point).await.map_err(PointError::Unreachable)?;
        reached = Some(peer);
        ask(peer).await
    };
    let result = tokio::time::timeout(POINT_TIMEOUT, asking).await.unwrap_or(Err(PointError::Silent));
    (reached, result)
}

/// Makes sure that there is a connection to a rendezvous point; tells who it is.
async fn reach(control: &Control, point: &Point) -> Result<PeerId, DialError> {
    control.dial(Dial { peer: point.peer, addresses: vec![point.address.clone()] }).await
}
