//! The course of events. What happens on connections, lines and streams lies in the modules below.

mod blocks;
mod connections;
mod delivery;
mod driver;
mod lines;
mod vanishing;

use std::collections::VecDeque;
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
use crate::scenario::{Link, Scenario};
use crate::tracker::Tracker;
use crate::transfer::Transfers;
use shoal_content::{ContentId, Hash, Manifest};
use shoal_engine::{Recording, SeededRng, UploadQueue};

/// Points of the progress curve within the bound.
const SAMPLES: u32 = 64;
/// Peers that leave do so between these parts of the bound.
const LEAVES: std::ops::Range<f64> = 0.1..0.9;

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
    pub(super) nodes: Vec<Node>,
    /// Of each node, at the same place.
    pub(super) inboxes: Vec<Inbox>,
    pub(super) tracker: Tracker,
    /// Whether it answers nobody any more.
    pub(super) tracker_gone: bool,
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
            nodes: Vec::new(),
            inboxes: Vec::new(),
            tracker,
            tracker_gone: false,
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
        self.now = at;
        self.events += 1;
        self.trace.add(at, &event);
        self.happen(event);
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

    fn populate(&mut self) {
        let seed_line = Link { up: self.scenario.seed_up, down: self.scenario.seed_up };
        for _ in 0..self.scenario.seeds {
            let seed = self.add(Kind::Seed, seed_line);
            self.queue.push(self.scenario.seeds_start, Event::Start(seed));
            if let Some((killed, back)) = self.scenario.seeds_away {
                self.queue.push(killed, Event::Kill(seed));
                self.queue.push(back, Event::Start(seed));
            }
        }
        let (corrupt, lying) = (self.scenario.corrupt_count(), self.scenario.lying_count());
        let idle = self.scenario.idle_count();
        for n in 0..self.scenario.peers {
            let kind = match n {
                n if n < corrupt => Kind::Corrupt,
                n if n < corrupt + lying && n % 2 == 0 => Kind::Refuses,
                n if n < corrupt + lying => Kind::Silent,
                n if n < corrupt + lying + idle => Kind::Idle,
                _ => Kind::Honest,
            };
            let node = self.add(kind, self.scenario.link(n));
            let late = if kind == Kind::Honest { self.scenario.honest_start } else { Duration::ZERO };
            let start = self.scenario.stagger * n + late;
            self.queue.push(start, Event::Start(node));
            if kind == Kind::Honest && self.rng.random_bool(self.scenario.churn.clamp(0.0, 1.0)) {
                let after = self.bound.mul_f64(self.rng.random_range(LEAVES));
                let crash = self.rng.random_bool(self.scenario.crash.clamp(0.0, 1.0));
                self.queue.push(start + after, Event::Leave { node, crash });
            }
        }
        if let Some(vanishing) = self.scenario.vanishing {
            self.queue.push(vanishing.at, Event::Vanish);
        }
        self.queue.push(Duration::ZERO, Event::Sample);
    }

    /// Makes a peer. It does nothing before [`Event::Start`].
    pub(super) fn add(&mut self, kind: Kind, line: Link) -> Number {
        let number = self.nodes.len() as Number;
        let whole = kind.has_everything();
        let upload = self.upload_queue(whole);
        self.missing += usize::from(kind == Kind::Honest);
        self.inboxes.push(Inbox::default());
        self.nodes.push(Node {
            kind,
            up: line.up.max(1),
            down: line.down.max(1),
            alive: false,
            started: Duration::ZERO,
            member: None,
            undone: VecDeque::new(),
            recording: None,
            knows_manifest: whole || !self.scenario.fetches_manifest,
            completed: whole,
            upload,
            links: Default::default(),
            banned: Default::default(),
            backoffs: Default::default(),
            line: Default::default(),
            sending: false,
            down_free: Duration::ZERO,
            blocks_free: Duration::ZERO,
            timer: None,
            sent: 0,
        });
        number
    }

    pub(super) fn upload_queue(&mut self, whole: bool) -> UploadQueue<Number> {
        let mut upload = UploadQueue::new(self.scenario.upload, self.fork());
        upload.add_content(self.content, self.lengths.clone(), whole);
        upload
    }

    /// A generator of its own, so that what one peer draws does not change what another does.
    pub(super) fn fork(&mut self) -> SeededRng {
        SeededRng::seed_from_u64(self.rng.random())
    }
}
