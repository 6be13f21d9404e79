//! A third of a swarm that falls silent at once, the tracker too: the others stay in one piece, and complete.

use std::time::Duration;

use super::tests::{MIB, swarm};
use super::{Scenario, Simulation, Vanishing};

/// Neighbours notice a silent peer after ten seconds; within these from the loss, all hang together again.
const ONE_PIECE: Duration = Duration::from_secs(15);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(50);

/// What came of it.
#[derive(Debug)]
struct After {
    /// From the loss until all were in one piece; none if they never were.
    one_piece: Option<Duration>,
    incomplete: usize,
}

fn lose(scenario: &Scenario, share: f64, best_connected: bool) -> After {
    let at = scenario.bound().mul_f64(0.4);
    let vanishing = Some(Vanishing { at, share, best_connected });
    let mut simulation = Simulation::new(Scenario { vanishing, ..scenario.clone() });
    while simulation.now() < at && simulation.step() {}
    assert!(simulation.now() >= at, "they were complete before");
    let (mut one_piece, mut look) = (None, at);
    loop {
        if one_piece.is_none() && simulation.now() >= look {
            look = simulation.now() + LOOK;
            one_piece = (simulation.pieces() == 1).then(|| simulation.now() - at);
        }
        if !simulation.step() {
            break;
        }
    }
    After { one_piece, incomplete: simulation.outcome().incomplete }
}

/// Known through the tracker alone, so that nothing but the swarm itself keeps it together when that is gone.
fn unnamed(peers: u32, seed: u64) -> Scenario {
    // Small pieces cost time, and here only who is connected with whom matters.
    Scenario { seeds: 3, seeds_named: false, size: 8 * MIB, piece: None, ..swarm(peers, seed) }
}

#[track_caller]
fn stays_in_one_piece(scenario: &Scenario, best_connected: bool) {
    let after = lose(scenario, 1.0 / 3.0, best_connected);
    let (peers, seed) = (scenario.peers, scenario.seed);
    let soon = after.one_piece.is_some_and(|time| time <= ONE_PIECE);
    assert!(soon && after.incomplete == 0, "{peers} peers, seed {seed}, best: {best_connected}: {after:?}");
}

#[test]
fn any_third_may_vanish() {
    for (peers, seeds) in [(30, 0..12), (60, 0..6), (150, 0..2), (300, 0..1)] {
        for seed in seeds {
            stays_in_one_piece(&unnamed(peers, seed), false);
        }
    }
}

#[test]
fn the_best_connected_third_may_vanish() {
    for (peers, seeds) in [(30, 0..12), (60, 0..6), (150, 0..2), (300, 0..1)] {
        for seed in seeds {
            stays_in_one_piece(&unnamed(peers, seed), true);
        }
    }
}

/// The measure can tell: before they have found each other, members are pieces of their own.
#[test]
fn pieces_are_counted() {
    let mut simulation = Simulation::new(unnamed(30, 1));
    let mut pieces = Vec::new();
    while simulation.now() < Duration::from_secs(1) && simulation.step() {
        pieces.push(simulation.pieces());
    }
    assert_eq!((pieces.iter().max(), pieces.last()), (Some(&33), Some(&1)));
}
