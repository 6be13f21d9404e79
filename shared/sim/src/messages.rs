//! What engines say and hear.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;

use super::event::{Event, Message, Place};
use super::node::{Kind, News, Number, of_session, session};
use super::simulation::Simulation;
use shoal_content::{ChunkIndex, ChunkSet};
use shoal_engine::{DropReason, Grant, Input, Output, RequestId, Wanted};
use shoal_wire::chunks::Refusal;

/// Until a message that is here is dealt with.
const PROCESSING: Duration = Duration::from_millis(1);
/// Until a lost message is sent again, besides a round trip.
const RETRANSMISSION: Duration = Duration::from_millis(200);
/// Bytes of a message with the headers of TLS, TCP, IP and Ethernet, its acknowledgement included.
const NEWS_BYTES: u64 = 150;
const REQUEST_BYTES: u64 = 120;

impl Simulation {
    /// Tells a peer's download something, after the news that has come before, and does what it says.
    pub(super) fn tell(&mut self, node: Number, input: Input<Number>) {
        self.hear_news(node);
        self.inform(node, input);
    }

    fn inform(&mut self, node: Number, input: Input<Number>) {
        let now = self.now;
        let Some(download) = self.nodes[node as usize].download.as_mut() else { return };
        if !download.handle(now, input) {
            return;
        }
        while let Some(output) =
            self.nodes[node as usize].download.as_mut().and_then(|download| download.poll_output())
        {
            self.act(node, output);
        }
        self.arm(node);
    }

    fn act(&mut self, node: Number, output: Output<Number>) {
        match output {
            Output::Request { peer, id, chunk } => self.ask(node, peer, id, Some(chunk)),
            Output::RequestAny { peer, id } => self.ask(node, peer, id, None),
            Output::Cancel { peer, id } => self.take_back(node, peer, id),
            Output::Announce(chunks) => self.announce(node, chunks),
            Output::Drop { peer, reason } => self.drop_neighbour(node, peer, reason),
            Output::Complete => self.completed(node),
        }
    }

    fn ask(&mut self, node: Number, peer: Number, id: RequestId, chunk: Option<ChunkIndex>) {
        let Some(link) = self.nodes[node as usize].links.get_mut(peer) else { return };
        let twice = chunk.is_some() && link.asked.iter().any(|(_, other)| *other == chunk);
        link.asked.push((id, chunk));
        self.asked_twice += u64::from(twice);
        self.most_in_flight = self.most_in_flight.max(link.asked.len());
        let link = link.number;
        let message = chunk.map_or(Message::Any { id }, |chunk| Message::Get { id, chunk });
        self.say(node, peer, link, message);
    }

    fn take_back(&mut self, node: Number, peer: Number, id: RequestId) {
        let Some(link) = self.nodes[node as usize].links.get_mut(peer) else { return };
        link.answered(id);
        let link = link.number;
        self.say(node, peer, link, Message::Cancel { id });
    }

    fn say(&mut self, from: Number, to: Number, link: u32, message: Message) {
        self.count_control(from, REQUEST_BYTES);
        let at = self.now + self.scenario.delay + PROCESSING + self.lateness();
        self.queue.push(at, Event::Message { from, to, link, message });
    }

    fn count_control(&mut self, from: Number, bytes: u64) {
        self.traffic.control += bytes;
        self.nodes[from as usize].sent += bytes;
    }

    /// How much later than others a message arrives: some are lost and sent again.
    fn lateness(&mut self) -> Duration {
        if self.scenario.loss > 0.0 && self.rng.random_bool(self.scenario.loss.clamp(0.0, 1.0)) {
            return RETRANSMISSION + self.scenario.delay * 2;
        }
        Duration::ZERO
    }

    fn announce(&mut self, node: Number, chunks: ChunkSet) {
        let bytes = NEWS_BYTES * self.nodes[node as usize].links.len() as u64;
        self.count_control(node, bytes);
        self.traffic.news += bytes;
        let chunks = Arc::new(chunks);
        self.queue.push(self.now + self.scenario.delay + PROCESSING, Event::News { from: node, chunks });
    }

    pub(super) fn spread_news(&mut self, from: Number, chunks: &Arc<ChunkSet>) {
        let up = self.nodes[from as usize].links.iter().filter(|link| link.up);
        let to: Vec<_> =
            up.map(|link| (link.other, Place { slot: link.back, number: link.number })).collect();
        for (to, place) in to {
            let late = self.lateness();
            let news = News { from, place, chunks: chunks.clone() };
            if late.is_zero() {
                self.deliver(to, news);
            } else {
                self.queue.push(self.now + late, Event::LateNews { to, news });
            }
        }
    }

    /// News reaches a peer, which hears it at once or together with more.
    pub(super) fn deliver(&mut self, to: Number, news: News) {
        let node = &mut self.nodes[to as usize];
        if !node.alive {
            return;
        }
        let waits = node.can_wait();
        node.inbox.push(news);
        if !waits {
            self.hear_news(to);
        }
    }

    /// A peer learns what others have got.
    pub(super) fn hear_news(&mut self, to: Number) {
        if self.nodes[to as usize].inbox.is_empty() {
            return;
        }
        let mut inbox = std::mem::take(&mut self.nodes[to as usize].inbox);
        for News { from, place, chunks } in inbox.drain(..) {
            self.hear_piece_of_news(from, to, place, &chunks);
        }
        // Its memory serves the next ones.
        self.nodes[to as usize].inbox = inbox;
    }

    fn hear_piece_of_news(&mut self, from: Number, to: Number, place: Place, chunks: &Arc<ChunkSet>) {
        let node = &mut self.nodes[to as usize];
        let Some(link) = node.links.at(place.slot, place.number) else { return };
        let news = if link.had.is_disjoint(chunks) {
            chunks.clone()
        } else {
            let mut news = ChunkSet::clone(chunks);
            news.difference_with(&link.had);
            Arc::new(news)
        };
        link.had.union_with(&news);
        node.upload.gained(&self.content, from, &news);
        self.inform(to, Input::Have { peer: from, chunks: news });
    }

    fn drop_neighbour(&mut self, node: Number, peer: Number, reason: DropReason) {
        if matches!(reason, DropReason::Corrupt(_)) {
            self.bans += 1;
            self.nodes[node as usize].banned.insert(peer);
        }
        self.close(node, peer, None);
    }

    pub(super) fn hear(&mut self, from: Number, to: Number, link: u32, message: Message) {
        let node = &mut self.nodes[to as usize];
        if !node.alive || node.link(from, link).is_none() {
            return;
        }
        match message {
            Message::Get { id, chunk } => self.requested(from, to, link, id, Some(chunk)),
            Message::Any { id } => self.requested(from, to, link, id, None),
            Message::Cancel { id } => {
                node.upload.cancel(session(link, from), id);
                self.pump(to);
            }
            Message::Refused { id, why } => {
                if let Some(link) = node.link(from, link) {
                    link.answered(id);
                }
                self.tell(to, Input::Refused { peer: from, id, why });
            }
        }
    }

    fn requested(&mut self, from: Number, to: Number, link: u32, id: RequestId, chunk: Option<ChunkIndex>) {
        let node = &mut self.nodes[to as usize];
        match node.kind {
            Kind::Silent => {}
            Kind::Refuses => self.say(to, from, link, Message::Refused { id, why: Refusal::NotFound }),
            Kind::Seed | Kind::Honest | Kind::Corrupt => {
                let wanted = Wanted { id, content: self.content, chunk };
                node.upload.request(self.now, session(link, from), wanted);
                self.pump(to);
            }
        }
    }

    /// Does what a peer's upload queue says.
    pub(super) fn pump(&mut self, node: Number) {
        if !self.nodes[node as usize].alive {
            return;
        }
        self.hear_news(node);
        while let Some(grant) = self.nodes[node as usize].upload.next(self.now) {
            match grant {
                Grant::Send { session, id, chunk, .. } => {
                    if self.nodes[node as usize].have.contains(chunk as usize) {
                        self.send(node, session, id, chunk);
                    } else {
                        self.nodes[node as usize].upload.ended(session);
                        self.refuse(node, session, id, Refusal::NotFound);
                    }
                }
                Grant::Refuse { session, id, why } => self.refuse(node, session, id, why),
            }
        }
        self.arm(node);
    }

    fn refuse(&mut self, node: Number, session: u64, id: RequestId, why: Refusal) {
        let (link, peer) = of_session(session);
        self.say(node, peer, link, Message::Refused { id, why });
    }

    /// Sees to it that a peer is woken when its engine wants that.
    fn arm(&mut self, node: Number) {
        let state = &mut self.nodes[node as usize];
        let download = state.download.as_ref().and_then(|download| download.next_timeout());
        let Some(at) = download.into_iter().chain(state.upload.next_timeout()).min() else { return };
        // A timer that comes too early finds nothing to do and is set again.
        if state.timer.is_none_or(|timer| at < timer) {
            let at = at.max(self.now + PROCESSING);
            state.timer = Some(at);
            self.queue.push(at, Event::Timer(node));
        }
    }

    pub(super) fn timer(&mut self, node: Number) {
        let state = &mut self.nodes[node as usize];
        if !state.alive || state.timer != Some(self.now) {
            return;
        }
        state.timer = None;
        self.tell(node, Input::Timeout);
        self.pump(node);
    }
}
