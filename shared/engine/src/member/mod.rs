//! One content's part in its swarm: every decision about other peers.
//!
//! A [`Member`] finds peers (trackers, what others tell, what the user named), seeks connections, joins, tells what
//! is new, asks for further peers, fetches the manifest and then the chunks through a [`Download`], bans, and knows
//! when it is alone or when a part of the content is out of reach. A node has one for each content; the simulator has
//! one for each virtual peer. Neither decides anything of that by itself.
//!
//! **Seeking.** A member that fetches seeks [`SOUGHT_AT_FIRST`] connections in its first second and
//! [`MemberConfig::most_sought`] afterwards. Where many start at once, the first ones are dialled by those that
//! come later: were all to dial as many as they want at once, some would end with many times that. A neighbour that
//! is of no use gives way to a promising candidate; see `usefulness`. Peers that the user named have places of their
//! own. A complete member seeks [`SOUGHT_BY_COMPLETE`] neighbours that lack something and take something, so that a
//! swarm that waits goes on as soon as a seed appears; it disconnects from those that it finds complete.
//!
//! **Joining.** The side that sought the connection joins: each side tells what it has. The one that was joined does not
//! join in turn; it can ask for chunks at once. An update that overtook a join would be lost, so what comes between
//! a join and its answer is told after the answer.
//!
//! **What is here.** [`Member::have`] is the one set that is told to others, and it changes in one place.
//!
//! What this is not: it knows no addresses, opens nothing, and sees no chunk's bytes. Which connections the node can
//! afford, and how a peer is dialled, is decided for all contents together elsewhere.
//!
//! What always holds: after every input, drain [`Member::poll_output`]; peers that are sought and not reached never
//! exceed [`MOST_DIALLING`], and 8 more that the user named; candidates are bounded; a banned peer is never sought again by this member.

mod announcing;
mod candidate;
mod candidates;
#[cfg(test)]
mod candidates_tests;
mod connecting;
mod fetching;
mod figures;
mod fulfilment;
mod joining;
mod known;
mod messages;
mod neighbours;
mod offenders;
mod patience;
mod prefetching;
mod recording;
mod sources;
mod telling;
#[cfg(test)]
mod tests;
mod usefulness;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_content::{ChunkSet, ContentId};

use self::announcing::Announcing;
use self::candidates::Candidates;
use self::fulfilment::Fulfilment;
pub use self::known::KnownNeighbour;
pub use self::messages::{
    ConnectionEvent, GiveUp, MemberInput, MemberOutput, NeighbourEvent, Offence, PeerSource, StoreEvent,
    StreamEvent, TrackerEvent,
};
use self::neighbours::Neighbours;
use self::offenders::Offenders;
use self::patience::{Outlook, Patience, Verdict};
pub use self::recording::{MemberObserver, MemberStart, MemberStep, Recording, StartRole};
use self::telling::Recent;
use crate::announcer::{Announcer, AnnouncerOutput};
use crate::download::{Download, Topology};
use crate::manifest_fetch::ManifestFetch;
use crate::{DownloadConfig, PeerName, SeededRng};

/// Connections that a member seeks in its first second.
pub const SOUGHT_AT_FIRST: usize = 8;
/// How long after its start a member seeks few connections.
const SETTLED: Duration = Duration::from_secs(1);
/// Neighbours that lack something, of which a complete member seeks so many.
pub const SOUGHT_BY_COMPLETE: usize = 8;
/// Connections that may be sought and not reached at a time, besides those to peers that the user named.
pub const MOST_DIALLING: usize = 8;
/// How often a neighbour is asked for other peers.
const EXCHANGE_EVERY: Duration = Duration::from_secs(30);

/// How a member behaves.
#[derive(Debug, Clone, Copy)]
pub struct MemberConfig {
    /// Connections that are sought while something is missing.
    pub most_sought: usize,
    /// Which peers fetch from which. In a star only seeds register, and peers are not asked for peers.
    pub topology: Topology,
    /// How long to go on without anybody who has a missing chunk. `None`: 30 seconds without any peer, without end
    /// while peers are connected that lack chunks too.
    pub wait: Option<Duration>,
    /// How many trackers there are.
    pub trackers: usize,
    /// Whether this member registers there. One that serves nothing only asks.
    pub registers: bool,
    /// Neighbours are told of stored chunks at the latest this long after the first of them.
    pub announce_after: Duration,
    /// The options of the download.
    pub download: DownloadConfig,
}

impl Default for MemberConfig {
    fn default() -> Self {
        Self {
            most_sought: 16,
            topology: Topology::default(),
            wait: None,
            trackers: 0,
            registers: true,
            announce_after: Duration::from_millis(500),
            download: DownloadConfig::default(),
        }
    }
}

/// What a member is doing.
#[derive(Debug)]
enum Phase<P> {
    /// Fetching the manifest.
    Manifest(Box<ManifestFetch<P>>),
    /// Waiting for the place where chunks are kept.
    Opening,
    /// Fetching chunks.
    Downloading(Box<Download<P>>, Announcing),
    /// Everything wanted is here.
    Complete,
    /// It has given up, or left.
    Ended,
}

/// The state machine. See the module.
#[derive(Debug)]
pub struct Member<P = PeerId> {
    config: MemberConfig,
    local: P,
    rng: SeededRng,
    phase: Phase<P>,
    candidates: Candidates<P>,
    neighbours: Neighbours<P>,
    recent: Recent,
    offenders: Offenders<P>,
    announcer: Announcer,
    patience: Patience,
    fulfilment: Fulfilment,
    /// What can be served. See [`Member::have`].
    have: ChunkSet,
    started: Duration,
    exchange_at: Duration,
    /// When a neighbour last gave way to a candidate, and when one was looked for last.
    gave_way_at: Duration,
    looked_at: Duration,
    outputs: VecDeque<MemberOutput<P>>,
}

impl<P: PeerName> Member<P> {
    /// A member that knows nothing but the content's id, and fetches.
    pub fn fetching(
        now: Duration,
        local: P,
        content: ContentId,
        config: MemberConfig,
        rng: SeededRng,
    ) -> Self {
        let phase = Phase::Manifest(Box::new(ManifestFetch::new(content)));
        Self::new(now, local, phase, ChunkSet::default(), config, rng)
    }

    /// A member that wants nothing, and serves what is in `servable`, a set of the content's length.
    pub fn serving(
        now: Duration,
        local: P,
        servable: ChunkSet,
        config: MemberConfig,
        rng: SeededRng,
    ) -> Self {
        Self::new(now, local, Phase::Complete, servable, config, rng)
    }

    /// A member that knows the manifest; [`StoreEvent::Opened`] is expected next.
    pub fn opening(now: Duration, local: P, config: MemberConfig, rng: SeededRng) -> Self {
        Self::new(now, local, Phase::Opening, ChunkSet::default(), config, rng)
    }

    fn new(
        now: Duration,
        local: P,
        phase: Phase<P>,
        have: ChunkSet,
        config: MemberConfig,
        rng: SeededRng,
    ) -> Self {
        let mut neighbours = Neighbours::default();
        neighbours.set_chunks(have.len());
        Self {
            config,
            local,
            rng,
            phase,
            candidates: Candidates::default(),
            neighbours,
            recent: Recent::default(),
            offenders: Offenders::default(),
            announcer: Announcer::new(now, config.trackers, config.registers),
            patience: Patience::new(now, config.wait),
            fulfilment: Fulfilment::default(),
            have,
            started: now,
            exchange_at: now + EXCHANGE_EVERY,
            gave_way_at: now,
            looked_at: now,
            outputs: VecDeque::new(),
        }
    }

    /// Takes what happened. Drain [`poll_output`](Self::poll_output) afterwards.
    ///
    /// Returns whether there may be anything to do but to tell the upload queue: most news is of chunks that are here
    /// or asked for, and there is so much of it that it should cost nothing.
    pub fn handle(&mut self, now: Duration, input: MemberInput<P>) -> bool {
        if matches!(self.phase, Phase::Ended)
            || input.peer().is_some_and(|peer| self.is_stranger(now, &peer, &input))
        {
            return false;
        }
        match input {
            MemberInput::Found { peers, source } => self.found(now, peers, source),
            MemberInput::Tracker { tracker, event } => self.on_tracker(now, tracker, event),
            MemberInput::Connection { peer, event } => self.on_connection(now, peer, event),
            MemberInput::Neighbour { peer, event: NeighbourEvent::Has(chunks) } => {
                if !self.on_news(now, peer, &chunks) {
                    return false;
                }
            }
            MemberInput::Neighbour { peer, event } => self.on_neighbour(now, peer, event),
            MemberInput::Stream { peer, event } => self.on_stream(now, peer, event),
            MemberInput::Block { peer, hash, block } => self.on_block(now, peer, hash, block),
            MemberInput::Store(event) => self.on_store(now, event),
            MemberInput::AddressesChanged => {
                self.announcer.addresses_changed(now);
                self.candidates.path_changed(now);
            }
            MemberInput::Timeout => self.on_timeout(now),
            MemberInput::Stop => self.stop(),
        }
        self.advance(now);
        true
    }

    /// The next thing to do, if there is one.
    pub fn poll_output(&mut self) -> Option<MemberOutput<P>> {
        self.outputs.pop_front()
    }

    /// When to come back with [`MemberInput::Timeout`] at the latest.
    pub fn next_timeout(&self) -> Option<Duration> {
        let phase = match &self.phase {
            Phase::Manifest(fetch) => fetch.next_timeout(),
            Phase::Downloading(download, announcing) => {
                let joins = self.neighbours.join_due();
                let exchange = self.may_exchange().then_some(self.exchange_at);
                let news = [announcing.next_timeout(), self.recent.due()].into_iter().flatten().min();
                let all = [download.next_timeout(), news, joins, exchange];
                all.into_iter().flatten().min()
            }
            Phase::Complete => self.neighbours.join_due(),
            Phase::Opening => None,
            Phase::Ended => return None,
        };
        let patience = if self.seeks() { self.patience.next_timeout() } else { None };
        let all = [phase, self.announcer.next_timeout(), self.next_seek(), patience];
        all.into_iter().flatten().min()
    }

    /// The chunks that are told to others and may be asked of this node; empty until the store is open.
    pub fn have(&self) -> &ChunkSet {
        &self.have
    }

    /// Whether the whole content is here.
    pub fn is_seed(&self) -> bool {
        matches!(self.phase, Phase::Downloading(..) | Phase::Complete) && self.have.is_full()
    }

    /// Whether everything that is wanted is stored.
    pub fn is_complete(&self) -> bool {
        matches!(self.phase, Phase::Complete)
    }

    /// The download, while there is one.
    pub fn download(&self) -> Option<&Download<P>> {
        match &self.phase {
            Phase::Downloading(download, _) => Some(download),
            _ => None,
        }
    }

    /// Whether news of what others have could lead to a request now. If not, it may be told together with what
    /// happens next.
    pub fn is_hungry(&self) -> bool {
        self.download().is_some_and(Download::is_hungry)
    }

    /// Whether a peer is connected for this content.
    pub fn is_neighbour(&self, peer: &P) -> bool {
        self.neighbours.get(peer).is_some()
    }

    /// Whether a connection to a peer was [sought](MemberOutput::Seek) and is not there yet.
    pub fn has_sought(&self, peer: &P) -> bool {
        self.candidates.is_sought(peer)
    }

    /// Peers to which a connection was [sought](MemberOutput::Seek) and is not there yet.
    pub fn sought(&self) -> impl Iterator<Item = P> {
        self.candidates.sought_peers()
    }

    /// Peers that are connected for this content.
    pub fn neighbours(&self) -> impl Iterator<Item = P> {
        self.neighbours.iter().map(|(peer, _)| peer)
    }

    /// Peers that are connected for this content, and what each says that it has.
    pub fn claims(&self) -> impl Iterator<Item = (P, &ChunkSet)> {
        self.neighbours.iter().map(|(peer, neighbour)| (peer, &neighbour.have))
    }

    /// Whether a peer is a neighbour that has not said that it has a chunk.
    pub fn lacks(&self, peer: &P, chunk: shoal_content::ChunkIndex) -> bool {
        self.neighbours.get(peer).is_some_and(|n| !n.have.contains(chunk as usize))
    }

    /// Whether every tracker failed at the last try, and there is one.
    pub fn all_trackers_fail(&self) -> bool {
        self.announcer.all_failing()
    }

    /// Whether there is neither a tracker nor a peer to begin with.
    pub fn knows_nobody(&self) -> bool {
        self.config.trackers == 0 && self.candidates.is_empty() && self.neighbours.len() == 0
    }

    /// Whether a peer is banned or suspended, and more than its connection is concerned. A chunk that it sent before and
    /// that was verified is here all the same: it is written while others are checked.
    fn is_stranger(&self, now: Duration, peer: &P, input: &MemberInput<P>) -> bool {
        let counts = matches!(
            input,
            MemberInput::Connection { .. } | MemberInput::Stream { event: StreamEvent::Stored { .. }, .. }
        );
        !counts && self.offenders.contains(now, peer)
    }

    /// Whether something is missing.
    fn seeks(&self) -> bool {
        matches!(self.phase, Phase::Manifest(_) | Phase::Opening | Phase::Downloading(..))
    }

    /// Does what has become due, whatever happened.
    fn advance(&mut self, now: Duration) {
        self.drain_fetches(now);
        while let Some(output) = self.announcer.poll(now) {
            self.outputs.push_back(match output {
                AnnouncerOutput::Register(tracker) => MemberOutput::Register { tracker },
                AnnouncerOutput::Discover(tracker) => MemberOutput::Discover { tracker },
            });
        }
        self.join_if_due(now);
        self.exchange_if_due(now);
        self.announce_if_due(now);
        self.seek(now);
        self.lose_patience(now);
    }

    fn on_timeout(&mut self, now: Duration) {
        match &mut self.phase {
            Phase::Manifest(fetch) => fetch.timeout(now),
            Phase::Downloading(download, _) => {
                download.handle(now, crate::download::Input::Timeout);
            }
            Phase::Opening | Phase::Complete | Phase::Ended => {}
        }
    }

    fn on_tracker(&mut self, now: Duration, tracker: usize, event: TrackerEvent) {
        match event {
            TrackerEvent::Registered(granted) => self.announcer.registered(now, tracker, granted),
            TrackerEvent::Discovered(answered) => self.announcer.discovered(now, tracker, answered),
        }
    }

    fn lose_patience(&mut self, now: Duration) {
        if !self.seeks() {
            return;
        }
        match self.patience.look(now, self.outlook()) {
            Some(Verdict::Unavailable(chunks)) => {
                self.outputs.push_back(MemberOutput::Unavailable { chunks })
            }
            Some(Verdict::GiveUp) => self.give_up(GiveUp::NoPeers),
            None => {}
        }
    }

    fn outlook(&self) -> Outlook {
        match &self.phase {
            // Peers that do not have the manifest are as good as none.
            Phase::Manifest(fetch) => {
                let comes = fetch.expects_something();
                Outlook { company: comes, hope: comes, unavailable: 0 }
            }
            Phase::Downloading(download, _) => {
                let company = self.neighbours.len() > 0;
                let unavailable = download.unavailable();
                Outlook {
                    company,
                    hope: unavailable == 0 || unavailable < download.left(),
                    unavailable: if company { unavailable } else { 0 },
                }
            }
            _ => Outlook { company: true, hope: true, unavailable: 0 },
        }
    }

    fn give_up(&mut self, why: GiveUp) {
        self.outputs.push_back(MemberOutput::GiveUp(why));
        self.stop();
    }

    /// Takes leave of everybody.
    fn stop(&mut self) {
        self.phase = Phase::Ended;
        for (peer, neighbour) in self.neighbours.iter() {
            if neighbour.is_joined() {
                self.outputs.push_back(MemberOutput::Leave { peer });
            }
        }
        if self.config.registers {
            self.outputs
                .extend((0..self.config.trackers).map(|tracker| MemberOutput::Unregister { tracker }));
        }
    }

    fn set_have(&mut self, have: ChunkSet) {
        self.have = have;
    }

    fn snapshot(&self) -> Arc<ChunkSet> {
        Arc::new(self.have.clone())
    }
}
