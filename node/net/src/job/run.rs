//! The job's loop: wait for something, tell the engine, do what it says.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_content::{ChunkSet, ContentId, Hash, Manifest};
use shoal_engine::{Dial, Input, ManifestFetch, Topology};
use shoal_wire::Have;
use shoal_wire::query::{Load, PeerAddresses};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::super::clock::Clock;
use super::super::control::{Control, DialError, NetEvent, QueryError};
use super::super::fetch::ChunkStreams;
use super::super::library::{Library, Question, Withdrawn};
use super::super::points::{Found, PointError};
use super::super::traffic::Traffic;
use super::super::upload::Uploads;
use super::discovery::Discovery;
use super::downloading::Downloading;
use super::neighbours::Neighbours;
use super::opening::Opening;
use super::touch::{EXCHANGE_EVERY, RECONCILE_EVERY};
use super::{Event, Failure, Finished, GetOptions, Progress, book};
use shoal_store::{ChunkStore, Placed, Target, TargetError};

/// Questions from peers that may wait for the job.
const QUESTIONS: usize = 64;
/// How often progress is told while something moves.
const TICK: Duration = Duration::from_millis(250);

/// What all jobs of a node share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) local: PeerId,
    pub(crate) clock: Clock,
    pub(crate) control: Control,
    pub(crate) library: Arc<Library>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) uploads: Uploads,
    pub(crate) streams: ChunkStreams,
    /// Cancelled when the task of the Swarm has ended.
    pub(crate) driver_ended: CancellationToken,
}

/// What a job is for.
pub(crate) enum Goal {
    /// Serve what is in a store.
    Serve { store: Arc<dyn ChunkStore>, rendezvous: Vec<Multiaddr>, publish: bool },
    /// Fetch to a folder.
    Get(Box<GetOptions>),
    /// Fetch the manifest alone; others are not told of this node.
    Manifest { peers: Vec<Multiaddr>, rendezvous: Vec<Multiaddr>, wait: Option<Duration> },
}

/// Where a job reports.
pub(super) struct Outlets {
    pub(super) progress: watch::Sender<Progress>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) finished: Option<oneshot::Sender<Result<Finished, Failure>>>,
}

/// What a task that the job started has to tell.
pub(super) enum JobEvent {
    Nothing,
    Synced,
    Dialled {
        dial: Dial,
        result: Result<PeerId, DialError>,
    },
    Registered {
        point: usize,
        peer: Option<PeerId>,
        result: Result<Duration, PointError>,
    },
    Discovered {
        point: usize,
        peer: Option<PeerId>,
        result: Result<Vec<Found>, PointError>,
    },
    Block {
        peer: PeerId,
        hash: Hash,
        result: Result<Vec<u8>, QueryError>,
    },
    /// With what the join told of ourselves.
    Joined {
        peer: PeerId,
        rtt: Duration,
        said: ChunkSet,
        result: Result<(Have, Load), QueryError>,
    },
    /// An update was sent; what did not arrive is to be said again.
    Said {
        peer: PeerId,
        again: Option<Have>,
    },
    Peers {
        peers: Vec<PeerAddresses>,
    },
    Connected(Vec<PeerId>),
    Opened(Result<Arc<Target>, TargetError>),
    Placed(Result<Placed, TargetError>),
}

pub(super) enum Stage {
    Manifest(Box<ManifestFetch>),
    Opening(Opening),
    Downloading(Box<Downloading>),
    /// With the target, and when to try again after a failure.
    Finishing(Arc<Target>, Option<Duration>),
    Serving,
}

pub(crate) struct Job {
    pub(super) shared: Shared,
    pub(super) content: ContentId,
    pub(super) stage: Stage,
    pub(super) manifest: Option<Arc<Manifest>>,
    pub(super) store: Option<Arc<dyn ChunkStore>>,
    pub(super) neighbours: Neighbours,
    pub(super) discovery: Discovery,
    pub(super) tasks: JoinSet<JobEvent>,
    pub(super) get: Option<Box<GetOptions>>,
    /// How long to go on without anybody useful; see [`GetOptions::wait`].
    pub(super) wait: Option<Duration>,
    /// Whether this job fetches anything.
    pub(super) seeks: bool,
    pub(super) star: bool,
    /// Whether trackers are told the content's name.
    pub(super) publishes: bool,
    /// Since when there has been nobody to ask, or nothing useful came of it.
    pub(super) alone_since: Duration,
    /// Whether every missing chunk is one that nobody connected has.
    pub(super) starving: bool,
    /// Since when some chunk has been out of reach, and whether that was told.
    pub(super) incomplete_since: Option<Duration>,
    pub(super) unavailable_told: bool,
    /// Files that were told to have changed.
    pub(super) withdrawn: BTreeSet<PathBuf>,
    notices: mpsc::Receiver<Withdrawn>,
    pub(super) exchange_at: Duration,
    pub(super) reconcile_at: Duration,
    questions: mpsc::Receiver<Question>,
    pub(super) net: broadcast::Receiver<NetEvent>,
    pub(super) outlets: Outlets,
    pub(super) snapshot: Progress,
    pub(super) ended: bool,
}

impl Job {
    pub(super) fn new(
        shared: Shared,
        content: ContentId,
        goal: Goal,
        outlets: Outlets,
    ) -> Result<Self, Failure> {
        let now = shared.clock.now();
        let (sender, questions) = mpsc::channel(QUESTIONS);
        let (notice_sender, notices) = mpsc::channel(QUESTIONS);
        let net = shared.control.events();
        if !shared.library.add(content, sender, notice_sender) {
            return Err(Failure::Twice);
        }
        let serves = matches!(goal, Goal::Serve { .. });
        let publishes = matches!(goal, Goal::Serve { publish: true, .. });
        let (peers, rendezvous, wait, get, store) = match goal {
            Goal::Serve { store, rendezvous, .. } => (vec![], rendezvous, None, None, Some(store)),
            Goal::Get(get) => (get.peers.clone(), get.rendezvous.clone(), get.wait, Some(get), None),
            Goal::Manifest { peers, rendezvous, wait } => (peers, rendezvous, wait, None, None),
        };
        let star = get.as_ref().is_some_and(|get| get.topology == Topology::Star);
        // Who has nothing to serve is no use to others.
        let registers = serves || (get.is_some() && !star);
        let mut discovery = Discovery::new(now, book(shared.local), content, &rendezvous, registers);
        peers.into_iter().for_each(|address| discovery.book.add_address(now, address));
        let mut job = Self {
            stage: Stage::Manifest(Box::new(ManifestFetch::new(content))),
            shared,
            content,
            manifest: None,
            store: None,
            neighbours: Neighbours::default(),
            discovery,
            tasks: JoinSet::new(),
            get,
            wait,
            seeks: !serves,
            star,
            publishes,
            alone_since: now,
            starving: false,
            incomplete_since: None,
            unavailable_told: false,
            withdrawn: BTreeSet::new(),
            notices,
            exchange_at: now + EXCHANGE_EVERY,
            reconcile_at: now + RECONCILE_EVERY,
            questions,
            net,
            outlets,
            snapshot: Progress::default(),
            ended: false,
        };
        if let Some(store) = store {
            job.learn_manifest(store.manifest().clone());
            job.set_store(store);
            job.stage = Stage::Serving;
        }
        Ok(job)
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        if self.seeks && self.discovery.book.is_empty() && !self.discovery.has_points() {
            return self.end(Err(Failure::NoPeers { kept: 0 })).await;
        }
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.advance();
        while !self.ended {
            let deadline = self.next_timeout();
            let fetched = async {
                match &mut self.stage {
                    Stage::Downloading(state) => state.incoming.recv().await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return self.stopped().await,
                () = self.shared.driver_ended.cancelled() => {
                    self.fail(Failure::Internal("the network task has ended".into()));
                }
                Some(event) = fetched => self.on_fetch_event(event),
                Some(done) = self.tasks.join_next() => self.on_task(done),
                Some(withdrawn) = self.notices.recv() => self.on_withdrawn(withdrawn),
                Some(question) = self.questions.recv() => self.on_question(question),
                event = self.net.recv() => self.on_net(event).await,
                () = self.shared.clock.until(deadline) => self.tell_engine(Input::Timeout),
                _ = tick.tick() => self.report(),
            }
            self.advance();
        }
        self.leave().await;
    }

    /// Does what has become due, whatever happened.
    fn advance(&mut self) {
        let now = self.shared.clock.now();
        for task in self.discovery.due(now, &self.shared.control) {
            self.tasks.spawn(task);
        }
        if let Stage::Manifest(fetch) = &mut self.stage {
            fetch.timeout(now);
            self.drain_manifest_fetch();
        }
        if let Stage::Downloading(_) = self.stage {
            self.neighbours.due_joins(now).into_iter().for_each(|peer| self.join(peer));
            self.sync_if_due();
            self.exchange(now);
        }
        if let Stage::Finishing(target, Some(at)) = &self.stage
            && *at <= now
        {
            let target = target.clone();
            self.start_finishing(target);
        }
        self.send_updates();
        self.reconcile_if_due(now);
        self.check_alone(now);
    }

    fn next_timeout(&self) -> Option<Duration> {
        let stage = match &self.stage {
            Stage::Manifest(fetch) => fetch.next_timeout(),
            Stage::Downloading(state) => {
                state.next_timeout().into_iter().chain(self.neighbours.next_join()).min()
            }
            Stage::Finishing(_, again) => *again,
            Stage::Opening(_) | Stage::Serving => None,
        };
        stage.into_iter().chain(self.discovery.next_timeout()).min()
    }

    fn on_task(&mut self, done: Result<JobEvent, JoinError>) {
        let now = self.shared.clock.now();
        match done {
            Ok(JobEvent::Nothing) => {}
            Ok(JobEvent::Synced) => self.synced(),
            Ok(JobEvent::Dialled { dial, result }) => match result {
                // A connection that stood already is no event of the Swarm.
                Ok(peer) => {
                    self.discovery.book.connected(peer, &dial.addresses[0]);
                    self.meet(peer);
                }
                Err(error) => {
                    tracing::debug!(?dial, %error, "dial failed");
                    self.discovery.book.dial_failed(now, &dial);
                }
            },
            Ok(JobEvent::Registered { point, peer, result }) => {
                peer.filter(|_| result.is_ok()).into_iter().for_each(|peer| self.present_itself(peer));
                let useless = self.discovery.registered(now, point, peer, result);
                useless.into_iter().for_each(|why| self.tell(Event::RendezvousUseless(why)));
            }
            Ok(JobEvent::Discovered { point, peer, result }) => {
                let useless = self.discovery.discovered(now, point, peer, result);
                useless.into_iter().for_each(|why| self.tell(Event::RendezvousUseless(why)));
            }
            Ok(JobEvent::Block { peer, hash, result }) => self.on_block(now, peer, hash, result),
            Ok(JobEvent::Joined { peer, rtt, said, result }) => {
                if let Some(neighbour) = self.neighbours.get_mut(&peer) {
                    neighbour.rtt = rtt;
                }
                self.on_joined(now, peer, &said, result);
            }
            Ok(JobEvent::Said { peer, again }) => self.neighbours.update_sent(&peer, again.as_ref()),
            Ok(JobEvent::Connected(connected)) => self.reconcile(now, &connected),
            Ok(JobEvent::Peers { peers }) => self.learn_peers(now, peers),
            Ok(JobEvent::Opened(Ok(target))) => self.opened(now, target),
            Ok(JobEvent::Placed(Ok(placed))) => self.placed(placed),
            Ok(JobEvent::Opened(Err(error))) => self.fail(error.into()),
            Ok(JobEvent::Placed(Err(error))) => self.not_placed(now, error),
            Err(error) if error.is_panic() => self.fail(Failure::Internal(error.to_string())),
            Err(_) => {}
        }
    }
}
