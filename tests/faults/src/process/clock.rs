//! A clock that is wrong by a year, and one that jumps.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rand::{RngExt, SeedableRng};
use shoal_engine::SeededRng;
use shoal_tests::process::{LOOPBACK, Process, command, get_command};

use super::world::{CHUNKER, World, well};
use crate::tools::no_program;
use crate::{Card, Fault, Runs, Strike};

/// Shifts what the C library says of the time of day by the seconds in a file, which may change at any time.
const SHIFT: &str = include_str!("clock.c");
const YEAR: i64 = 365 * 24 * 3600;
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
        no_program("cc", "--version")
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let mut rng = SeededRng::seed_from_u64(seed);
        let world = World::new(CHUNKS, seed)?;
        let clock = Clock::make(world.scratch())?;
        let whose = seed % 3;
        let jumps = rng.random();
        let by = if rng.random() { YEAR } else { -YEAR };
        clock.set(if jumps { 0 } else { by })?;
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
            clock.set(by)?;
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

struct Clock {
    library: PathBuf,
    shift: PathBuf,
}

impl Clock {
    fn make(folder: &Path) -> Result<Self, String> {
        let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
        fs::write(&source, SHIFT).map_err(|e| e.to_string())?;
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).arg("-ldl");
        let output = compile.output().map_err(|e| e.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(Self { library, shift: folder.join("shift") })
    }

    fn set(&self, seconds: i64) -> Result<(), String> {
        // In place, since the programs have mapped it.
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&seconds.to_ne_bytes());
        let file = fs::File::options().write(true).create(true).truncate(false).open(&self.shift);
        let written = file.and_then(|file| std::os::unix::fs::FileExt::write_all_at(&file, &bytes[..8], 0));
        let file = fs::File::options().write(true).open(&self.shift);
        written.and(file.and_then(|file| file.set_len(16))).map_err(|e| e.to_string())
    }

    fn wrong(&self, mut command: Command) -> Command {
        command.env("LD_PRELOAD", &self.library).env("SHOAL_TEST_SHIFT", &self.shift);
        command
    }

    /// Whether anybody asked it for the time of day while it was wrong.
    fn was_asked(&self) -> bool {
        fs::read(&self.shift).is_ok_and(|bytes| bytes.get(8..16).is_some_and(|asked| asked != [0; 8]))
    }
}

fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| "test paths are text".into())
}
