//! Random swarms with random faults, simulated.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use shoal_content::Chunker;
use shoal_engine::SeededRng;
use shoal_sim::{Invariants, Partition, Scenario, Simulation, Vanishing};

use crate::{Card, Fault, Runs, Strike};

/// Everybody who lacks something has got more of it this long after the network is whole again.
const GOES_ON: Duration = Duration::from_secs(30);

/// A random swarm in which several things go wrong.
pub(crate) struct SimulatedSwarm;

impl Fault for SimulatedSwarm {
    fn name(&self) -> &'static str {
        "simulated_swarm"
    }

    fn card(&self) -> Card {
        Card {
            promises: "4, 5, 6",
            fault: "several of: peers that leave and crash, send wrong bytes, lie or idle; messages lost; a seed killed and \
                    back; a third and the tracker gone; a partition that heals",
            injected: "the simulator, which runs the node's own decisions; every step is checked",
            expected: "the invariants of `shoal_sim::Invariants` at each step; all honest peers complete while one \
                       honest seed is in reach in the end; within 30 s of healing, with a seed, everybody gets more",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 500, many: 10_000 }
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let scenario = scenario(seed);
        let mut simulation = Simulation::new(scenario.clone());
        let mut invariants = Invariants::default();
        let mut healing = Healing::of(&scenario);
        while simulation.step() {
            invariants.check(&simulation)?;
            if let Some(healing) = &mut healing {
                healing.look(&simulation, &invariants).map_err(|why| format!("{why}: {scenario:?}"))?;
            }
        }
        let outcome = simulation.outcome();
        if outcome.incomplete > 0 {
            return Err(format!(
                "{} did not complete until {:?}: {scenario:?}",
                outcome.incomplete, outcome.end
            ));
        }
        Ok(Strike::of(outcome.left + outcome.bans > 0 || healing.is_some_and(|it| it.seen.is_some())))
    }
}

/// Whether everybody goes on after a partition.
struct Healing {
    /// From when on the swarm is one piece, and has a seed.
    healed: Duration,
    /// Who lacked something then, and how much each had.
    seen: Option<BTreeMap<u32, usize>>,
    over: bool,
}

impl Healing {
    fn of(scenario: &Scenario) -> Option<Self> {
        // Without a seed there may be nothing that anybody lacks.
        let seeded = scenario.seeds_away.map_or(Duration::ZERO, |(_, back)| back);
        let healed = scenario.partition?.heals().max(seeded);
        Some(Self { healed, seen: None, over: false })
    }

    fn look(&mut self, simulation: &Simulation, invariants: &Invariants) -> Result<(), String> {
        if self.over || simulation.now() < self.healed {
            return Ok(());
        }
        let now: BTreeMap<u32, usize> = invariants.lacking(simulation).collect();
        let seen = self.seen.get_or_insert_with(|| now.clone());
        if simulation.now() < self.healed + GOES_ON {
            return Ok(());
        }
        self.over = true;
        match now.iter().find(|(peer, has)| seen.get(peer) == Some(has)) {
            Some((peer, has)) => {
                Err(format!("peer {peer} still has {has} chunks, {GOES_ON:?} after healing"))
            }
            None => Ok(()),
        }
    }
}

/// A small swarm of this seed's. One seed always stays, or comes back.
fn scenario(seed: u64) -> Scenario {
    let mut rng = SeededRng::seed_from_u64(seed);
    let secs = |rng: &mut SeededRng, most: u64| Duration::from_millis(rng.random_range(100..most * 1000));
    let mut scenario = Scenario {
        seed,
        peers: rng.random_range(3..14),
        seeds: rng.random_range(1..3),
        size: rng.random_range(1..5_u64) << 20,
        chunker: Some(Chunker::Fixed { size: 128 << 10 }),
        seed_up: rng.random_range(200_000..4_000_000),
        up: rng.random_range(200_000..4_000_000),
        down: rng.random_range(500_000..8_000_000),
        delay: Duration::from_millis(rng.random_range(1..120)),
        stagger: Duration::from_millis(rng.random_range(0..600)),
        seeds_named: rng.random(),
        fetches_manifest: rng.random(),
        ..Scenario::default()
    };
    for _ in 0..rng.random_range(1..4) {
        match rng.random_range(0..7) {
            0 => (scenario.churn, scenario.crash) = (rng.random_range(0.1..0.6), rng.random()),
            1 => scenario.corrupt = rng.random_range(0.1..0.4),
            2 => scenario.lying = rng.random_range(0.1..0.4),
            3 => scenario.idle = rng.random_range(0.1..0.4),
            4 => scenario.loss = rng.random_range(0.01..0.15),
            5 => {
                let (at, lasts) = (secs(&mut rng, 10), secs(&mut rng, 60));
                scenario.partition = Some(Partition { at, lasts, share: rng.random_range(0.2..0.8) });
            }
            _ => going(&mut scenario, &mut rng),
        }
    }
    scenario
}

/// Somebody goes who has much: the seeds for a while, or a third of all and the tracker for good.
fn going(scenario: &mut Scenario, rng: &mut SeededRng) {
    let at = Duration::from_millis(rng.random_range(500..6000));
    if rng.random() {
        let back = at + Duration::from_millis(rng.random_range(1000..40_000));
        scenario.seeds_away = Some((at, back));
    } else {
        // Who comes when the tracker is gone has to know somebody.
        scenario.seeds_named = true;
        scenario.vanishing = Some(Vanishing { at, share: 1.0 / 3.0, best_connected: rng.random() });
    }
}
