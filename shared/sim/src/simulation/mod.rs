//! The course of events. What happens on connections, lines and streams lies in the modules below.

mod blocks;
mod connections;
mod delivery;
mod driver;
mod invariants;
mod lines;
mod lookahead;
mod partition;
mod populate;
mod vanishing;

use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};

use crate::event::{Event, EventQueue, Trace};
use crate::id::Number;
use crate::inbox::Inbox;
use crate::links::LinkSet;
use crate::manifest;
use crate::node::{Kind, Node};
use crate::outcome::{Completion, SimOutcome, SimTraffic};
use crate::scenario::Scenario;
use crate::tracker::Tracker;
use crate::transfer::Transfers;
use shoal_content::{ContentId, Hash, Manifest};
use shoal_engine::{Recording, SeededRng};

pub use self::invariants::Invariants;

/// Points of the progress curve within the bound.
const SAMPLES: u32 = 64;

/// A simulation under way. See the module.
#[derive(Debug)]
pub struct Simulation {
    pub(super) scenario: Scenario,
    pub(super) bound: Duration,
    deadline: Duration,
    pub(super) content: ContentId,
    /// What downloaders fetch first, if they do.
    pub(super) manifest: Option<Arc<Manifest>>,
    pub(super) lengths: Arc<[u32]>,
    /// See [`Scenario::piece`].
    pub(super) piece: u32,
    pub(super) now: Duration,
    pub(super) queue: EventQueue,
    /// Peers whose timers have to be looked at when this event is over.
    pub(super) unarmed: Vec<Number>,
    pub(super) nodes: Vec<Node>,
    /// Of each node, at the same place.
    pub(super) inboxes: Vec<Inbox>,
    pub(super) tracker: Tracker,
    /// Whether it answers nobody any more.
    pub(super) tracker_gone: bool,
    /// While the network is cut: on which side each peer is.
    pub(super) sides: Option<Vec<bool>>,
    pub(super) transfers: Transfers,
    pub(super) rng: SeededRng,
    pub(super) next_link: u32,
    /// Numbers of the links that stand.
    pub(super) standing: LinkSet,
    pub(super) traffic: SimTraffic,
    /// Honest peers that are not complete.
    pub(super) missing: usize,
    pub(super) left: usize,
    pub(super) bans: usize,
    pub(super) asked_twice: u64,
    pub(super) most_in_flight: usize,
    /// Bytes of use that honest downloaders have received.
    pub(super) useful: u64,
    completions: Vec<Completion>,
    progress: Vec<(Duration, f64)>,
    events: u64,
    trace: Trace,
    pub(super) records: bool,
}

impl Simulation {
    /// Sets everything up; nothing has happened yet.
    pub fn new(scenario: Scenario) -> Self {
        let mut rng = SeededRng::seed_from_u64(scenario.seed);
        let lengths = scenario.lengths(&mut rng);
        // Everybody may leave and be replaced once.
        let most = 2 * scenario.peers as usize + scenario.seeds as usize;
        let manifest = scenario.fetches_manifest.then(|| manifest::of(&scenario, &lengths));
        let tracker = Tracker::new(most, SeededRng::seed_from_u64(rng.random()));
        let mut simulation = Self {
            bound: scenario.bound(),
            piece: scenario.piece(),
            deadline: scenario.deadline(),
            content: manifest
                .as_ref()
                .map_or_else(|| ContentId::from_root_hash(Hash::of(b"simulated")), |manifest| manifest.id()),
            manifest: manifest.map(Arc::new),
            lengths,
            now: Duration::ZERO,
            queue: EventQueue::default(),
            unarmed: Vec::new(),
            nodes: Vec::new(),
            inboxes: Vec::new(),
            tracker,
            tracker_gone: false,
            sides: None,
            transfers: Transfers::default(),
            rng,
            next_link: 0,
            standing: LinkSet::default(),
            traffic: SimTraffic::default(),
            missing: 0,
            left: 0,
            bans: 0,
            asked_twice: 0,
            most_in_flight: 0,
            useful: 0,
            completions: Vec::new(),
            progress: Vec::new(),
            events: 0,
            trace: Trace::new(),
            records: false,
            scenario,
        };
        simulation.populate();
        simulation
    }

    /// Lets the next event happen. `false` when everybody is complete, the deadline is over or nothing is
    /// left to happen.
    pub fn step(&mut self) -> bool {
        if self.missing == 0 {
            return false;
        }
        let Some((at, event)) = self.queue.pop().filter(|(at, _)| *at <= self.deadline) else { return false };
        self.look_ahead();
        self.now = at;
        self.events += 1;
        self.trace.add(at, &event);
        self.happen(event);
        self.arm_all();
        true
    }

    /// From now on, members that begin are recorded.
    pub fn record(&mut self) {
        self.records = true;
    }

    /// The course of each member that was recorded, the seeds' first.
    pub fn recordings(&self) -> impl Iterator<Item = &Recording<u32>> {
        self.nodes.iter().filter_map(|node| node.recording.as_ref())
    }

    /// The simulated time.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// How much of what is to be downloaded is here, from 0 to 1.
    pub fn done(&self) -> f64 {
        let all = self.scenario.size as f64 * f64::from(self.scenario.honest());
        (self.useful as f64 / all).min(1.0)
    }

    /// What has come of it so far.
    pub fn outcome(mut self) -> SimOutcome {
        self.sample();
        let seeds = self.nodes.iter().filter(|n| n.kind == Kind::Seed);
        let seeds: u64 = seeds.map(|n| n.sent).sum();
        let corrupt = (0..).zip(&self.nodes).filter(|(_, n)| n.kind == Kind::Corrupt);
        let banned = corrupt.filter(|(at, _)| self.nodes.iter().any(|n| n.banned.contains(at))).count();
        self.completions.sort_by_key(|c| (c.at.saturating_sub(c.started), c.peer));
        SimOutcome {
            size: self.scenario.size,
            bound: self.bound,
            completions: self.completions,
            incomplete: self.missing,
            left: self.left,
            bans: self.bans,
            banned,
            end: self.now,
            traffic: SimTraffic { seeds, ..self.traffic },
            progress: self.progress,
            asked_twice: self.asked_twice,
            most_in_flight: self.most_in_flight,
            events: self.events,
            trace: self.trace.0,
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Start(node) => self.start(node),
            Event::Begin(node) => self.begin(node),
            Event::Unreachable { by, peer } => self.unreachable(by, peer),
            Event::Connected { a, b, link } => self.connected(a, b, link),
            Event::Timer(node) => self.timer(node),
            Event::Left { node, transfer, bytes } => self.piece_left(node, transfer, bytes),
            Event::Arrived { transfer, bytes } => self.piece_arrived(transfer, bytes),
            Event::Message { from, to, link, message } => self.hear(from, to, link, message),
            Event::News(news) => self.spread_news(*news),
            Event::LateNews { to, link, news } => self.deliver(to, link, news),
            Event::Leave { node, crash } => self.leave_incomplete(node, crash),
            Event::Kill(node) => self.kill(node),
            Event::Vanish => self.vanish(),
            Event::Cut => self.cut(),
            Event::Heal => self.sides = None,
            Event::Noticed { gone, by, link } => self.notice(gone, by, link),
            Event::Sample => {
                self.sample();
                self.queue.push(self.now + self.sample_period(), Event::Sample);
            }
        }
    }

    fn sample_period(&self) -> Duration {
        (self.bound / SAMPLES).max(Duration::from_millis(1))
    }

    fn sample(&mut self) {
        let done = self.done();
        self.progress.push((self.now, done));
    }

    pub(super) fn completed(&mut self, node: Number) {
        let state = &mut self.nodes[node as usize];
        state.completed = true;
        state.upload.completed(&self.content);
        if state.kind == Kind::Honest {
            self.missing -= 1;
            self.completions.push(Completion { peer: node, started: state.started, at: self.now });
        }
    }
}
