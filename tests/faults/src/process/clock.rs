//! A clock that is wrong by a year, and one that jumps.

use std::path::Path;
use std::process::Command;

use rand::{RngExt, SeedableRng};
use shoal_engine::SeededRng;
use shoal_tests::clock::{Clock, YEAR, no_clock};
use shoal_tests::process::{LOOPBACK, Process, command, get_command};

use super::world::{CHUNKER, World, well};
use crate::{Card, Fault, Runs, Strike};

const CHUNKS: usize = 32;

/// One of seed, getter and tracker has a clock that is a year off, from the start or from some moment on.
pub(crate) struct WrongClock;

impl Fault for WrongClock {
    fn name(&self) -> &'static str {
        "wrong_clock"
    }

    fn card(&self) -> Card {
        Card {
            promises: "5",
            fault: "the clock of seed, getter or tracker is a year back or ahead, from the start or in the midst",
            injected: "a library before the C library that shifts the time of day",
            expected: "the transfer completes; the tracker answers",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 3, many: 60 }
    }

    fn missing(&self) -> Option<String> {
        no_clock()
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let mut rng = SeededRng::seed_from_u64(seed);
        let world = World::new(CHUNKS, seed)?;
        let clock = Clock::make(world.scratch()).map_err(|e| format!("{e:#}"))?;
        let whose = seed % 3;
        let jumps = rng.random();
        let by = if rng.random() { YEAR } else { -YEAR };
        clock.set(if jumps { 0 } else { by }).map_err(|e| e.to_string())?;
        let wrong = |at: u64, command: Command| if at == whose { clock.wrong(command) } else { command };
        let data = world.scratch().join("tracker");
        let args = ["--listen", LOOPBACK, "--data", text(&data)?];
        let mut tracker = Process::spawn(wrong(2, command("shoal-rendezvous", args)));
        let point = tracker.line("an address", |line| line.contains("/p2p/"));
        let args = ["share", text(&world.from)?, "--listen", LOOPBACK, "--rendezvous", &point];
        let more = ["--chunker", CHUNKER, "--limit-up", "2MB"];
        let mut sharing = Process::spawn(wrong(1, command("shoal", args.iter().chain(&more))));
        let ticket = sharing.line("a ticket", |line| line.starts_with("shoal1"));
        let mut getter = Process::spawn(wrong(0, get_command(&ticket, &world.to, &["--rendezvous", &point])));
        if jumps {
            getter.stored(rng.random_range(0..CHUNKS / 2));
            clock.set(by).map_err(|e| e.to_string())?;
        }
        well(getter.end())?;
        world.arrived()?;
        if tracker.is_running() && sharing.is_running() {
            Ok(Strike::of(clock.was_asked()))
        } else {
            Err(format!("{}\n{}", tracker.errors(), sharing.errors()))
        }
    }
}

fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| "test paths are text".into())
}
