//! The state of a content's task.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use shoal_content::{ContentId, Manifest};
use shoal_engine::{ConfirmedCopies, Member, MemberConfig, MemberInput, MemberStart, SeedWatch, StartRole};
use shoal_store::{ChunkStore, Target};
use shoal_wire::query::QueryResponse;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::Failure;
use super::account::Account;
use super::bytes::Fetching;
use super::done::Done;
use super::intent::Intent;
use super::opening::Opening;
use super::report::Report;
use super::shelf::Shelf;
use super::trackers::Trackers;
use crate::discovery::{ContentDiscovery, Found};
use crate::observer::Observer;
use crate::parts::NodeParts;
use crate::peers::{PeerEvent, PeersHandle};

/// What the job is doing with bytes.
pub(super) enum Stage {
    /// The manifest is not known.
    Manifest,
    /// The target is being opened; with when to try again after a failure.
    Opening(Opening, Option<Duration>),
    Fetching(Box<Fetching>),
    /// With the target, and when to try again after a failure.
    Finishing(Arc<Target>, Option<Duration>),
    Serving,
}

/// The goal of serving, and when it was looked at last.
#[derive(Default)]
pub(super) struct Goal {
    pub(super) watch: Option<SeedWatch>,
    pub(super) looked: Duration,
    /// What was sent to which peer since serving began; empty until then.
    pub(super) confirmed: Option<ConfirmedCopies<PeerId>>,
    /// Whether it was looked at since the last neighbour has gone.
    pub(super) rests: bool,
}

/// One content of a node.
pub(crate) struct Job {
    pub(super) parts: NodeParts,
    pub(super) content: ContentId,
    pub(super) intent: Intent,
    pub(super) member: Member,
    /// Inputs that came up while outputs were carried out.
    pub(super) inputs: VecDeque<MemberInput>,
    pub(super) carrying: bool,
    pub(super) stage: Stage,
    pub(super) manifest: Option<Arc<Manifest>>,
    pub(super) store: Option<Arc<dyn ChunkStore>>,
    pub(super) shelf: Shelf,
    pub(super) peers: PeersHandle,
    pub(super) peer_events: mpsc::Receiver<PeerEvent>,
    pub(super) trackers: Trackers,
    pub(super) discovery: ContentDiscovery,
    pub(super) found: mpsc::Receiver<Found>,
    /// Whether others may have something of it from here; from then on for ever.
    pub(super) holds: bool,
    pub(super) tasks: JoinSet<Done>,
    /// The join that is being answered.
    pub(super) welcome: Option<(PeerId, oneshot::Sender<QueryResponse>)>,
    pub(super) report: Report,
    pub(super) account: Account,
    pub(super) goal: Goal,
    pub(super) ended: bool,
}

impl Job {
    /// Begins work beside the task of the content. What it logs names the content too.
    pub(super) fn spawn(&mut self, work: impl Future<Output = Done> + Send + 'static) {
        self.tasks.spawn(work.in_current_span());
    }

    pub(crate) fn new(
        parts: NodeParts,
        content: ContentId,
        intent: Intent,
        report: Report,
    ) -> Result<Self, Failure> {
        let now = parts.clock.now();
        let shelf = Shelf::take(content, intent.is_public(), &parts.library, parts.uploads.clone());
        let shelf = shelf.ok_or(Failure::Busy)?;
        let (peers, peer_events) = parts.control.attach(content);
        let (discovery, found) = parts.discovery.enter(content);
        let trackers = Trackers::new(&parts.trackers, intent.trackers(), content);
        let config = member_config(&intent);
        let role = match &intent {
            Intent::Serve { store, .. } => StartRole::Serving(store.have()),
            _ => StartRole::Fetching(content),
        };
        let start = MemberStart { now, local: parts.local, role, config, seed: rand::random() };
        if let Some(Observer(observer)) = &parts.observer {
            observer.began(content, &start);
        }
        let member = start.begin();
        let mut job = Self {
            parts,
            content,
            member,
            inputs: VecDeque::new(),
            carrying: false,
            stage: Stage::Manifest,
            manifest: None,
            store: None,
            shelf,
            peers,
            peer_events,
            trackers,
            discovery,
            found,
            holds: false,
            tasks: JoinSet::new(),
            welcome: None,
            report,
            account: Account::begin(now, intent.peers()),
            goal: Goal::default(),
            ended: false,
            intent,
        };
        if let Intent::Serve { store, .. } = &job.intent {
            let store = store.clone();
            job.learn_manifest(store.manifest().clone());
            job.serve_from(store);
            job.stage = Stage::Serving;
        }
        Ok(job)
    }
}

fn member_config(intent: &Intent) -> MemberConfig {
    let standard = MemberConfig::default();
    let config =
        MemberConfig { trackers: intent.trackers().len(), registers: intent.registers(), ..standard };
    match intent {
        Intent::Serve { .. } => config,
        Intent::Fetch(options) => MemberConfig {
            topology: options.topology,
            wait: options.wait,
            download: options.download,
            ..config
        },
        Intent::Manifest { wait, .. } => MemberConfig { wait: *wait, ..config },
    }
}
