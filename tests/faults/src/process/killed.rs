//! `shoal get` under `kill -9`.

use rand::{RngExt, SeedableRng};
use shoal_engine::SeededRng;
use shoal_tests::eventually_or;
use shoal_tests::gate::Gate;
use shoal_tests::process::{Process, get, get_command};

use super::world::{CHUNK, Counted, World, well};
use crate::tools::{no_strace, traced};
use crate::{Card, Fault, Runs, Strike};

const CHUNKS: usize = 24;
/// What may be under way when a getter dies: what it asks one peer for at once.
const WINDOW: usize = 16;
/// What it calls while it writes; the N-th of one thread.
const CALLS: [&str; 5] = ["pwrite64", "fdatasync", "ftruncate", "mkdirat", "renameat2"];

/// Killed when a random number of chunks is stored, several times.
pub(crate) struct KilledGetter;

/// Killed as one of its threads makes its N-th system call of a kind that writes.
pub(crate) struct KilledGetterAtCall;

impl Fault for KilledGetter {
    fn name(&self) -> &'static str {
        "getter_killed_at_random"
    }

    fn card(&self) -> Card {
        Card {
            promises: "1, 3",
            fault: "`kill -9` of `shoal get` at random, up to three times, then started once more",
            injected: "SIGKILL after a random number of chunks",
            expected: "no stored chunk comes again: the provider reads no more than the content and 16 chunks for each kill; \
                       the final name has nothing until it has all",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 4, many: 200 }
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let mut rng = SeededRng::seed_from_u64(seed);
        let world = World::new(CHUNKS, seed)?;
        let counted = Counted::serve(&world)?;
        let kills = rng.random_range(1..4_usize);
        let mut stored = 0;
        for _ in 0..kills {
            let more = rng.random_range(0..=(CHUNKS - 1 - stored).min(9));
            // A few more than are waited for are on their way when it dies.
            counted.gate.open(more + rng.random_range(0..3_usize));
            let mut getter = get(&counted.ticket(), &world.to, &[]);
            stores(&mut getter, &counted.gate, more);
            let (said, _) = getter.end_now();
            stored += said.lines().filter(|line| line.contains("chunk stored")).count();
            world.all_or_nothing()?;
            if stored + 4 >= CHUNKS {
                break;
            }
        }
        counted.gate.open_all();
        goes_on(&world, &counted, stored, kills)?;
        Ok(Strike::Struck)
    }
}

impl Fault for KilledGetterAtCall {
    fn name(&self) -> &'static str {
        "getter_killed_at_call"
    }

    fn card(&self) -> Card {
        Card {
            promises: "1, 3",
            fault: "`kill -9` of `shoal get` as a thread of it makes its N-th system call that writes, N and its kind at random",
            injected: "strace, SIGKILL on entering the call",
            expected: "as `getter_killed_at_random`",
        }
    }

    fn runs(&self) -> Runs {
        Runs { few: 4, many: 200 }
    }

    fn missing(&self) -> Option<String> {
        no_strace()
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let mut rng = SeededRng::seed_from_u64(seed);
        let world = World::new(CHUNKS, seed)?;
        let counted = Counted::serve(&world)?;
        counted.gate.open_all();
        let name = CALLS[(seed % 5) as usize];
        // There are many writes, and few of the others.
        let nth = rng.random_range(1..if name == "pwrite64" { 16 } else { 3 });
        let inject = [format!("{name}:signal=KILL:when={nth}")];
        let log = world.scratch().join("strace");
        let killed =
            Process::spawn(traced(&get_command(&counted.ticket(), &world.to, &[]), &inject, &log)).end();
        world.all_or_nothing()?;
        if killed.code.is_some() {
            well(killed)?;
            return Ok(Strike::Missed);
        }
        let stored = killed.stderr.lines().filter(|line| line.contains("chunk stored")).count();
        goes_on(&world, &counted, stored, 1)?;
        Ok(Strike::Struck)
    }
}

/// How often it is looked in vain before one more chunk is let through.
const PATIENCE: usize = 40;

/// Waits until that many chunks are stored. Reads that wait since an earlier getter died take their turn too, so where all that
/// were let through are done and it is not enough, one more is.
fn stores(getter: &mut Process, gate: &Gate, chunks: usize) {
    let mut vain = 0;
    eventually_or(
        "chunks are stored",
        || {
            assert!(getter.is_running(), "it ended: {}", getter.errors());
            if getter.count("chunk stored") >= chunks {
                return Some(());
            }
            vain = if gate.is_shut() { vain + 1 } else { 0 };
            if vain >= PATIENCE {
                vain = 0;
                gate.open(1);
            }
            None
        },
        || format!("{chunks} wanted"),
    );
}

/// Started once more, it fetches what is missing and no more.
fn goes_on(world: &World, counted: &Counted, stored: usize, kills: usize) -> Result<(), String> {
    let got = well(get(&counted.ticket(), &world.to, &[]).end())?.json();
    world.arrived()?;
    let found = got["found"].as_u64().unwrap_or(0) as usize;
    if found < stored * CHUNK {
        return Err(format!("{stored} chunks were stored, and {found} bytes were found"));
    }
    let read = counted.gate.count();
    if read > CHUNKS + kills * WINDOW {
        return Err(format!("{read} chunks were read for {CHUNKS}, with {kills} kills"));
    }
    Ok(())
}
