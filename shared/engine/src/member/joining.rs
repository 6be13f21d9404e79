//! Joins, what neighbours are told, and the further peers that they know.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use shoal_content::ChunkSet;
use shoal_wire::query::Load;

use super::neighbours::Link;
use super::{EXCHANGE_EVERY, Member, MemberInput, MemberOutput, NeighbourEvent, Offence, PeerSource, Phase};
use crate::download::{Input, Topology};
use crate::{ChunkNews, PeerName};

/// How long a peer that asks for the manifest is given to join by itself.
const JOINS_ITSELF: Duration = Duration::from_secs(2);
/// Failed joins in a row after which a peer is left alone for some time.
const MAX_FAILURES: u32 = 4;
/// For how long.
const LEFT_ALONE: Duration = Duration::from_secs(60);

impl<P: PeerName> Member<P> {
    pub(super) fn on_neighbour(&mut self, now: Duration, peer: P, event: NeighbourEvent) {
        match event {
            NeighbourEvent::Joined { rtt, have, load } => self.joined(now, peer, rtt, &have, load),
            NeighbourEvent::JoinFailed => self.fails(now, peer),
            NeighbourEvent::JoinedBy { have } => self.joined_by(now, peer, &have),
            NeighbourEvent::Has(chunks) => {
                self.on_news(now, peer, &chunks);
            }
            NeighbourEvent::Told { lost } => self.told(peer, lost.as_deref()),
            NeighbourEvent::Asked => self.asked_by(now, peer),
            NeighbourEvent::Left => self.left(now, peer),
            NeighbourEvent::Invalid => self.ban(now, peer, Offence::Map),
        }
    }

    pub(super) fn join_if_due(&mut self, now: Duration) {
        let candidates = &self.candidates;
        let due = match self.phase {
            Phase::Downloading(..) => self.neighbours.due_joins(now, |_| true),
            // The others join by themselves if they want something.
            Phase::Complete => self.neighbours.due_joins(now, |peer| candidates.is_connected(peer)),
            _ => return,
        };
        for peer in due {
            let have = self.snapshot();
            let Some(neighbour) = self.neighbours.get_mut(&peer) else { continue };
            neighbour.link = Link::Busy;
            // What comes from now on is not in this join.
            self.tells_all_by_join(&peer);
            self.outputs.push_back(MemberOutput::Join { peer, have });
        }
    }

    fn joined(&mut self, now: Duration, peer: P, rtt: Duration, have: &Arc<ChunkSet>, load: Load) {
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return };
        (neighbour.rtt, neighbour.load, neighbour.we_joined) = (rtt, load, true);
        neighbour.link = Link::Joined;
        self.introduce(peer);
        self.on_news(now, peer, &have.clone().into());
        self.open_stream(peer);
        if self.may_exchange() {
            self.outputs.push_back(MemberOutput::AskForPeers { peer });
        }
        self.disconnect_if_useless(now, peer);
    }

    fn joined_by(&mut self, now: Duration, peer: P, have: &Arc<ChunkSet>) {
        self.add_neighbour(now, peer);
        let welcome = self.snapshot();
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return };
        neighbour.it_joined = true;
        self.tells_all_by_join(&peer);
        self.outputs.push_back(MemberOutput::Welcome { peer, have: welcome });
        self.introduce(peer);
        self.on_news(now, peer, &have.clone().into());
        // Chunks can be asked of it at once, without joining it in turn.
        if self.neighbours.get(&peer).is_some_and(|n| matches!(n.link, Link::Connected { .. })) {
            self.open_stream(peer);
        }
    }

    /// Lets the upload queue know a peer that has just joined, whatever it has.
    fn introduce(&mut self, peer: P) {
        self.outputs.push_back(MemberOutput::PeerHas { peer, chunks: ChunkNews::NOTHING });
    }

    /// Takes news of a neighbour's chunks. Returns whether something may follow from it.
    pub(super) fn on_news(&mut self, now: Duration, peer: P, chunks: &ChunkNews) -> bool {
        let length = self.neighbours.chunks();
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return false };
        // Before the manifest is known nobody's map can be read. The join that follows brings it again.
        if length == 0 || !chunks.fits(length) {
            return false;
        }
        let is_first = neighbour.has_nothing();
        let news = neighbour.gains(now, chunks);
        let complete = neighbour.is_complete(length);
        if news.is_empty() {
            return false;
        }
        self.outputs.push_back(MemberOutput::PeerHas { peer, chunks: news.clone() });
        // Most news changes nothing of that, and there is so much of it that a look into the candidates counts.
        if complete || is_first {
            self.candidates.set_complete(&peer, complete);
        }
        if complete {
            self.catch_up(peer);
        }
        match &mut self.phase {
            Phase::Downloading(download, _) => download.handle(now, Input::Have { peer, chunks: news }),
            Phase::Complete if complete => {
                self.fulfilment.found_complete(now);
                true
            }
            _ => complete,
        }
    }

    /// A join or a stream failed.
    pub(super) fn fails(&mut self, now: Duration, peer: P) {
        if self.neighbours.postpone(now, &peer) >= MAX_FAILURES && !self.is_joined_by(&peer) {
            self.disconnect(now, peer, LEFT_ALONE);
        }
    }

    /// A peer that asks for the manifest wants the content, and may soon have some of it. It mostly joins by itself once
    /// it knows what there is; it is sought only if its own places are taken.
    fn asked_by(&mut self, now: Duration, peer: P) {
        if self.neighbours.get(&peer).is_none() {
            self.found(now + JOINS_ITSELF, vec![peer], PeerSource::Peer(peer));
        }
    }

    fn is_joined_by(&self, peer: &P) -> bool {
        self.neighbours.get(peer).is_some_and(|n| n.it_joined)
    }

    fn left(&mut self, now: Duration, peer: P) {
        if self.neighbours.get(&peer).is_some() {
            self.candidates.ended(&peer, now + LEFT_ALONE);
            self.forget(now, &peer);
            self.outputs.push_back(MemberOutput::Release { peer });
        }
    }

    fn open_stream(&mut self, peer: P) {
        if matches!(self.phase, Phase::Downloading(..))
            && let Some(neighbour) = self.neighbours.get_mut(&peer)
        {
            neighbour.link = Link::Busy;
            self.outputs.push_back(MemberOutput::OpenStream { peer });
        }
    }

    pub(super) fn may_exchange(&self) -> bool {
        matches!(self.phase, Phase::Downloading(..)) && self.config.topology == Topology::Mesh
    }

    /// Asks one neighbour after the other for further peers.
    pub(super) fn exchange_if_due(&mut self, now: Duration) {
        if now < self.exchange_at || !self.may_exchange() {
            return;
        }
        self.exchange_at = now + EXCHANGE_EVERY;
        let joined: Vec<P> =
            self.neighbours.iter().filter(|(_, n)| n.is_joined()).map(|(peer, _)| peer).collect();
        let turn = (now.as_secs() / EXCHANGE_EVERY.as_secs()) as usize % joined.len().max(1);
        joined
            .get(turn)
            .into_iter()
            .for_each(|peer| self.outputs.push_back(MemberOutput::AskForPeers { peer: *peer }));
    }

    /// At most so many members that may be told to another one: joined ones, drawn by lot.
    pub fn peers_for(&mut self, asker: &P, most: usize) -> Vec<P> {
        let joined = self.neighbours.iter().filter(|(peer, n)| peer != asker && n.is_joined());
        let mut peers: Vec<P> = joined.map(|(peer, _)| peer).collect();
        let drawn = most.min(peers.len());
        for at in 0..drawn {
            let other = self.rng.random_range(at..peers.len());
            peers.swap(at, other);
        }
        peers.truncate(drawn);
        peers
    }

    /// The input that tells this member of what a peer said it has. For drivers that have the answer at hand.
    pub fn news(peer: P, chunks: impl Into<ChunkNews>) -> MemberInput<P> {
        MemberInput::Neighbour { peer, event: NeighbourEvent::Has(chunks.into()) }
    }
}
