//! Carries what nodes say to each other, and lets them come and go.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::time::Duration;

use libp2p_identity::PeerId;
use rand::{RngExt, SeedableRng};
use shoal_content::{ContentId, Hash};
use shoal_engine::{SeededRng, StoreInput, StoreOutput, StorePlannerConfig, StoreProof, numbered_peer};
use shoal_wire::store::{CopyState, StoreRecord};

use super::node::StoreNode;
use super::outcome::StoreOutcome;
use super::scenario::{SETTLED, StoreScenario};

/// Members that a hello tells of.
const TOLD: usize = 8;
/// How long a copy that found no source waits.
const RETRY: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Wake(PeerId),
    /// A copy may be there.
    Arrival(PeerId, ContentId),
    /// A node vanishes, and another one comes.
    Change,
    /// The owners vanish.
    OwnersGo,
}

/// How a content fares.
#[derive(Debug, Default)]
struct Fate {
    size: u64,
    copies: usize,
    placed: bool,
    short_since: Option<Duration>,
}

/// A store at work.
pub struct StoreNetwork {
    scenario: StoreScenario,
    rng: SeededRng,
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    number: u64,
    nodes: BTreeMap<PeerId, StoreNode>,
    /// Those that keep contents, in no particular order.
    keepers: Vec<PeerId>,
    owners: BTreeSet<PeerId>,
    named: u32,
    fates: BTreeMap<ContentId, Fate>,
    short: (u64, Duration),
    outcome: StoreOutcome,
}

impl StoreNetwork {
    /// A store in which everybody has joined and every owner has something to place.
    pub fn new(scenario: StoreScenario) -> Self {
        let rng = SeededRng::seed_from_u64(scenario.seed);
        let mut it = Self {
            rng,
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            number: 0,
            nodes: BTreeMap::new(),
            keepers: vec![],
            owners: BTreeSet::new(),
            named: 0,
            fates: BTreeMap::new(),
            short: (0, Duration::ZERO),
            outcome: StoreOutcome { fewest: usize::MAX, ..StoreOutcome::default() },
            scenario,
        };
        (0..it.scenario.nodes).for_each(|_| it.join());
        (0..it.scenario.contents).for_each(|number| it.place(number));
        it.at(SETTLED, Event::OwnersGo);
        let hourly = it.scenario.nodes as f64 * it.scenario.vanish_per_hour;
        if hourly > 0.0 {
            it.at(SETTLED, Event::Change);
        }
        it
    }

    /// Plays it to its end.
    pub fn run(mut self) -> StoreOutcome {
        while self.step() {}
        self.finish()
    }

    /// What time it is in the simulation.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// Lets the next thing happen; `false`: the end is reached.
    pub fn step(&mut self) -> bool {
        let Some(Reverse((at, _, event))) = self.events.pop() else { return false };
        if at > self.scenario.lasts {
            self.now = self.scenario.lasts;
            return false;
        }
        self.now = at;
        match event {
            Event::Wake(peer) => self.wake(peer),
            Event::Arrival(peer, content) => self.arrive(peer, content),
            Event::Change => self.change(),
            Event::OwnersGo => {
                let owners = std::mem::take(&mut self.owners);
                owners.iter().for_each(|owner| drop(self.nodes.remove(owner)));
            }
        }
        true
    }

    /// What has become of it so far.
    pub fn finish(mut self) -> StoreOutcome {
        let wanted: usize = self.scenario.copies.into();
        for fate in self.fates.values().filter(|fate| fate.placed) {
            self.outcome.contents += 1;
            self.outcome.lost += usize::from(fate.copies == 0);
            self.outcome.whole += usize::from(fate.copies >= wanted);
            if let Some(since) = fate.short_since {
                self.outcome.longest_short = self.outcome.longest_short.max(self.now - since);
            }
        }
        self.outcome.mean_short = self.short.1 / u32::try_from(self.short.0.max(1)).unwrap_or(u32::MAX);
        self.outcome
    }

    fn at(&mut self, at: Duration, event: Event) {
        self.number += 1;
        self.events.push(Reverse((at, self.number, event)));
    }

    fn some_keepers(&mut self, count: usize) -> Vec<PeerId> {
        if self.keepers.is_empty() {
            return vec![];
        }
        (0..count).map(|_| self.keepers[self.rng.random_range(0..self.keepers.len())]).collect()
    }

    fn add(&mut self, config: StorePlannerConfig) -> PeerId {
        self.named += 1;
        let (id, known) = (numbered_peer(self.named), self.some_keepers(3));
        self.nodes.insert(id, StoreNode::new(id, config));
        self.tell(id, StoreInput::Named(known));
        id
    }

    fn join(&mut self) {
        let id = self.add(self.scenario.config);
        self.keepers.push(id);
    }

    /// A content of an owner who keeps nothing for others.
    fn place(&mut self, number: usize) {
        let owner = self.add(StorePlannerConfig { donated: 0, ..self.scenario.config });
        self.owners.insert(owner);
        let content = ContentId::from_root_hash(Hash::of(&number.to_be_bytes()));
        let size = self.rng.random_range(self.scenario.size.0..=self.scenario.size.1);
        let record = StoreRecord {
            name: format!("content {number}"),
            size,
            owner: owner.to_bytes(),
            copies: self.scenario.copies,
            issued: 0,
            content,
            expires: u64::MAX >> 1,
            signature: vec![],
        };
        self.fates.insert(content, Fate { size, ..Fate::default() });
        self.nodes.get_mut(&owner).expect("just added").copies.insert(content, None);
        self.tell(owner, StoreInput::Own(record));
    }

    fn change(&mut self) {
        let gone = self.rng.random_range(0..self.keepers.len());
        let gone = self.keepers.swap_remove(gone);
        let node = self.nodes.remove(&gone).expect("keepers are nodes");
        self.outcome.vanished += 1;
        for content in node.copies.iter().filter(|(_, until)| until.is_none()).map(|(content, _)| *content) {
            self.outcome.copies_vanished += 1;
            self.count(content, false);
        }
        self.join();
        let hourly = self.scenario.nodes as f64 * self.scenario.vanish_per_hour;
        self.at(self.now + Duration::from_secs_f64(3600.0 / hourly), Event::Change);
    }

    /// A content has one copy more or less.
    fn count(&mut self, content: ContentId, more: bool) {
        let wanted: usize = self.scenario.copies.into();
        let Some(fate) = self.fates.get_mut(&content) else { return };
        fate.copies = if more { fate.copies + 1 } else { fate.copies.saturating_sub(1) };
        if fate.copies >= wanted {
            fate.placed = true;
            if let Some(since) = fate.short_since.take() {
                let took = self.now - since;
                self.short = (self.short.0 + 1, self.short.1 + took);
                self.outcome.longest_short = self.outcome.longest_short.max(took);
            }
        } else if fate.placed {
            fate.short_since.get_or_insert(self.now);
            self.outcome.fewest = self.outcome.fewest.min(fate.copies);
        }
    }

    fn wake(&mut self, peer: PeerId) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(&peer).filter(|node| node.wake <= now) else { return };
        node.wake = Duration::MAX;
        node.planner.tick(now);
        self.settle(peer);
    }

    fn arrive(&mut self, peer: PeerId, content: ContentId) {
        let Some(node) = self.nodes.get(&peer) else { return };
        if node.copies.get(&content).is_none_or(|until| until.is_none()) {
            return;
        }
        let has = |(id, node): (&PeerId, &StoreNode)| *id != peer && node.has(&content);
        if !self.nodes.iter().any(has) {
            return self.at(self.now + RETRY, Event::Arrival(peer, content));
        }
        self.nodes.get_mut(&peer).expect("looked at just now").copies.insert(content, None);
        let fate = &self.fates[&content];
        if fate.placed {
            self.outcome.copies_made += 1;
            self.outcome.repaired += fate.size;
        } else {
            self.outcome.placed += fate.size;
        }
        self.count(content, true);
        self.tell(peer, StoreInput::Stored(content));
    }

    fn tell(&mut self, peer: PeerId, input: StoreInput) {
        let Some(node) = self.nodes.get_mut(&peer) else { return };
        node.planner.handle(self.now, input);
        self.settle(peer);
    }

    /// Carries out what a node says, and what others say to that.
    fn settle(&mut self, first: PeerId) {
        let mut busy = VecDeque::from([first]);
        while let Some(peer) = busy.pop_front() {
            while let Some(output) = self.nodes.get_mut(&peer).and_then(|node| node.planner.poll_output()) {
                if let Some(other) = self.carry_out(peer, output) {
                    busy.push_back(other);
                }
            }
            let Some(node) = self.nodes.get_mut(&peer) else { continue };
            if let Some(at) = node.planner.next_timeout().filter(|at| *at < node.wake) {
                node.wake = at;
                self.at(at.max(self.now), Event::Wake(peer));
            }
        }
    }

    /// Carries out one thing. Returns who was told something by it.
    fn carry_out(&mut self, peer: PeerId, output: StoreOutput) -> Option<PeerId> {
        match output {
            StoreOutput::Hello(to) => self.hello(peer, to),
            StoreOutput::Offer { to, record, holders } => self.offer(peer, to, record, holders),
            StoreOutput::Status { to, content, state } => self.status(peer, to, content, state),
            StoreOutput::Check { peer: to, content } => {
                self.outcome.questions += 1;
                let answer = match self.nodes.get(&to).map(|node| node.has(&content)) {
                    Some(true) => StoreProof::Given,
                    Some(false) => StoreProof::Denied,
                    None => StoreProof::Missing,
                };
                self.handle(peer, StoreInput::Checked { peer: to, content, answer });
                None
            }
            StoreOutput::End { to, end } => {
                self.handle(to, StoreInput::End(end));
                Some(to)
            }
            StoreOutput::Fetch { content, size, .. } => {
                self.fetch(peer, content, size);
                None
            }
            StoreOutput::Verify(content) => {
                self.handle(peer, StoreInput::Verified { content, whole: true });
                None
            }
            StoreOutput::Remove(content) => {
                let removed = self.nodes.get_mut(&peer).and_then(|node| node.copies.remove(&content));
                if removed == Some(None) {
                    self.count(content, false);
                }
                None
            }
            StoreOutput::Repair { .. }
            | StoreOutput::Save(_)
            | StoreOutput::SaveEnd(_)
            | StoreOutput::Left(_) => None,
        }
    }

    fn handle(&mut self, peer: PeerId, input: StoreInput) {
        if let Some(node) = self.nodes.get_mut(&peer) {
            node.planner.handle(self.now, input);
        }
    }

    fn hello(&mut self, peer: PeerId, to: PeerId) -> Option<PeerId> {
        self.outcome.questions += 1;
        let of = |node: &StoreNode| (node.planner.is_willing(), node.planner.free());
        let (Some(own), Some(other)) = (self.nodes.get(&peer).map(of), self.nodes.get(&to).map(of)) else {
            self.handle(peer, StoreInput::Silent(to));
            return None;
        };
        // Not each time: that is most of the work, and changes nothing.
        let named = if self.rng.random_range(0..4) == 0 { self.some_members(to, peer) } else { vec![] };
        self.handle(to, StoreInput::Hello { peer, willing: own.0, free: own.1 });
        self.handle(peer, StoreInput::Hello { peer: to, willing: other.0, free: other.1 });
        self.handle(peer, StoreInput::Named(named));
        Some(to)
    }

    /// Some of the members that a node knows, but not who asks.
    fn some_members(&mut self, of: PeerId, asker: PeerId) -> Vec<PeerId> {
        let Some(node) = self.nodes.get(&of) else { return vec![] };
        let willing = node.planner.members().filter(|(peer, willing)| *willing && *peer != asker);
        let known: Vec<PeerId> = willing.map(|(peer, _)| peer).collect();
        if known.is_empty() {
            return known;
        }
        let from = self.rng.random_range(0..known.len());
        known.iter().cycle().skip(from).take(TOLD.min(known.len())).copied().collect()
    }

    fn offer(
        &mut self,
        peer: PeerId,
        to: PeerId,
        record: StoreRecord,
        holders: Vec<PeerId>,
    ) -> Option<PeerId> {
        self.outcome.questions += 1;
        let (now, content) = (self.now, record.content);
        let Some(node) = self.nodes.get_mut(&to) else {
            let (state, why) = (CopyState::None, None);
            self.handle(peer, StoreInput::Offered { peer: to, content, state, why });
            self.handle(peer, StoreInput::Silent(to));
            return None;
        };
        let answer = node.planner.offer_came(now, peer, record, holders, false);
        let (state, why) = (answer.state, answer.why);
        self.handle(peer, StoreInput::Offered { peer: to, content, state, why });
        Some(to)
    }

    fn status(&mut self, peer: PeerId, to: PeerId, content: ContentId, state: CopyState) -> Option<PeerId> {
        self.outcome.questions += 1;
        let now = self.now;
        let Some(node) = self.nodes.get_mut(&to) else {
            self.handle(peer, StoreInput::Silent(to));
            return None;
        };
        let (state, holders, nearest, records) = node.planner.status_came(now, peer, content, state);
        self.handle(peer, StoreInput::Status { peer: to, content, state, holders, records });
        self.handle(peer, StoreInput::Named(nearest));
        Some(to)
    }

    fn fetch(&mut self, peer: PeerId, content: ContentId, size: u64) {
        let rate = self.scenario.rate.max(1);
        let Some(node) = self.nodes.get_mut(&peer) else { return };
        let until = node.line.max(self.now) + Duration::from_secs_f64(size as f64 / rate as f64);
        node.line = until;
        node.copies.insert(content, Some(until));
        self.at(until, Event::Arrival(peer, content));
    }
}
