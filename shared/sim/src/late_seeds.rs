//! Swarms whose seed comes late, goes and comes back, or stands behind a crowd of peers that are of no use.

use std::time::Duration;

use super::Scenario;
use super::tests::{MIB, play, swarm};

/// After this time from when a seed appears, everything goes on.
const GOES_ON: Duration = Duration::from_secs(5);

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A swarm that knows of its seed through the tracker alone, and begins with the content's id.
fn unnamed(peers: u32, seed: u64) -> Scenario {
    Scenario { seeds_named: false, fetches_manifest: true, ..swarm(peers, seed) }
}

/// Everybody completes within [`GOES_ON`] and a little more than the bound from when the seed is there.
#[track_caller]
fn goes_on(scenario: &Scenario, from: Duration) {
    completes_by(scenario, from + GOES_ON + scenario.bound().mul_f64(1.5));
}

#[track_caller]
fn completes_by(scenario: &Scenario, most: Duration) {
    let outcome = play(&Scenario { deadline: Some(most + secs(100)), ..scenario.clone() });
    let last = outcome.completions.iter().map(|c| c.at).max().unwrap_or_default();
    let (peers, missing) = (scenario.peers, outcome.incomplete);
    assert!(
        missing == 0 && last <= most,
        "{peers} peers: {missing} missing, the last at {last:?}, aim {most:?}"
    );
}

#[test]
fn forty_that_wait_go_on_when_a_seed_comes() {
    for (peers, seed, fetches_manifest) in [(10, 1, true), (40, 2, true), (40, 3, false), (80, 4, true)] {
        let late = secs(20);
        goes_on(&Scenario { seeds_start: late, fetches_manifest, ..unnamed(peers, seed) }, late);
    }
}

#[test]
fn a_seed_that_is_killed_midway_and_comes_back_completes_everybody() {
    for (peers, seed) in [(10, 1), (20, 2), (40, 3)] {
        for away in [1, 20, 60] {
            // What is missing at that time is with nobody: the seed's line takes 4 s for one copy.
            let slow = Scenario { seed_up: 4 * MIB, ..unnamed(peers, seed) };
            let back = secs(2 + away);
            goes_on(&Scenario { seeds_away: Some((secs(2), back)), ..slow }, back);
        }
    }
}

/// Peers that were there first, are connected and have nothing for anybody. They have to be tried one after the other, so
/// this takes longer than [`GOES_ON`].
#[test]
fn idle_peers_keep_nobody_from_a_seed() {
    for seed in 0..4 {
        // 40 idle ones and 4 that want something.
        let scenario = Scenario { idle: 40.0 / 44.0, honest_start: secs(5), ..unnamed(44, seed) };
        assert_eq!(scenario.honest(), 4);
        completes_by(&Scenario { seeds_start: secs(30), ..scenario }, secs(90));
    }
}

/// The same with peers that say that they have everything and send nothing.
#[test]
fn liars_keep_nobody_from_a_seed() {
    for seed in 0..4 {
        let scenario = Scenario { lying: 40.0 / 44.0, honest_start: secs(5), ..unnamed(44, seed) };
        assert_eq!(scenario.honest(), 4);
        completes_by(&Scenario { seeds_start: secs(30), ..scenario }, secs(90));
    }
}
