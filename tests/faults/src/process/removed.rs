//! A target folder that is removed under a transfer.

use std::fs;

use rand::{RngExt, SeedableRng};
use shoal_engine::SeededRng;
use shoal_tests::eventually_or;
use shoal_tests::files::names;
use shoal_tests::process::get;

use super::world::{Counted, World, well};
use crate::{Card, Fault, Runs, Strike};

const CHUNKS: usize = 16;

/// Somebody removes the folder that a content goes to.
pub(crate) struct TargetRemoved;

impl Fault for TargetRemoved {
    fn name(&self) -> &'static str {
        "target_removed"
    }

    fn card(&self) -> Card {
        Card {
            promises: "1, 2, 8",
            fault: "the target folder, or the part in it, is removed in the midst of a transfer",
            injected: "removed with all that is in it, after a random number of chunks",
            expected: "it ends or pauses and says why; nothing is made elsewhere; started again it completes",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 2, many: 60 }
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let mut rng = SeededRng::seed_from_u64(seed);
        let world = World::new(CHUNKS, seed)?;
        let counted = Counted::serve(&world)?;
        let before = rng.random_range(1..CHUNKS - 1);
        counted.gate.open(before);
        let mut getter = get(&counted.ticket(), &world.to, &[]);
        getter.stored(before);
        let gone = if seed.is_multiple_of(2) { world.to.clone() } else { part(&world)? };
        fs::remove_dir_all(&gone).map_err(|e| e.to_string())?;
        counted.gate.open_all();
        let spoke = |words: &str| words.contains("paused") || words.contains("error:");
        // It may also make anew what is missing and complete, which is as good.
        eventually_or(
            "it ends, or says why it does not go on",
            || (!getter.is_running() || spoke(&getter.errors())).then_some(()),
            || String::from("it does nothing"),
        );
        let (said, code) = getter.end_now();
        if code == Some(101) || said.contains("panicked") {
            return Err(format!("it panicked: {said}"));
        }
        if code == Some(0) {
            world.arrived()?;
        } else if !spoke(&said) {
            return Err(format!("it ended with {code:?} and no word: {said}"));
        }
        world.all_or_nothing()?;
        well(get(&counted.ticket(), &world.to, &[]).end())?;
        world.arrived()?;
        let beside = names(world.scratch());
        if beside != ["from", "to"] || names(&world.to) != ["set"] {
            return Err(format!("left behind: {beside:?}, {:?}", names(&world.to)));
        }
        Ok(Strike::Struck)
    }
}

fn part(world: &World) -> Result<std::path::PathBuf, String> {
    shoal_tests::files::part(&world.to).ok_or_else(|| "there is no part".into())
}
