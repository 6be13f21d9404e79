//! Which peer is asked for which chunk, whenever a peer can take another request.

use std::time::Duration;

use rand::RngExt;

use super::peer::Peer;
use super::peers::PeerIndex;
use super::relief::LOOK;
use super::requests::Pending;
use super::{Download, Output, PeerChoice, RequestId};
use crate::PeerName;
use shoal_content::ChunkIndex;
use shoal_wire::chunks::MAX_WAITING;

/// Chunks that are picked at random before rarity counts, so that there is soon something to pass on.
const RANDOM_FIRST: usize = 4;
/// A chunk is asked of another peer if that one is expected to need less than this share of the time.
const TAKEOVER: f64 = 0.3;
/// The same for a chunk that has begun to arrive, and so would come twice.
const TAKEOVER_BEGUN: f64 = 0.15;
/// What is expected sooner than this is not taken over.
const SOON: Duration = Duration::from_millis(500);
/// A peer that sends nothing for this long will not keep to its rate.
const UNKNOWN_GRACE: Duration = Duration::from_secs(2);
/// A peer whose rate is unknown is given this long before its chunks may be taken over. Short, because in a large
/// swarm most peers are asked once.
const UNKNOWN_WAIT: Duration = Duration::from_millis(500);
/// Chunks of slow peers are looked for this often.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// And this often once everything has been asked for. Not with every input: looking costs requests × peers.
const LOOK_AGAIN_IN_ENDGAME: Duration = Duration::from_millis(50);
/// With so many peers, one request at a time each keeps the line full, and all requests together are bounded. With
/// fewer, small chunks and a round trip between two of them would leave gaps.
const MANY: usize = 7;
/// What all of many peers should have to send: enough that the line never waits. Not more, because what is asked
/// for early is bound to a queue, while a shorter one may come up elsewhere.
const TOTAL_PIPELINE: Duration = Duration::from_millis(1000);
/// Chunks asked of many peers in any case.
const LEAST_IN_ALL: usize = 6;
/// Peers of which the best is asked. More than the classic two: their load is known cheaply, if late.
const DRAWS: usize = 8;
/// Requests that are moved away from a peer that sends nothing; then they stay, so that its silence shows.
const MAX_MOVED: u32 = 3;
/// What a chunk under way adds to a peer's [`PeerChoice::Score`], in milliseconds.
const SCORE_PER_LOAD: f64 = 10.0;

/// What to ask for.
enum Wish {
    Chunk(ChunkIndex),
    Any,
}

impl<P: PeerName> Download<P> {
    /// Asks for chunks until no peer that something happened to can take another request. One each in
    /// turn, so that a peer that comes first does not get all the rare ones.
    pub(super) fn fill(&mut self, now: Duration) {
        self.wake(now);
        if self.paused || self.left == 0 {
            return;
        }
        let changed = std::mem::take(&mut self.changed);
        let mut ready: Vec<PeerIndex> =
            changed.into_iter().filter(|index| self.peers.get(*index).is_some()).collect();
        if ready.len() > 1 {
            ready.sort_by(|a, b| self.cost(*a).total_cmp(&self.cost(*b)));
        }
        if self.has_many() {
            let choose = |index: &PeerIndex| self.leaves_choice(&self.peers[*index]);
            let seeds: Vec<PeerIndex> = ready.iter().filter(|index| choose(index)).copied().collect();
            let others = seeds.len() < ready.len();
            ready = seeds;
            if others {
                self.spread(now);
            }
        }
        while !ready.is_empty() {
            ready.retain(|index| self.ask_one(now, *index));
        }
        self.cancel_choices();
        self.rebalance(now);
    }

    /// Once every chunk is here or asked for, nobody need choose one any more.
    fn cancel_choices(&mut self) {
        if self.unchosen == 0 || self.rarity.open_count() > 0 {
            return;
        }
        let open = self.peers.iter().flat_map(|(index, p)| p.pending.unchosen().map(move |id| (index, id)));
        for (index, id) in open.collect::<Vec<_>>() {
            self.cancel(index, id);
        }
    }

    /// Whether what is asked is bounded by all peers together.
    pub(super) fn has_many(&self) -> bool {
        self.peers.len() >= MANY && !self.config.fixed_in_flight
    }

    /// Whether a peer is left the choice of what it sends.
    fn leaves_choice(&self, peer: &Peer<P>) -> bool {
        peer.complete && peer.may_choose && self.config.ask_any
    }

    /// Asks among many peers for as much as the line takes, of the best of a few at random each time.
    fn spread(&mut self, now: Duration) {
        // Not the rate of this moment: a download that gets little would ask for little, and so get no more.
        let fits = self.throughput.best() * TOTAL_PIPELINE.as_secs_f64() / f64::from(self.usual_len.max(1));
        self.request_target = (fits as usize).max(LEAST_IN_ALL);
        while self.asked.len() < self.request_target {
            let Some(index) = self.draw_peer(now) else { return };
            self.ask_one(now, index);
        }
    }

    /// The best of some random peers that may have something to ask for; any such peer if those have not.
    fn draw_peer(&mut self, now: Duration) -> Option<PeerIndex> {
        let from = self.rng.random_range(0..self.peers.len().max(1));
        let willing = self.peers.from(from).filter(|(_, peer)| self.is_willing(now, peer));
        let found = willing.take(DRAWS).map(|(index, _)| (self.cost(index), index));
        found.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, index)| index)
    }

    /// Whether the topology lets us ask it.
    fn may_be_asked(&self, peer: &Peer<P>) -> bool {
        peer.complete || !self.config.only_seeds
    }

    fn is_willing(&self, now: Duration, peer: &Peer<P>) -> bool {
        !peer.uninteresting
            && peer.rest_until <= now
            && !self.leaves_choice(peer)
            && self.may_be_asked(peer)
            && self.has_room(peer)
    }

    /// Peers whose rest is over can be asked again, but for seeds that the others do without.
    fn wake(&mut self, now: Duration) {
        if self.wake_at.is_none_or(|at| now < at) {
            return;
        }
        let all_held = self.rarity.open_count() > 0 && self.rarity.unheld_count() == 0;
        for (index, peer) in self.peers.iter_mut() {
            if peer.rest_until == Duration::ZERO || peer.rest_until > now {
                continue;
            }
            let enough = peer.relief.as_mut().is_some_and(|relief| relief.look(now, self.arrived));
            if enough && all_held {
                peer.rest_until = now + LOOK;
            } else {
                peer.rest_until = Duration::ZERO;
                self.changed.insert(index);
            }
        }
        let rests = self.peers.values().map(|p| p.rest_until).filter(|at| *at > Duration::ZERO);
        self.wake_at = rests.min();
    }

    pub(super) fn rest(&mut self, index: PeerIndex, until: Duration) {
        self.peers[index].rest_until = until;
        self.wake_at = Some(self.wake_at.map_or(until, |at| at.min(until)));
    }

    /// The lower, the sooner to be asked; in seconds, or by the classic score.
    fn cost(&self, index: PeerIndex) -> f64 {
        let peer = &self.peers[index];
        match self.config.peer_choice {
            PeerChoice::EstimatedFinish => {
                let mine = peer.estimate(self.usual_len).unwrap_or(peer.rtt).as_secs_f64();
                let line = peer.told.rate.max(self.throughput.rate().unwrap_or(0.0) as u64).max(1);
                mine.max(peer.told.queued as f64 / line as f64)
            }
            PeerChoice::Score => {
                let load = f64::from(peer.told.active) + peer.pending.len() as f64;
                peer.rtt.as_secs_f64() * 1000.0 + SCORE_PER_LOAD * load
            }
        }
    }

    /// Asks one peer for one chunk, if it has room and something to give.
    fn ask_one(&mut self, now: Duration, index: PeerIndex) -> bool {
        let state = &self.peers[index];
        if state.rest_until > now || !self.has_room(state) || !self.may_be_asked(state) {
            return false;
        }
        match self.wish(index) {
            // Others have it, and they are quick enough.
            Some(Wish::Chunk(chunk)) if self.peers[index].is_spared() && self.rarity.is_held(chunk) => {
                self.rest(index, now + LOOK);
                return false;
            }
            Some(Wish::Chunk(chunk)) => self.request(now, index, chunk),
            Some(Wish::Any) => self.request_any(now, index),
            None => return false,
        }
        true
    }

    fn wish(&mut self, index: PeerIndex) -> Option<Wish> {
        let state = &self.peers[index];
        if self.leaves_choice(state) {
            let left_to_it = state.pending.unchosen().count();
            return (left_to_it < self.rarity.open_count()).then_some(Wish::Any);
        }
        if state.uninteresting {
            return None;
        }
        let chunk = if self.total - self.left < RANDOM_FIRST {
            self.rarity.any(&state.have, &mut self.rng)
        } else {
            self.rarity.rarest(&state.have, &mut self.rng)
        };
        if chunk.is_none() {
            self.peers[index].uninteresting = true;
        }
        chunk.map(Wish::Chunk)
    }

    fn has_room(&self, peer: &Peer<P>) -> bool {
        let count = peer.pending.len();
        // A peer that stalled gets one request to show that it is back.
        let most = if peer.stalls > 0 { 1 } else { self.config.max_in_flight };
        if self.config.fixed_in_flight || peer.stalls > 0 {
            return count < most;
        }
        let line = peer.line();
        let most = most.max(((line / u64::from(self.usual_len.max(1))) as usize).min(MAX_WAITING));
        let few = match peer.window() {
            None if self.peers.len() < MANY => 4,
            Some(_) if self.peers.len() < MANY => 2,
            _ => 1,
        };
        count < most && (count < few || peer.window().is_some_and(|window| peer.queued() < window.max(line)))
    }

    /// Asks idle peers for chunks that others were asked for, where they are expected to deliver them
    /// well before those.
    fn rebalance(&mut self, now: Duration) {
        let pause = if self.endgame() { LOOK_AGAIN_IN_ENDGAME } else { LOOK_AGAIN };
        // Also after a look that came too early: the endgame may have ended, or something been asked, since.
        let look = self.looked.map_or(now, |at| now.max(at + pause));
        let may_find = !self.asked.is_empty() && self.peers.len() > 1;
        if now < look {
            self.look_again = may_find.then_some(look);
            return;
        }
        self.looked = Some(now);
        self.look_again = may_find.then_some(now + pause);
        let late = |(chunk, asked): (&ChunkIndex, &Vec<(PeerIndex, RequestId)>)| {
            let [(other, id)] = asked.as_slice() else { return None };
            Some((self.left_time(now, *other, *id)?, *chunk, *other)).filter(|(left, ..)| *left > SOON)
        };
        let mut late: Vec<_> = self.asked.iter().filter_map(late).collect();
        late.sort_unstable_by(|a, b| b.cmp(a));
        for (left, chunk, other) in late {
            if let Some(peer) = self.better(now, chunk, other, left) {
                self.move_request(now, chunk, peer);
            }
        }
    }

    /// How long until a request's answer is here.
    fn left_time(&self, now: Duration, index: PeerIndex, id: RequestId) -> Option<Duration> {
        let peer = self.peers.get(index)?;
        let waited = now.saturating_sub(peer.last_progress.max(peer.pending.get(id)?.asked));
        match peer.remaining(id) {
            // A peer that sends nothing will not keep to its rate.
            Some(left) if waited < UNKNOWN_GRACE => Some(left),
            Some(left) => Some(left + waited),
            None => (waited >= UNKNOWN_WAIT).then(|| waited.saturating_mul(2)),
        }
    }

    /// The idle peer that is expected to deliver a chunk first, if that is well before `left`.
    fn better(
        &self,
        now: Duration,
        chunk: ChunkIndex,
        other: PeerIndex,
        left: Duration,
    ) -> Option<PeerIndex> {
        let need = |peer: &Peer<P>| peer.estimate(self.lengths[chunk as usize]).unwrap_or(UNKNOWN_GRACE / 2);
        let idle = self.peers.iter().filter(|(index, p)| {
            *index != other
                && p.have.contains(chunk as usize)
                && p.rest_until <= now
                && self.may_be_asked(p)
                && self.has_room(p)
        });
        let (need, peer) = idle.map(|(index, p)| (need(p), index)).min()?;
        let begun = self.asked.get(&chunk).into_iter().flatten().any(|(p, id)| self.peers[*p].has_begun(*id));
        let share = if begun { TAKEOVER_BEGUN } else { TAKEOVER };
        (need.as_secs_f64() < left.as_secs_f64() * share).then_some(peer)
    }

    /// Asks another peer. A peer that is busy with another chunk has this request taken back. A peer that sends
    /// nothing keeps it, so that the stall is noticed.
    fn move_request(&mut self, now: Duration, chunk: ChunkIndex, index: PeerIndex) {
        let busy = |(index, id): &(PeerIndex, RequestId)| {
            let peer = &self.peers[*index];
            !peer.has_begun(*id) && peer.moved < MAX_MOVED && now < peer.last_progress + UNKNOWN_GRACE
        };
        let asked = self.asked.get(&chunk).into_iter().flatten();
        let busy: Vec<_> = asked.filter(|asked| busy(asked)).copied().collect();
        for (other, id) in busy {
            self.cancel(other, id);
            self.peers[other].moved += 1;
        }
        self.request(now, index, chunk);
    }

    fn request(&mut self, now: Duration, index: PeerIndex, chunk: ChunkIndex) {
        let id = self.send(now, index, Some(chunk), self.lengths[chunk as usize]);
        self.rarity.close(chunk);
        self.asked.entry(chunk).or_default().push((index, id));
        self.outputs.push_back(Output::Request { peer: self.peers[index].id, id, chunk });
    }

    fn request_any(&mut self, now: Duration, index: PeerIndex) {
        let id = self.send(now, index, None, self.usual_len);
        self.unchosen += 1;
        self.outputs.push_back(Output::RequestAny { peer: self.peers[index].id, id });
    }

    fn send(&mut self, now: Duration, index: PeerIndex, chunk: Option<ChunkIndex>, len: u32) -> RequestId {
        let id = self.next_id;
        self.next_id += 1;
        self.peers[index].sent(now, id, Pending { chunk, len, asked: now, begun: false });
        self.check_at =
            Some(self.check_at.map_or(now + self.config.stall, |at| at.min(now + self.config.stall)));
        id
    }

    /// Whether everything left has been asked for.
    fn endgame(&self) -> bool {
        self.rarity.open_count() == 0 && !self.asked.is_empty() && self.peers.len() > 1
    }
}
