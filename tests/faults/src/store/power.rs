//! Loss of power in the midst of writing.

use std::fs::File;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use shoal_engine::SeededRng;
use shoal_store::ChunkStore;
use shoal_tests::disk::Disk;
use shoal_tests::files::names;

use super::check::{final_names, goes_on};
use super::said::Said;
use super::stage::{Beginning, NAME, Stage};
use super::writer;
use crate::child::Running;
use crate::tools::{no_mounts, no_program, scratch};
use crate::{Card, Fault, Runs, Strike};

/// Large enough for ext4's own journal and a content.
const DISK: u64 = 48 << 20;

/// The disk loses its power while a content is written.
pub(crate) struct PowerLoss {
    /// Whether the download's journal reaches the disk before the bytes that it tells of.
    pub(crate) journal_first: bool,
}

impl Fault for PowerLoss {
    fn name(&self) -> &'static str {
        if self.journal_first { "power_loss_journal_ahead" } else { "power_loss" }
    }

    fn card(&self) -> Card {
        let (fault, expected) = if self.journal_first {
            (
                "power is lost when the journal of the download is on the disk and the bytes that it tells of are not",
                "the lie is found out: what the disk does not hold is fetched again, and never served or placed",
            )
        } else {
            (
                "power is lost at a random moment of writing, syncing or placing",
                "what was synced is not fetched again; a final name has the whole content or is not there; placed is placed",
            )
        };
        let injected = "ext4 on a loop device, EXT4_IOC_SHUTDOWN without flushing its log, mounted again";
        Card { promises: "1, 3", fault, injected, expected }
    }

    fn runs(&self) -> Runs {
        if self.journal_first { Runs { few: 20, many: 1000 } } else { Runs { few: 100, many: 5000 } }
    }

    fn missing(&self) -> Option<String> {
        no_mounts().or_else(|| no_program("mkfs.ext4", "-V")).or_else(|| no_program("perl", "-v"))
    }

    fn run(&self, seed: u64) -> Result<Strike, String> {
        let mut rng = SeededRng::seed_from_u64(seed);
        let scratch = scratch()?;
        let disk = Disk::with_a_plug(DISK);
        let beginning =
            if self.journal_first { Beginning::Fresh } else { Beginning::ALL[(seed % 4) as usize] };
        let stage = Stage::set(scratch.path(), &disk.path().join("to"), beginning, seed)?;
        disk.sync();
        let said = self.lose_power(&stage, &disk, &mut rng)?;
        disk.power_up();
        final_names(&stage)?;
        if said.placed && !stage.to.join(NAME).exists() {
            return Err("it was placed, and is gone".into());
        }
        let found = goes_on(&stage)?;
        let safe = said.synced.iter().chain(&stage.there);
        let lost: Vec<_> = safe.filter(|chunk| !found.stored.contains(chunk)).collect();
        if !lost.is_empty() {
            return Err(format!("{lost:?} were synced and are fetched again"));
        }
        let struck = if self.journal_first { found.damaged > 0 } else { !said.placed };
        Ok(Strike::of(struck))
    }
}

impl PowerLoss {
    /// Lets the child write, and pulls the plug at a moment of the seed's. Returns what it had said before.
    fn lose_power(&self, stage: &Stage, disk: &Disk, rng: &mut SeededRng) -> Result<Said, String> {
        let plug = disk.plug();
        let mut child = Running::start(writer::command(stage, rng.random()))?;
        let mut said = Said::default();
        for _ in 0..rng.random_range(1..=words(stage)) {
            let Some(line) = child.line() else { break };
            said.hear(&line)?;
        }
        if self.journal_first {
            let journal = names(&stage.to).into_iter().find(|name| name.ends_with(".journal"));
            let journal = journal.and_then(|name| File::open(stage.to.join(name)).ok());
            journal.iter().try_for_each(File::sync_data).map_err(|e| e.to_string())?;
        } else {
            // Not to wait for anything: the moment shall lie anywhere between two of the child's words.
            std::thread::sleep(Duration::from_micros(rng.random_range(0..3000)));
        }
        plug.pull();
        drop(child);
        Ok(said)
    }
}

/// After how many words of the child at most the power goes: while it still has something to do.
fn words(stage: &Stage) -> usize {
    let chunks = stage.source.manifest().chunks().len();
    match stage.beginning {
        Beginning::Fresh | Beginning::Taken => chunks,
        Beginning::Half => chunks / 2,
        Beginning::Whole => 1,
    }
}
