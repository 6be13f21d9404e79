//! Whether a question is answered, and to whom it is passed on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use libp2p_identity::PeerId;
use rand::seq::SliceRandom;
use shoal_wire::query::{FindId, MAX_FIND_PASSES};

use crate::SeededRng;

/// The bounds of a [`FindRelay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindConfig {
    /// Neighbours that one question is passed to.
    pub fan_out: usize,
    /// How long a node waits for each further time that a question may be passed on.
    pub wait_per_pass: Duration,
    /// Ids of questions that are remembered.
    pub most_ids: usize,
    /// For how long; longer than a question can be under way.
    pub remember: Duration,
    /// Questions of one peer at once, and one more after each `interval`.
    pub burst: u32,
    /// See `burst`.
    pub interval: Duration,
    /// Peers whose questions are counted.
    pub most_peers: usize,
    /// Questions that are passed on and not answered yet.
    pub most_under_way: usize,
    /// Times that a question of others is passed to a neighbour at once, all together.
    pub passes: u32,
    /// And one more after each of these.
    pub pass_interval: Duration,
}

impl Default for FindConfig {
    fn default() -> Self {
        Self {
            fan_out: 8,
            wait_per_pass: Duration::from_secs(1),
            most_ids: 4096,
            remember: Duration::from_secs(60),
            burst: 10,
            interval: Duration::from_secs(1),
            most_peers: 1024,
            most_under_way: 32,
            passes: 256,
            pass_interval: Duration::from_millis(50),
        }
    }
}

/// What becomes of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindDecision {
    /// It was here before: nothing was found, since what there is was told then.
    Known,
    /// Whoever asks, asks too often, or too many questions are under way here.
    Refuse,
    /// Look at home and answer with that.
    Answer,
    /// Look at home, pass it on, and answer with all that was found. Report the end of it by [`FindRelay::finished`].
    Pass {
        /// Whom to ask; at least one.
        to: Vec<PeerId>,
        /// How many times they may pass it on.
        hops: u8,
        /// How long to wait for their answers.
        wait: Duration,
    },
}

/// An allowance that fills up with time: so many at once, and one more after each interval (a token bucket).
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// When it would be full again.
    full_at: Duration,
}

impl Bucket {
    fn left(self, now: Duration, burst: u32, interval: Duration) -> u32 {
        let missing = self.full_at.saturating_sub(now);
        let missing = missing.as_nanos().div_ceil(interval.as_nanos().max(1));
        burst.saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    fn take(&mut self, now: Duration, interval: Duration, count: u32) {
        self.full_at = self.full_at.max(now).saturating_add(interval.saturating_mul(count));
    }
}

/// Decides what becomes of questions for a name that come from neighbours.
#[derive(Debug)]
pub struct FindRelay {
    config: FindConfig,
    rng: SeededRng,
    ids: BTreeSet<FindId>,
    /// The same, the oldest first, with the time until which they are remembered.
    ages: VecDeque<(Duration, FindId)>,
    askers: BTreeMap<PeerId, Bucket>,
    passes: Bucket,
    under_way: usize,
}

impl FindRelay {
    /// Starts with nothing asked.
    pub fn new(config: FindConfig, rng: SeededRng) -> Self {
        let passes = Bucket { full_at: Duration::ZERO };
        Self {
            config,
            rng,
            ids: BTreeSet::new(),
            ages: VecDeque::new(),
            askers: BTreeMap::new(),
            passes,
            under_way: 0,
        }
    }

    /// This node itself asks: the question is known from now on, should it come back. Returns how long to wait for the
    /// answers of those that are asked, who may pass it on `hops` times.
    pub fn begin(&mut self, now: Duration, id: FindId, hops: u8) -> Duration {
        self.remember(now, id);
        // One more, for the way to who is asked.
        self.wait(hops.min(MAX_FIND_PASSES) + 1)
    }

    /// A neighbour asks. `neighbours`: to whom it may be passed on, in any order.
    pub fn asked(
        &mut self,
        now: Duration,
        from: PeerId,
        id: FindId,
        hops: u8,
        neighbours: impl IntoIterator<Item = PeerId>,
    ) -> FindDecision {
        // Repeating it is counted too.
        if !self.allows(now, from) {
            return FindDecision::Refuse;
        }
        if !self.remember(now, id) {
            return FindDecision::Known;
        }
        let hops = hops.min(MAX_FIND_PASSES);
        if hops == 0 {
            return FindDecision::Answer;
        }
        if self.under_way >= self.config.most_under_way {
            return FindDecision::Refuse;
        }
        let mut to: Vec<PeerId> = neighbours.into_iter().filter(|peer| *peer != from).collect();
        to.sort_unstable();
        to.dedup();
        to.shuffle(&mut self.rng);
        let left = self.passes.left(now, self.config.passes, self.config.pass_interval);
        to.truncate(self.config.fan_out.min(left as usize));
        if to.is_empty() {
            return FindDecision::Answer;
        }
        self.passes.take(now, self.config.pass_interval, to.len() as u32);
        self.under_way += 1;
        FindDecision::Pass { to, hops: hops - 1, wait: self.wait(hops) }
    }

    /// A question that was passed on has its answer, or waited for long enough.
    pub fn finished(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Who is asked first waits longest, so that what others are still waited for is not lost on its way back.
    fn wait(&self, hops: u8) -> Duration {
        self.config.wait_per_pass * u32::from(hops)
    }

    fn allows(&mut self, now: Duration, asker: PeerId) -> bool {
        let FindConfig { burst, interval, most_peers, .. } = self.config;
        if self.askers.len() >= most_peers && !self.askers.contains_key(&asker) {
            self.askers.retain(|_, bucket| bucket.full_at > now);
            if self.askers.len() >= most_peers {
                return false;
            }
        }
        let bucket = self.askers.entry(asker).or_insert(Bucket { full_at: now });
        if bucket.left(now, burst, interval) == 0 {
            return false;
        }
        bucket.take(now, interval, 1);
        true
    }

    /// `false`: it was known.
    fn remember(&mut self, now: Duration, id: FindId) -> bool {
        while let Some((until, oldest)) = self.ages.front().copied() {
            if until > now && self.ages.len() < self.config.most_ids {
                break;
            }
            self.ages.pop_front();
            self.ids.remove(&oldest);
        }
        if !self.ids.insert(id) {
            return false;
        }
        self.ages.push_back((now + self.config.remember, id));
        true
    }

    /// Ids and peers that are remembered.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        assert_eq!(self.ids.len(), self.ages.len());
        (self.ids.len(), self.askers.len())
    }
}
