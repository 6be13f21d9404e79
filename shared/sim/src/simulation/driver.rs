//! What members and upload queues say, done. Nothing is decided here.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use shoal_content::{ChunkIndex, ChunkSet};
use shoal_engine::{
    Grant, Member, MemberInput, MemberOutput, NeighbourEvent, Offence, PeerSource, RequestId, TrackerEvent,
};
use shoal_wire::chunks::ChunkRefusal;
use shoal_wire::tracker::Role;

use super::Simulation;
use crate::event::{Broadcast, Event, Message};
use crate::id::{Number, of_session};

/// Until a message that is here is dealt with.
const PROCESSING: Duration = Duration::from_millis(1);
/// Until a lost message is sent again, besides a round trip.
const RETRANSMISSION: Duration = Duration::from_millis(200);
/// Bytes of a message with the headers of TLS, TCP, IP and Ethernet, its acknowledgement included.
const NEWS_BYTES: u64 = 150;
const MESSAGE_BYTES: u64 = 120;

impl Simulation {
    /// Tells a peer's member something, after the news that has come before, and does what it says.
    pub(super) fn tell(&mut self, node: Number, input: MemberInput<Number>) {
        self.hear_news(node);
        self.inform(node, input);
    }

    pub(super) fn inform(&mut self, node: Number, input: MemberInput<Number>) {
        if self.input(node, input) {
            self.drain(node);
        }
    }

    /// Does what a member says.
    pub(super) fn drain(&mut self, node: Number) {
        while let Some(output) = self.nodes[node as usize].next_output() {
            self.act(node, output);
        }
    }

    /// Tells a member something while its outputs are being dealt with, or will be at once.
    pub(super) fn input(&mut self, node: Number, input: MemberInput<Number>) -> bool {
        let now = self.now;
        let state = &mut self.nodes[node as usize];
        let changed = if state.recording.is_some() {
            state.input_recorded(now, input)
        } else {
            state.member.as_mut().is_some_and(|member| member.handle(now, input))
        };
        if changed {
            self.inboxes[node as usize].hungry = state.member.as_ref().is_some_and(Member::is_hungry);
            self.arm_later(node);
        }
        changed
    }

    fn act(&mut self, node: Number, output: MemberOutput<Number>) {
        match output {
            MemberOutput::Register { .. }
            | MemberOutput::Discover { .. }
            | MemberOutput::Unregister { .. } => {
                self.ask_tracker(node, &output);
            }
            MemberOutput::Seek { peer } => self.seek(node, peer),
            MemberOutput::Release { peer } => self.release(node, peer),
            MemberOutput::Suspend { peer, .. } => self.release(node, peer),
            MemberOutput::Ban { peer, offence } => self.ban(node, peer, offence),
            MemberOutput::Request { peer, id, chunk } => self.request(node, peer, id, chunk),
            MemberOutput::Cancel { peer, id } => self.take_back(node, peer, id),
            MemberOutput::Tell { peers, chunks } => self.announce(node, peers, chunks),
            MemberOutput::TellByQuery { peer, chunks } => {
                self.announce(node, vec![peer], chunks);
                let event = NeighbourEvent::Told { lost: None };
                self.input(node, MemberInput::Neighbour { peer, event });
            }
            MemberOutput::PeerHas { peer, chunks } => {
                self.nodes[node as usize].upload.gained(&self.content, peer, &chunks);
            }
            MemberOutput::PeerGone { peer, had } => {
                self.nodes[node as usize].upload.gone(&self.content, &peer, &had);
            }
            MemberOutput::Join { peer, have } => self.join(node, peer, have),
            MemberOutput::Welcome { peer, have } => {
                let load = self.nodes[node as usize].load();
                self.say(node, peer, Message::Welcome { have, load });
            }
            MemberOutput::Leave { peer } => self.say(node, peer, Message::Leave),
            MemberOutput::AskForPeers { peer } => self.say(node, peer, Message::AskForPeers),
            MemberOutput::OpenStream { peer } => self.say(node, peer, Message::OpenStream),
            MemberOutput::FetchBlock { peer, hash } => {
                self.say(node, peer, Message::AskForBlock(hash.into()))
            }
            MemberOutput::Manifest(_) => self.manifest_known(node),
            MemberOutput::Complete => self.completed(node),
            // An idle stream costs nothing; nobody reads the words.
            MemberOutput::CloseStream { .. } | MemberOutput::Unavailable { .. } | MemberOutput::GiveUp(_) => {
            }
        }
    }

    /// The tracker answers at once.
    fn ask_tracker(&mut self, node: Number, output: &MemberOutput<Number>) {
        match *output {
            MemberOutput::Register { tracker } if self.tracker_gone => {
                let event = TrackerEvent::Registered(None);
                self.input(node, MemberInput::Tracker { tracker, event });
            }
            MemberOutput::Discover { tracker } if self.tracker_gone => {
                let event = TrackerEvent::Discovered(false);
                self.input(node, MemberInput::Tracker { tracker, event });
            }
            MemberOutput::Register { tracker } => {
                let seed = self.nodes[node as usize].member.as_ref().is_some_and(|member| member.is_seed());
                let role = if seed { Role::Seed } else { Role::Downloader };
                let granted = self.tracker.register(self.now, node, role);
                let event = TrackerEvent::Registered(granted);
                self.input(node, MemberInput::Tracker { tracker, event });
            }
            MemberOutput::Discover { tracker } => {
                let peers = self.tracker.discover(self.now, node);
                self.input(node, MemberInput::Found { peers, source: PeerSource::Tracker(tracker) });
                let event = TrackerEvent::Discovered(true);
                self.input(node, MemberInput::Tracker { tracker, event });
            }
            _ => self.tracker.leave(node),
        }
    }

    fn ban(&mut self, node: Number, peer: Number, offence: Offence) {
        if matches!(offence, Offence::Chunk(_)) {
            self.bans += 1;
        }
        self.nodes[node as usize].banned.insert(peer);
        self.close(node, peer, None);
    }

    fn join(&mut self, node: Number, peer: Number, have: Arc<ChunkSet>) {
        if let Some(link) = self.nodes[node as usize].links.get_mut(peer) {
            link.join_sent = self.now;
        }
        self.say(node, peer, Message::Join { have });
    }

    fn request(&mut self, node: Number, peer: Number, id: RequestId, chunk: Option<ChunkIndex>) {
        let Some(link) = self.nodes[node as usize].links.get_mut(peer) else { return };
        let twice = chunk.is_some() && link.asked.iter().any(|(_, other)| *other == chunk);
        link.asked.push((id, chunk));
        self.asked_twice += u64::from(twice);
        self.most_in_flight = self.most_in_flight.max(link.asked.len());
        self.say(node, peer, chunk.map_or(Message::Any { id }, |chunk| Message::Get { id, chunk }));
    }

    fn take_back(&mut self, node: Number, peer: Number, id: RequestId) {
        let Some(link) = self.nodes[node as usize].links.get_mut(peer) else { return };
        link.answered(id);
        self.say(node, peer, Message::Cancel { id });
    }

    /// Sends a message on the connection that there is.
    pub(super) fn say(&mut self, from: Number, to: Number, message: Message) {
        let Some(link) = self.nodes[from as usize].links.number(to) else { return };
        self.count_control(from, MESSAGE_BYTES);
        let at = self.now + self.scenario.delay + PROCESSING + self.lateness();
        self.queue.push(at, Event::Message { from, to, link, message });
    }

    pub(super) fn count_control(&mut self, from: Number, bytes: u64) {
        self.traffic.control += bytes;
        self.nodes[from as usize].sent += bytes;
    }

    /// How much later than others a message arrives: some are lost and sent again.
    pub(super) fn lateness(&mut self) -> Duration {
        if self.scenario.loss > 0.0 && self.rng.random_bool(self.scenario.loss.clamp(0.0, 1.0)) {
            return RETRANSMISSION + self.scenario.delay * 2;
        }
        Duration::ZERO
    }

    fn announce(&mut self, from: Number, to: Vec<Number>, chunks: Arc<ChunkSet>) {
        let bytes = NEWS_BYTES * to.len() as u64;
        self.count_control(from, bytes);
        self.traffic.news += bytes;
        let links = &self.nodes[from as usize].links;
        let receiver = |to: Number| links.number(to).map(|number| (to, number));
        let to = to.into_iter().filter_map(receiver).collect();
        let news = Broadcast { from, chunks: chunks.into(), to };
        self.queue.push(self.now + self.scenario.delay + PROCESSING, Event::News(Box::new(news)));
    }

    /// Does what a peer's upload queue says.
    pub(super) fn pump(&mut self, node: Number) {
        if !self.nodes[node as usize].alive {
            return;
        }
        // What others have decides which request comes first, and nothing else here.
        if self.nodes[node as usize].upload.is_choosing() {
            self.hear_news(node);
        }
        while let Some(grant) = self.nodes[node as usize].upload.next(self.now) {
            match grant {
                Grant::Send { session, id, chunk, .. } => {
                    if self.nodes[node as usize].serves(chunk) {
                        self.send(node, session, id, chunk);
                    } else {
                        self.nodes[node as usize].upload.ended(session);
                        self.refuse(node, session, id, ChunkRefusal::NotFound);
                    }
                }
                Grant::Refuse { session, id, why } => self.refuse(node, session, id, why),
                // Simulated peers take what they are sent as fast as their lines do.
                Grant::Close { .. } => {}
            }
        }
        self.arm_later(node);
    }

    fn refuse(&mut self, node: Number, session: u64, id: RequestId, why: ChunkRefusal) {
        let (link, peer) = of_session(session);
        if self.nodes[node as usize].links.get(peer).is_some_and(|l| l.number == link) {
            self.say(node, peer, Message::Refused { id, why });
        }
    }

    /// Sees to it, once all of this event has happened, that a peer is woken when its engine wants that.
    fn arm_later(&mut self, node: Number) {
        if self.unarmed.last() != Some(&node) {
            self.unarmed.push(node);
        }
    }

    /// Sets the timers of all whom something happened to.
    pub(super) fn arm_all(&mut self) {
        while let Some(node) = self.unarmed.pop() {
            self.arm(node);
        }
    }

    fn arm(&mut self, node: Number) {
        let state = &mut self.nodes[node as usize];
        let Some(at) = state.next_timeout() else { return };
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
        let member = state.member.as_ref().and_then(Member::next_timeout);
        if member.is_some_and(|at| at <= self.now) {
            self.tell(node, MemberInput::Timeout);
            self.pump(node);
        } else if self.nodes[node as usize].upload.next_timeout().is_some_and(|at| at <= self.now) {
            self.pump(node);
        } else {
            self.arm_later(node);
        }
    }
}
