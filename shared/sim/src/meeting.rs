//! Coming, finding neighbours, going.

use std::sync::Arc;
use std::time::Duration;

use super::event::{Event, Place};
use super::links::Link;
use super::node::{Kind, News, Number, session};
use super::simulation::Simulation;
use shoal_engine::{Announcer, AnnouncerOutput, Input, PeerBook, Topology};
use shoal_registry::Role;

/// From the start of a peer to its first question to the tracker.
const START: Duration = Duration::from_millis(20);
/// What a new connection costs besides round trips: keys and processes.
const CONNECT: Duration = Duration::from_millis(10);
/// Round trips until two peers know what the other has: TCP, TLS, the protocol, the join.
const CONNECT_TRIPS: u32 = 4;
/// Until neighbours notice that a peer that crashed is gone.
const SILENCE: Duration = Duration::from_secs(10);

impl Simulation {
    pub(super) fn start(&mut self, node: Number) {
        let state = &mut self.nodes[node as usize];
        state.alive = true;
        state.started = self.now;
        let registers = self.scenario.topology == Topology::Mesh;
        state.announcer = Some(Announcer::new(self.now + START, 1, registers));
        self.queue.push(self.now + START, Event::Announce(node));
    }

    /// Registers at the tracker and asks it, whichever is due, and comes back when something is due again.
    pub(super) fn announce_due(&mut self, node: Number) {
        let state = &mut self.nodes[node as usize];
        let Some(mut announcer) = state.announcer.take().filter(|_| state.alive) else { return };
        let role = if state.have.is_full() { Role::Seed } else { Role::Downloader };
        while let Some(output) = announcer.poll(self.now) {
            match output {
                AnnouncerOutput::Register(point) => {
                    let granted = self.tracker.register(self.now, node, role);
                    announcer.registered(self.now, point, granted);
                }
                AnnouncerOutput::Discover(point) => {
                    self.discover(node);
                    announcer.discovered(self.now, point, true);
                }
            }
        }
        let due = announcer.next_timeout();
        self.nodes[node as usize].announcer = Some(announcer);
        if let Some(at) = due {
            self.queue.push(at, Event::Announce(node));
        }
    }

    /// Dials seeds, whose addresses are in the ticket, and others until there are neighbours enough.
    fn discover(&mut self, node: Number) {
        let state = &self.nodes[node as usize];
        if state.kind == Kind::Seed || (state.download.is_none() && !state.kind.lies()) {
            return;
        }
        let sought = PeerBook::sought(self.now - state.started, self.scenario.sought);
        for seed in 0..self.scenario.seeds {
            self.dial(node, seed);
        }
        if self.scenario.topology == Topology::Star {
            return;
        }
        let mut missing = sought.saturating_sub(self.nodes[node as usize].links.len());
        for candidate in self.tracker.discover(self.now, node) {
            if missing > 0 && self.dial(node, candidate) {
                missing -= 1;
            }
        }
    }

    fn has_room(&self, node: Number) -> bool {
        let state = &self.nodes[node as usize];
        let unlimited = state.kind == Kind::Seed && self.scenario.topology == Topology::Star;
        unlimited || state.links.len() < self.scenario.accepted
    }

    /// Returns whether a connection is being made.
    fn dial(&mut self, a: Number, b: Number) -> bool {
        let (from, to) = (&self.nodes[a as usize], &self.nodes[b as usize]);
        let banned = from.banned.contains(&b) || to.banned.contains(&a);
        if a == b || banned || !to.alive || from.links.contains(b) || !self.has_room(b) {
            return false;
        }
        let link = self.next_link;
        self.next_link += 1;
        let chunks = self.lengths.len();
        let (at_a, at_b) = (from.links.next_slot(), to.links.next_slot());
        self.nodes[a as usize].links.insert(Link::new(link, b, at_b, chunks));
        self.nodes[b as usize].links.insert(Link::new(link, a, at_a, chunks));
        let trips = self.scenario.delay * 2 * CONNECT_TRIPS;
        self.queue.push(self.now + trips + CONNECT, Event::Connected { a, b, link });
        true
    }

    pub(super) fn connected(&mut self, a: Number, b: Number, link: u32) {
        for (one, other) in [(a, b), (b, a)] {
            let Some(state) = self.nodes[one as usize].links.get_mut(other) else { return };
            if state.number != link {
                return;
            }
            state.up = true;
        }
        self.greet(a, b, link);
        self.greet(b, a, link);
    }

    /// One peer learns of another and of what it has.
    fn greet(&mut self, one: Number, other: Number, link: u32) {
        let state = &self.nodes[other as usize];
        let (peer, load, chunks) = (other, state.load(), state.have.clone());
        self.nodes[one as usize].upload.open(session(link, other), peer);
        self.tell(one, Input::PeerUp { peer, rtt: self.scenario.delay * 2 });
        self.tell(one, Input::Load { peer, load });
        if let Some(slot) = self.nodes[other as usize].links.get(one).map(|link| link.back) {
            let place = Place { slot, number: link };
            self.deliver(one, News { from: other, place, chunks: Arc::new(chunks) });
        }
    }

    /// Ends a connection; of a certain number, or whichever there is.
    pub(super) fn close(&mut self, a: Number, b: Number, number: Option<u32>) {
        let Some(link) = self.nodes[a as usize].links.get(b) else { return };
        if number.is_some_and(|number| number != link.number) {
            return;
        }
        for (one, other) in [(a, b), (b, a)] {
            self.hear_news(one);
            let peer = other;
            let Some(link) = self.nodes[one as usize].links.remove(other) else { continue };
            for transfer in link.sending {
                self.traffic.abandoned += u64::from(self.transfers.abort(transfer));
            }
            if link.up && self.nodes[one as usize].alive {
                let upload = &mut self.nodes[one as usize].upload;
                upload.close(session(link.number, other));
                upload.gone(&self.content, &peer, &link.had);
                self.tell(one, Input::PeerDown { peer });
                self.pump(one);
            }
        }
    }

    /// Whoever is still incomplete when its time comes goes, and another comes.
    pub(super) fn leave_incomplete(&mut self, node: Number, crash: bool) {
        let state = &self.nodes[node as usize];
        if !state.alive || state.download.is_none() {
            return;
        }
        self.leave(node, crash);
        self.left += 1;
        let line =
            super::scenario::Link { up: self.nodes[node as usize].up, down: self.nodes[node as usize].down };
        let newcomer = self.add(Kind::Honest, line);
        self.missing -= 1;
        self.queue.push(self.now, Event::Start(newcomer));
    }

    /// A peer goes. In a crash it just falls silent.
    pub(super) fn leave(&mut self, node: Number, crash: bool) {
        let state = &mut self.nodes[node as usize];
        state.alive = false;
        state.download = None;
        for waiting in std::mem::take(&mut state.line) {
            self.transfers.get(waiting).queued = false;
        }
        if !crash {
            self.tracker.leave(node);
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

    /// A neighbour notices that a peer has fallen silent, and tells the tracker.
    pub(super) fn notice(&mut self, gone: Number, by: Number, link: u32) {
        self.close(gone, by, Some(link));
        self.tracker.report(self.now, by, gone, self.nodes[gone as usize].alive);
    }

    fn silence(&mut self, node: Number, other: Number) {
        let link = self.nodes[node as usize].links.get_mut(other);
        for transfer in link.map(|link| std::mem::take(&mut link.sending)).unwrap_or_default() {
            self.traffic.abandoned += u64::from(self.transfers.abort(transfer));
        }
    }
}
