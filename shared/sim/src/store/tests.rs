//! Small stores, and what must become of them.

use std::time::Duration;

use shoal_engine::StorePlannerConfig;

use super::{StoreNetwork, StoreOutcome, StoreScenario};

const HOUR: Duration = Duration::from_secs(3600);

fn small(seed: u64) -> StoreScenario {
    StoreScenario { seed, nodes: 30, contents: 20, lasts: HOUR * 5, ..StoreScenario::default() }
}

fn run(scenario: StoreScenario) -> StoreOutcome {
    StoreNetwork::new(scenario).run()
}

#[test]
fn what_is_placed_outlives_its_owners_and_its_first_holders() {
    for seed in 0..2 {
        let outcome = run(StoreScenario { vanish_per_hour: 0.5, ..small(seed) });
        assert_eq!((outcome.contents, outcome.lost), (20, 0), "seed {seed}: {outcome:?}");
        assert!(outcome.copies_vanished > 60 && outcome.repaired > 0, "seed {seed}: {outcome:?}");
        // Two pings, a grace, and what a copy takes; none waits for anything else.
        assert!(outcome.longest_short < HOUR / 20, "seed {seed}: {outcome:?}");
    }
}

#[test]
fn where_nobody_goes_nothing_moves_once_it_is_placed() {
    let outcome = run(StoreScenario { vanish_per_hour: 0.0, ..small(7) });
    assert_eq!((outcome.lost, outcome.whole), (0, 20), "{outcome:?}");
    assert!(outcome.copies_made <= 30, "{outcome:?}");
}

#[test]
fn contents_are_lost_where_nobody_restores_them() {
    // A grace that never ends: the test above can fail.
    let config = StorePlannerConfig { grace: HOUR * 1000, ..StoreScenario::default().config };
    let outcome = run(StoreScenario { vanish_per_hour: 0.5, config, ..small(0) });
    assert!(outcome.lost > 0, "{outcome:?}");
}

#[test]
fn the_same_scenario_has_the_same_outcome() {
    let scenario = || StoreScenario { lasts: HOUR * 2, ..small(3) };
    assert_eq!(run(scenario()), run(scenario()));
}
