//! When neighbours are told of new chunks.
//!
//! At once, as long as all that is told costs less than a hundredth of the chunks; a quarter of that may be spent in
//! advance, because lines wait for news while few chunks are about. Beyond that, at the latest some time after the
//! first of them. On fast lines, where chunks come in quick succession, those of [`PAUSE`] go together: each message
//! costs processor time on both sides, and nobody runs out of chunks to ask for within so short a time.

use std::time::Duration;

use shoal_content::ChunkSet;

/// What telling one neighbour of new chunks costs, in bytes: a frame with its share of TLS, TCP and IP.
const COST: u64 = 150;
/// Telling may cost one byte for this many bytes of chunks, and in advance for [`IN_ADVANCE`] of all. Together that
/// is a hundredth.
const SHARE: u64 = 125;
const IN_ADVANCE: u64 = 4;
/// From one telling to the next, unless nothing more will come.
pub(super) const PAUSE: Duration = Duration::from_millis(30);

/// What is to be told, and when.
#[derive(Debug)]
pub(super) struct Announcing {
    untold: ChunkSet,
    /// Chunks are told of at the latest this long after the first of them.
    patience: Duration,
    due: Option<Duration>,
    /// No telling before this.
    paused_until: Duration,
    /// Whether only the pause holds back what is untold.
    pausing: bool,
    /// Bytes of chunks that have been stored.
    arrived: u64,
    /// Bytes of wanted chunks that were not stored at the start.
    wanted: u64,
    /// What telling has cost, in bytes of chunks.
    spent: u64,
}

impl Announcing {
    /// `wanted`: bytes that are to come.
    pub(super) fn new(chunks: usize, wanted: u64, patience: Duration) -> Self {
        Self {
            untold: ChunkSet::with_capacity(chunks),
            patience,
            due: None,
            paused_until: Duration::ZERO,
            pausing: false,
            arrived: 0,
            wanted,
            spent: 0,
        }
    }

    /// A chunk of so many bytes has been stored, and these can be served now.
    pub(super) fn stored(&mut self, now: Duration, len: u32, servable: impl Iterator<Item = usize>) {
        self.arrived += u64::from(len);
        servable.for_each(|chunk| self.untold.insert(chunk));
        self.due.get_or_insert(now + self.patience);
    }

    /// What to tell now, if it is time and somebody listens. `last`: nothing more will come.
    pub(super) fn take(&mut self, now: Duration, listeners: usize, last: bool) -> Option<ChunkSet> {
        let due = self.due?;
        let cost = COST * SHARE * listeners as u64;
        let affordable = self.spent + cost <= self.arrived + self.wanted / IN_ADVANCE;
        self.pausing = affordable && now < self.paused_until;
        if !(last || now >= due || affordable && !self.pausing) {
            return None;
        }
        (self.due, self.pausing) = (None, false);
        if self.untold.is_clear() {
            return None;
        }
        self.spent += cost;
        self.paused_until = now + PAUSE;
        let empty = ChunkSet::with_capacity(self.untold.len());
        Some(std::mem::replace(&mut self.untold, empty))
    }

    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.due.map(|due| if self.pausing { due.min(self.paused_until) } else { due })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(500);
    const CHUNK: u32 = 1 << 20;

    fn stored(announcing: &mut Announcing, now: Duration, chunk: usize) {
        announcing.stored(now, CHUNK, std::iter::once(chunk));
    }

    #[test]
    fn chunks_that_pay_for_it_are_told_at_once() {
        let mut announcing = Announcing::new(100, 100 * u64::from(CHUNK), PATIENCE);
        stored(&mut announcing, PATIENCE, 3);
        let told = announcing.take(PATIENCE, 10, false).unwrap();
        assert_eq!(told.ones().collect::<Vec<_>>(), [3]);
        assert_eq!(announcing.take(PATIENCE, 10, false), None);
        assert_eq!(announcing.next_timeout(), None);
    }

    #[test]
    fn chunks_that_come_in_quick_succession_go_together() {
        let mut announcing = Announcing::new(100, 100 * u64::from(CHUNK), PATIENCE);
        stored(&mut announcing, PATIENCE, 1);
        assert!(announcing.take(PATIENCE, 10, false).is_some());
        let soon = PATIENCE + Duration::from_millis(1);
        stored(&mut announcing, soon, 2);
        assert_eq!(announcing.take(soon, 10, false), None);
        stored(&mut announcing, soon, 3);
        assert_eq!(announcing.take(soon, 10, false), None);
        let after = announcing.next_timeout().unwrap();
        assert_eq!(after, PATIENCE + PAUSE);
        let told = announcing.take(after, 10, false).unwrap();
        assert_eq!(told.ones().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(announcing.next_timeout(), None);
    }

    #[test]
    fn news_that_costs_too_much_waits_and_goes_together() {
        let mut announcing = Announcing::new(100, 100, PATIENCE);
        announcing.stored(PATIENCE, 1, std::iter::once(1));
        announcing.stored(PATIENCE * 2, 1, std::iter::once(2));
        assert_eq!(announcing.take(PATIENCE * 2 - Duration::from_millis(1), 10, false), None);
        let told = announcing.take(PATIENCE * 2, 10, false).unwrap();
        assert_eq!(told.ones().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn all_together_costs_a_hundredth() {
        let (chunks, listeners) = (1000, 16);
        let mut announcing = Announcing::new(chunks, chunks as u64 * 20_000, PATIENCE);
        let mut told = 0;
        for chunk in 0..chunks {
            announcing.stored(PAUSE * chunk as u32, 20_000, std::iter::once(chunk));
            told += usize::from(announcing.take(PAUSE * chunk as u32, listeners, false).is_some());
        }
        let cost = (told * listeners) as u64 * COST;
        let hundredth = chunks as u64 * 20_000 / 100;
        assert!(cost <= hundredth && cost > hundredth / 2, "{cost} of {hundredth}");
    }

    #[test]
    fn what_is_left_goes_out_at_the_end() {
        let mut announcing = Announcing::new(100, 100, PATIENCE);
        announcing.stored(Duration::ZERO, 1, std::iter::once(1));
        assert!(announcing.take(Duration::ZERO, 10, true).is_some());
    }
}
