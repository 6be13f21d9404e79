//! A network that falls into two parts and heals.

use std::time::Duration;

use super::tests::{MIB, all_complete, play, swarm};
use super::{Invariants, Partition, Scenario, Simulation};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A swarm whose seed needs half a minute to send everything once.
fn slow(seed: u64, partition: Partition) -> Scenario {
    Scenario { seed_up: MIB / 2, partition: Some(partition), ..swarm(12, seed) }
}

#[test]
fn both_parts_complete_once_the_network_is_whole_again() {
    for seed in 0..6 {
        let partition = Partition { at: secs(5), lasts: secs(40), share: 0.5 };
        let scenario = slow(seed, partition);
        let outcome = all_complete(&scenario);
        let last = outcome.completions.iter().map(|c| c.at).max().unwrap();
        assert!(last > partition.heals(), "seed {seed}: one part had all: {last:?}");
        assert!(last < partition.heals() + secs(60), "seed {seed}: {last:?}");
    }
}

/// A cut is one: nothing comes across.
#[test]
fn without_the_seed_a_part_gets_no_further() {
    let partition = Partition { at: secs(5), lasts: secs(1000), share: 0.5 };
    let deadline = Some(secs(120));
    let outcome = play(&Scenario { deadline, ..slow(1, partition) });
    assert!(outcome.incomplete > 0 && !outcome.completions.is_empty(), "{outcome:?}");
}

#[test]
fn the_invariants_hold_at_every_step_and_can_be_seen_to_fail() {
    let partition = Partition { at: secs(3), lasts: secs(20), share: 0.4 };
    let mut simulation =
        Simulation::new(Scenario { churn: 0.3, corrupt: 0.1, loss: 0.05, ..slow(2, partition) });
    let mut invariants = Invariants::default();
    while simulation.step() {
        invariants.check(&simulation).unwrap();
    }
    simulation.missing += 1;
    assert!(invariants.check(&simulation).is_err());
    simulation.missing -= 1;
    simulation.asked_twice = 1;
    assert!(invariants.check(&simulation).is_err());
}
