//! Each target takes its whole corpus, and seeded mutations of it: a test for each target.

use std::panic::{AssertUnwindSafe, catch_unwind};

use libtest_mimic::{Arguments, Failed, Trial};
use shoal_fuzz::{FuzzTarget, Mutator, TARGETS, corpus};

/// The most files in one corpus, so that it stays a repository.
const MAX_FILES: usize = 60;
/// The longest file of a corpus, in bytes.
const MAX_FILE: usize = 64 << 10;

fn main() {
    let mut trials: Vec<Trial> =
        TARGETS.iter().map(|target| Trial::test(target.name, || replay(target))).collect();
    trials.push(Trial::test("every_corpus_has_a_target", every_corpus_has_a_target));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn replay(target: &FuzzTarget) -> Result<(), Failed> {
    let inputs = corpus::of(target.name).map_err(|error| format!("no corpus of {}: {error}", target.name))?;
    if inputs.is_empty() || inputs.len() > MAX_FILES {
        return Err(format!("{} files in the corpus of {}", inputs.len(), target.name).into());
    }
    for (name, bytes) in &inputs {
        if bytes.len() > MAX_FILE {
            return Err(format!("{name} is too long for a corpus").into());
        }
        run(target, name, bytes)?;
    }
    let seeds: Vec<Vec<u8>> = inputs.into_iter().map(|(_, bytes)| bytes).collect();
    let mut mutator = Mutator::new(1);
    (0..target.mutations).try_for_each(|n| run(target, &format!("mutation {n}"), &mutator.mutate(&seeds)))
}

/// Runs a target, and tells the input if it panics.
fn run(target: &FuzzTarget, name: &str, bytes: &[u8]) -> Result<(), Failed> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).map_err(|_| {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Failed::from(format!("{}: {name} breaks a promise: {hex}", target.name))
    })
}

fn every_corpus_has_a_target() -> Result<(), Failed> {
    for item in std::fs::read_dir(corpus::folder())? {
        let name = item?.file_name();
        if !TARGETS.iter().any(|target| *target.name == *name) {
            return Err(format!("{} is the corpus of no target", name.display()).into());
        }
    }
    Ok(())
}
