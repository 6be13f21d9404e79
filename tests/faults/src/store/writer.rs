//! The child that writes a content, and says what it has done.
//!
//! It treats errors as a node does: what the disk does not take is tried again, a few times. All work that changes files
//! happens in its first thread, so that the N-th system call of a run is the same one in each.

use std::fmt::Display;
use std::path::Path;
use std::process::{Command, ExitCode};

use rand::{RngExt, SeedableRng};
use shoal_engine::SeededRng;
use shoal_store::{ChunkStore, Source, Target};

use super::said::Word;
use super::stage::{Stage, open, opened, order};
use crate::child;

/// What it is called.
pub(crate) const NAME: &str = "writer";

/// How often anything is tried.
const TRIES: usize = 4;

/// It gave up.
pub(crate) const GAVE_UP: u8 = 3;

/// The command that starts it.
pub(crate) fn command(stage: &Stage, seed: u64) -> Command {
    let path = |path: &Path| path.to_str().expect("test paths are text").to_owned();
    let force = stage.beginning.force();
    child::command(NAME, [path(&stage.from), path(&stage.to), seed.to_string(), force.to_string()])
}

/// Runs it: where the content is, where it goes, a seed, whether by force.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let [from, to, seed, force] = args else { return ExitCode::from(2) };
    let (Ok(seed), Ok(force)) = (seed.parse(), force.parse()) else { return ExitCode::from(2) };
    let source = opened(Path::new(from));
    match write_all(&source, Path::new(to), seed, force) {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::from(GAVE_UP),
    }
}

fn write_all(source: &Source, to: &Path, seed: u64, force: bool) -> Option<()> {
    let target = patiently(|| open(source, to, force))?;
    Word::Opened.say();
    let mut rng = SeededRng::seed_from_u64(seed);
    let mut bytes = Vec::new();
    for chunk in order(&target, seed) {
        source.read(chunk, &mut bytes).ok()?;
        patiently(|| target.write(chunk, &bytes))?;
        Word::Stored(chunk).say();
        if rng.random_ratio(1, 4) {
            sync(&target)?;
        }
    }
    patiently(|| target.finish())?;
    Word::Placed.say();
    Some(())
}

fn sync(target: &Target) -> Option<()> {
    patiently(|| target.sync())?;
    Word::Synced.say();
    Some(())
}

fn patiently<T, E: Display>(mut what: impl FnMut() -> Result<T, E>) -> Option<T> {
    for _ in 0..TRIES {
        match what() {
            Ok(done) => return Some(done),
            Err(error) => Word::Blocked(error.to_string()).say(),
        }
    }
    None
}
