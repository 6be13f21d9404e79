//! Plays many seeds of a fault, and counts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{Fault, Strike};

/// No more failures than these are kept in words.
const MOST_KEPT: usize = 5;

/// What came of the runs of one fault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Seeds that were played.
    pub runs: u64,
    /// Those of them in which the fault struck.
    pub struck: u64,
    /// Those of them in which something did not hold.
    pub failed: u64,
    /// The first of those, with what did not hold.
    pub failures: Vec<(u64, String)>,
    /// Why there were no runs, if there were none.
    pub skipped: Option<String>,
}

impl Tally {
    /// Takes in what came of other seeds. What could be played once is not skipped.
    pub fn merge(&mut self, other: Self) {
        self.runs += other.runs;
        self.struck += other.struck;
        self.failed += other.failed;
        self.failures.extend(other.failures);
        self.failures.truncate(MOST_KEPT);
        self.skipped = other.skipped.filter(|_| self.runs == 0);
    }

    fn add(&mut self, seed: u64, result: Result<Strike, String>) {
        self.runs += 1;
        match result {
            Ok(effect) => self.struck += u64::from(effect == Strike::Struck),
            Err(why) => {
                self.failed += 1;
                self.struck += 1;
                if self.failures.len() < MOST_KEPT {
                    self.failures.push((seed, why));
                }
            }
        }
    }
}

/// Plays `count` seeds from the first on, or as many as fit into a time; at least one. `told` hears of each.
pub fn play(
    fault: &dyn Fault,
    first: u64,
    count: u64,
    time: Option<Duration>,
    mut told: impl FnMut(&Tally),
) -> Tally {
    let mut tally = Tally { skipped: fault.missing(), ..Tally::default() };
    if tally.skipped.is_some() {
        return tally;
    }
    let start = Instant::now();
    for seed in first..first.saturating_add(count) {
        tally.add(seed, play_one(fault, seed));
        told(&tally);
        if time.is_some_and(|time| start.elapsed() >= time) {
            break;
        }
    }
    tally
}

fn play_one(fault: &dyn Fault, seed: u64) -> Result<Strike, String> {
    catch_unwind(AssertUnwindSafe(|| fault.run(seed))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        Err(words.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Card, Runs};

    /// Fails for every third seed, by words or by a panic, and misses every second one.
    struct Third;

    impl Fault for Third {
        fn name(&self) -> &'static str {
            "third"
        }

        fn card(&self) -> Card {
            Card { promises: "", fault: "", injected: "", expected: "" }
        }

        fn runs(&self) -> Runs {
            Runs { few: 1, many: 1 }
        }

        fn run(&self, seed: u64) -> Result<Strike, String> {
            match seed % 6 {
                0 => Err("words".into()),
                3 => panic!("a panic"),
                n => Ok(Strike::of(n % 2 == 0)),
            }
        }
    }

    #[test]
    fn failures_are_counted_whether_told_or_panicked() {
        let tally = play(&Third, 0, 6, None, |_| {});
        assert_eq!((tally.runs, tally.failed, tally.struck), (6, 2, 4));
        assert_eq!(tally.failures, [(0, "words".to_owned()), (3, "a panic".to_owned())]);
    }

    #[test]
    fn what_is_played_in_pieces_adds_up() {
        let mut all = play(&Third, 0, 3, None, |_| {});
        all.merge(play(&Third, 3, 3, None, |_| {}));
        assert_eq!(all, play(&Third, 0, 6, None, |_| {}));
        all.merge(Tally { skipped: Some("no root".into()), ..Tally::default() });
        assert_eq!((all.runs, all.skipped), (6, None));
    }

    #[test]
    fn one_seed_is_played_however_little_time_there_is() {
        assert_eq!(play(&Third, 1, 100, Some(Duration::ZERO), |_| {}).runs, 1);
    }
}
