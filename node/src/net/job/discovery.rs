//! Finding peers: the peer book and the announcer, and the dials and questions that they ask for.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_shared::content::ContentId;
use shoal_shared::engine::{Announcer, AnnouncerOutput, Dial, PeerBook, TTL};
use shoal_shared::wire::swarm_namespace;

use super::super::control::{Control, DialError, Found};
use super::run::JobEvent;

/// A rendezvous point answers within this time or has failed.
const POINT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long taking leave may hold up the end of a job.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

/// A rendezvous point, and who it is once it has been reached.
#[derive(Debug, Clone)]
struct Point {
    address: Multiaddr,
    peer: Option<PeerId>,
}

/// How a job finds peers.
pub(super) struct Discovery {
    pub(super) book: PeerBook,
    announcer: Announcer,
    points: Vec<Point>,
    registers: bool,
    namespace: String,
    silence_told: bool,
}

impl Discovery {
    pub(super) fn new(
        now: Duration,
        book: PeerBook,
        content: ContentId,
        points: &[Multiaddr],
        registers: bool,
    ) -> Self {
        let point = |address: &Multiaddr| Point { address: address.clone(), peer: None };
        Self {
            book,
            announcer: Announcer::new(now, points.len(), registers),
            points: points.iter().map(point).collect(),
            registers,
            namespace: swarm_namespace(&content),
            silence_told: false,
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

    /// Returns whether it should be told that no rendezvous point answers: once, not in a loop.
    pub(super) fn registered(
        &mut self,
        now: Duration,
        point: usize,
        peer: Option<PeerId>,
        ttl: Option<Duration>,
    ) -> bool {
        self.learn_point(point, peer);
        self.announcer.registered(now, point, ttl);
        let tell = self.announcer.all_failing() && !self.silence_told;
        self.silence_told |= tell;
        tell
    }

    pub(super) fn discovered(
        &mut self,
        now: Duration,
        point: usize,
        peer: Option<PeerId>,
        found: Option<Vec<Found>>,
    ) {
        self.learn_point(point, peer);
        self.announcer.discovered(now, point, found.is_some());
        for found in found.into_iter().flatten() {
            self.book.add(now, found.peer, found.addresses);
        }
    }

    fn learn_point(&mut self, point: usize, peer: Option<PeerId>) {
        if let (Some(point), Some(peer)) = (self.points.get_mut(point), peer) {
            point.peer = Some(peer);
        }
    }

    /// Takes leave of every point that was reached. Unregistering has no answer by the specification,
    /// so a question is sent after it on the same connection, and its answer waited for, a little.
    pub(super) async fn leave(self, control: &Control) {
        let leave = self.points.iter().filter_map(|p| p.peer).map(|peer| {
            let namespace = self.namespace.clone();
            async move {
                control.unregister(peer, namespace.clone()).await;
                drop(control.discover(peer, namespace).await);
            }
        });
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
                let ask = async {
                    let peer = reach(&self.control, &at).await.ok()?;
                    Some((peer, self.control.register(peer, namespace, TTL).await))
                };
                let (peer, ttl) = in_time(ask).await.unzip();
                JobEvent::Registered { point, peer, ttl: ttl.flatten() }
            }
            What::Ask(AnnouncerOutput::Discover(point), at, namespace) => {
                let ask = async {
                    let peer = reach(&self.control, &at).await.ok()?;
                    Some((peer, self.control.discover(peer, namespace).await))
                };
                let (peer, found) = in_time(ask).await.unzip();
                JobEvent::Discovered { point, peer, found: found.flatten() }
            }
        }
    }
}

async fn in_time<T>(ask: impl Future<Output = Option<T>>) -> Option<T> {
    tokio::time::timeout(POINT_TIMEOUT, ask).await.ok().flatten()
}

/// Makes sure that there is a connection to a rendezvous point; tells who it is.
async fn reach(control: &Control, point: &Point) -> Result<PeerId, DialError> {
    let named = match point.address.iter().last() {
        Some(libp2p::multiaddr::Protocol::P2p(peer)) => Some(peer),
        _ => None,
    };
    let peer = point.peer.or(named);
    control.dial(Dial { peer, addresses: vec![point.address.clone()] }).await
}
