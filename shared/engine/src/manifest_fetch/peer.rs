//! What a fetch of a manifest knows of one peer.

use std::collections::BTreeMap;
use std::time::Duration;

use shoal_content::Hash;

/// The most blocks under way of one peer.
const MOST_PENDING: usize = 8;
/// The longest that a peer may be silent.
const MOST_PATIENCE: Duration = Duration::from_secs(120);
/// A peer may be silent for so many times what its last block took.
const TIMES: u32 = 4;

#[derive(Debug)]
pub(super) struct Peer {
    /// What it was asked for and has not answered, and when it was asked.
    pending: BTreeMap<Hash, Duration>,
    /// How many blocks may be under way.
    window: usize,
    /// When it answered last, or was asked while it had nothing to answer.
    heard: Duration,
    /// For how long it may be silent; doubles each time that it was silent for longer.
    patience: Duration,
    /// Whether it has been silent for longer: it is asked nothing until it answers.
    pub(super) silent: bool,
    /// Not asked before this time.
    pub(super) rest_until: Duration,
    /// Whether it gave a block.
    gave: bool,
    /// Blocks in a row that did not come, and silences.
    pub(super) failures: u32,
}

impl Peer {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            pending: BTreeMap::new(),
            window: 1,
            heard: Duration::ZERO,
            patience,
            silent: false,
            rest_until: Duration::ZERO,
            gave: false,
            failures: 0,
        }
    }

    pub(super) fn has_pending(&self, hash: &Hash) -> bool {
        self.pending.contains_key(hash)
    }

    /// The blocks that it was asked for.
    pub(super) fn asked_for(&self) -> impl Iterator<Item = &Hash> {
        self.pending.keys()
    }

    pub(super) fn hashes(self) -> impl Iterator<Item = Hash> {
        self.pending.into_keys()
    }

    /// It may be silent for at least so long.
    pub(super) fn grant(&mut self, patience: Duration) {
        self.patience = self.patience.max(patience);
    }

    /// Ends a rest that is over.
    pub(super) fn wake(&mut self, now: Duration) {
        if self.rest_until <= now {
            self.rest_until = Duration::ZERO;
        }
    }

    /// Whether it may be asked for another block, once its rest is over.
    pub(super) fn may_be_asked(&self) -> bool {
        self.rest_until.is_zero() && !self.silent && self.pending.len() < self.window
    }

    pub(super) fn is_expected_to_answer(&self) -> bool {
        self.gave && self.failures <= 1 && !self.pending.is_empty()
    }

    /// The least burdened is asked first.
    pub(super) fn burden(&self) -> (u32, usize) {
        (self.failures, self.pending.len())
    }

    pub(super) fn ask(&mut self, now: Duration, hash: Hash) {
        if self.pending.is_empty() {
            self.heard = now;
        }
        self.pending.insert(hash, now);
    }

    /// A block came. Returns how long that took since it was asked for; `None` if it was not.
    pub(super) fn answered(&mut self, now: Duration, hash: &Hash, least: Duration) -> Option<Duration> {
        let asked = self.pending.remove(hash)?;
        let alone = now.saturating_sub(self.heard.max(asked));
        self.patience = (alone * TIMES).clamp(least, MOST_PATIENCE);
        (self.heard, self.silent, self.gave, self.failures) = (now, false, true, 0);
        Some(now.saturating_sub(asked))
    }

    /// A block did not come.
    pub(super) fn failed(&mut self, now: Duration, hash: &Hash, rest_until: Duration) {
        self.pending.remove(hash);
        self.failures = self.failures.saturating_add(1);
        (self.heard, self.silent, self.window, self.rest_until) = (now, false, 1, rest_until);
    }

    /// How much it may be asked for follows how its blocks come.
    pub(super) fn widen(&mut self, quick: bool, slow: bool) {
        if slow {
            self.window = 1;
        } else if quick {
            self.window = (self.window + 1).min(MOST_PENDING);
        }
    }

    /// Notices that it has been silent for too long; returns what it was asked for.
    pub(super) fn falls_silent(&mut self, now: Duration) -> Option<Vec<Hash>> {
        if self.silent || self.pending.is_empty() || now < self.heard + self.patience {
            return None;
        }
        self.silent = true;
        self.window = 1;
        self.failures = self.failures.saturating_add(1);
        self.patience = (self.patience * 2).min(MOST_PATIENCE);
        Some(self.pending.keys().copied().collect())
    }

    /// When its rest ends, or its silence is too long.
    pub(super) fn due(&self) -> Option<Duration> {
        let silence = (!self.silent && !self.pending.is_empty()).then(|| self.heard + self.patience);
        let rest = Some(self.rest_until).filter(|at| !at.is_zero());
        silence.into_iter().chain(rest).min()
    }
}
