//! Coming and going: connections between virtual peers, and the tracker.

use std::time::Duration;

use rand::RngExt;

use shoal_content::ChunkSet;
use shoal_engine::{
    ConnectionEvent, Member, MemberConfig, MemberInput, MemberStart, PeerBookConfig, PeerSource, Recording,
    StartRole, StoreEvent, Topology, jittered,
};

use super::Simulation;
use crate::event::Event;
use crate::id::{Number, session};
use crate::inbox::Inbox;
use crate::links::Link;
use crate::node::Kind;
use crate::scenario::SILENCE;

/// From the start of a peer to its first question to the tracker.
const START: Duration = Duration::from_millis(20);
/// What a new connection costs besides round trips: keys and processes.
const CONNECT: Duration = Duration::from_millis(10);
/// Round trips until a connection stands: TCP, TLS, the multiplexer.
const CONNECT_TRIPS: u32 = 3;

impl Simulation {
    /// A peer comes.
    pub(super) fn start(&mut self, node: Number) {
        let state = &mut self.nodes[node as usize];
        state.alive = true;
        self.inboxes[node as usize].open = true;
        state.started = self.now;
        self.queue.push(self.now + START, Event::Begin(node));
    }

    /// Its member begins.
    pub(super) fn begin(&mut self, node: Number) {
        if !self.nodes[node as usize].alive {
            return;
        }
        let start = self.member_start(node);
        let state = &mut self.nodes[node as usize];
        state.member = Some(start.begin());
        state.recording = self.records.then(|| Recording { start, steps: Vec::new() });
        if self.nodes[node as usize].kind.fetches() {
            if self.nodes[node as usize].knows_manifest {
                let opened = self.opened();
                self.tell(node, MemberInput::Store(opened));
            }
            if self.scenario.seeds_named {
                // The seeds' addresses are in the ticket.
                let peers = (0..self.scenario.seeds).collect();
                self.tell(node, MemberInput::Found { peers, source: PeerSource::User });
            }
        }
        self.tell(node, MemberInput::Timeout);
    }

    fn member_start(&mut self, node: Number) -> MemberStart<Number> {
        let kind = self.nodes[node as usize].kind;
        let whole = kind.has_everything();
        let config = MemberConfig {
            most_sought: self.scenario.sought,
            topology: self.scenario.topology,
            wait: Some(Duration::MAX),
            trackers: 1,
            registers: whole || self.scenario.topology == Topology::Mesh,
            download: self.scenario.download,
            ..MemberConfig::default()
        };
        let role = match kind {
            _ if whole => StartRole::Serving(self.all_chunks()),
            Kind::Idle => StartRole::Serving(ChunkSet::with_capacity(self.lengths.len())),
            _ if self.nodes[node as usize].knows_manifest => StartRole::Opening,
            _ => StartRole::Fetching(self.content),
        };
        MemberStart { now: self.now, local: node, role, config, seed: self.rng.random() }
    }

    pub(super) fn opened(&self) -> StoreEvent {
        let empty = ChunkSet::with_capacity(self.lengths.len());
        StoreEvent::Opened {
            lengths: self.lengths.clone(),
            wanted: self.all_chunks(),
            stored: empty.clone(),
            servable: empty,
        }
    }

    fn all_chunks(&self) -> ChunkSet {
        let mut all = ChunkSet::with_capacity(self.lengths.len());
        all.insert_range(..);
        all
    }

    fn has_room(&self, node: Number) -> bool {
        let state = &self.nodes[node as usize];
        let unlimited = state.kind == Kind::Seed && self.scenario.topology == Topology::Star;
        unlimited || state.links.len() < self.scenario.accepted
    }

    /// A member wants a connection.
    pub(super) fn seek(&mut self, a: Number, b: Number) {
        let (from, to) = (&self.nodes[a as usize], &self.nodes[b as usize]);
        if let Some(link) = from.links.get(b) {
            if link.up {
                self.input(a, MemberInput::Connection { peer: b, event: ConnectionEvent::Connected });
            }
            return;
        }
        let trips = self.scenario.delay * 2 * CONNECT_TRIPS;
        let banned = from.banned.contains(&b) || to.banned.contains(&a);
        if a == b || banned || !to.alive || !self.has_room(b) || self.is_cut(a, b) {
            return self
                .queue
                .push(self.now + self.scenario.delay * 2, Event::Unreachable { by: a, peer: b });
        }
        let link = self.next_link;
        self.next_link += 1;
        self.nodes[a as usize].links.insert(Link::new(link, b));
        self.nodes[b as usize].links.insert(Link::new(link, a));
        self.queue.push(self.now + trips + CONNECT, Event::Connected { a, b, link });
    }

    pub(super) fn unreachable(&mut self, by: Number, peer: Number) {
        // As a node's book of peers waits. The seeds' addresses are named by the user.
        let config = PeerBookConfig::default();
        let backoffs = &mut self.nodes[by as usize].backoffs;
        let wait = backoffs.entry(peer).or_insert_with(|| config.backoff()).fail();
        let wait = if peer < self.scenario.seeds && self.scenario.seeds_named {
            wait.min(config.retry_named_most)
        } else {
            wait
        };
        let retry_at = self.now + jittered(wait, &mut self.rng);
        self.tell(by, MemberInput::Connection { peer, event: ConnectionEvent::Unreachable { retry_at } });
    }

    pub(super) fn connected(&mut self, a: Number, b: Number, link: u32) {
        if self.is_cut(a, b) {
            return self.unconnected(a, b, link);
        }
        for (one, other) in [(a, b), (b, a)] {
            let Some(state) = self.nodes[one as usize].links.get_mut(other) else { return };
            if state.number != link {
                return;
            }
            state.up = true;
        }
        self.standing.insert(link);
        self.nodes[a as usize].backoffs.remove(&b);
        // The other side learns of it by a join, unless it has sought the connection too.
        self.tell(a, MemberInput::Connection { peer: b, event: ConnectionEvent::Connected });
        if self.nodes[b as usize].member.as_ref().is_some_and(|member| member.has_sought(&a)) {
            self.tell(b, MemberInput::Connection { peer: a, event: ConnectionEvent::Connected });
        }
    }

    /// A member has no more use for a connection. It ends when the other has none either.
    pub(super) fn release(&mut self, node: Number, peer: Number) {
        let uses = |member: &Member<Number>| member.is_neighbour(&node) || member.has_sought(&node);
        if !self.nodes[peer as usize].member.as_ref().is_some_and(uses) {
            self.close(node, peer, None);
        }
    }

    /// Ends a connection; of a certain number, or whichever there is.
    pub(super) fn close(&mut self, a: Number, b: Number, number: Option<u32>) {
        let Some(link) = self.nodes[a as usize].links.get(b) else { return };
        if number.is_some_and(|number| number != link.number) {
            return;
        }
        // Nothing that comes from now on is heard, and what came before is heard before the end.
        self.standing.remove(link.number);
        for (one, other) in [(a, b), (b, a)] {
            self.hear_news(one);
            let Some(link) = self.nodes[one as usize].links.remove(other) else { continue };
            for transfer in link.sending {
                self.traffic.abandoned += u64::from(self.transfers.abort(transfer));
            }
            if self.nodes[one as usize].alive {
                self.nodes[one as usize].upload.close(session(link.number, other));
                let event = ConnectionEvent::Disconnected;
                self.tell(one, MemberInput::Connection { peer: other, event });
                self.pump(one);
            }
        }
    }

    /// A peer that is still incomplete when its time comes leaves, and another one comes.
    pub(super) fn leave_incomplete(&mut self, node: Number, crash: bool) {
        let state = &self.nodes[node as usize];
        if !state.alive || state.completed {
            return;
        }
        self.leave(node, crash);
        self.left += 1;
        let line =
            crate::scenario::Link { up: self.nodes[node as usize].up, down: self.nodes[node as usize].down };
        let newcomer = self.add(Kind::Honest, line);
        self.missing -= 1;
        self.queue.push(self.now, Event::Start(newcomer));
    }

    /// A peer goes. In a crash it just falls silent.
    pub(super) fn leave(&mut self, node: Number, crash: bool) {
        if !crash {
            self.tell(node, MemberInput::Stop);
        }
        let state = &mut self.nodes[node as usize];
        state.alive = false;
        self.inboxes[node as usize] = Inbox::default();
        state.member = None;
        for waiting in std::mem::take(&mut state.line) {
            self.transfers.get(waiting).queued = false;
        }
        let links: Vec<_> =
            self.nodes[node as usize].links.iter().map(|link| (link.other, link.number)).collect();
        for (other, link) in links {
            if crash {
                self.silence(node, other);
                self.queue.push(self.now + SILENCE, Event::Noticed { gone: node, by: other, link });
            } else {
                self.close(node, other, None);
            }
        }
    }

    /// A peer's process is killed: its connections end at once, and it says nothing more. It may come back.
    pub(super) fn kill(&mut self, node: Number) {
        let state = &mut self.nodes[node as usize];
        state.alive = false;
        state.member = None;
        state.timer = None;
        state.backoffs.clear();
        self.inboxes[node as usize] = Inbox::default();
        for waiting in std::mem::take(&mut self.nodes[node as usize].line) {
            self.transfers.get(waiting).queued = false;
        }
        let others: Vec<_> = self.nodes[node as usize].links.iter().map(|link| link.other).collect();
        others.into_iter().for_each(|other| self.close(node, other, None));
        let whole = self.nodes[node as usize].kind.has_everything();
        self.nodes[node as usize].upload = self.upload_queue(whole);
    }

    /// A neighbour notices that a peer has fallen silent, and tells the tracker.
    pub(super) fn notice(&mut self, gone: Number, by: Number, link: u32) {
        self.close(gone, by, Some(link));
        self.tracker.report(self.now, by, gone, self.nodes[gone as usize].alive);
    }

    pub(super) fn silence(&mut self, node: Number, other: Number) {
        let link = self.nodes[node as usize].links.get_mut(other);
        for transfer in link.map(|link| std::mem::take(&mut link.sending)).unwrap_or_default() {
            self.traffic.abandoned += u64::from(self.transfers.abort(transfer));
        }
    }
}
