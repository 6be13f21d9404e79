//! A disk that takes long for everything.

use shoal_tests::process::{Process, get_command};

use super::world::{Counted, World, well};
use crate::tools::{no_strace, traced};
use crate::{Card, Fault, Runs, Strike};

/// Each write and each sync takes so much longer, in microseconds.
const DELAYS: [u64; 3] = [20_000, 100_000, 400_000];

/// Every write and sync takes long.
pub(crate) struct SlowDisk;

impl Fault for SlowDisk {
    fn name(&self) -> &'static str {
        "slow_disk"
    }

    fn card(&self) -> Card {
        Card {
            promises: "5, 8",
            fault: "each write and sync of `shoal get` takes 20, 100 or 400 ms longer",
            injected: "strace, a delay on entering the call",
            expected: "it completes, each chunk is read once, and nobody is blamed",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 2, many: 60 }
    }

    fn missing(&self) -> Option<String> {
        no_strace()
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        const CHUNKS: usize = 16;
        let world = World::new(CHUNKS, seed)?;
        let counted = Counted::serve(&world)?;
        counted.gate.open_all();
        let delay = DELAYS[(seed % 3) as usize];
        let slow = |name: &&str| format!("{name}:delay_enter={delay}");
        let inject: Vec<_> = ["pwrite64", "fsync", "fdatasync"].iter().map(slow).collect();
        let log = world.scratch().join("strace");
        let getter = Process::spawn(traced(&get_command(&counted.ticket(), &world.to, &[]), &inject, &log));
        let ended = well(getter.end())?;
        world.arrived()?;
        if ended.stderr.contains("banned") || counted.gate.count() > CHUNKS {
            return Err(format!("{} reads: {}", counted.gate.count(), ended.stderr));
        }
        Ok(Strike::Struck)
    }
}
