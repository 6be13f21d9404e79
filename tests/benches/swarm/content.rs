//! The bytes that are shared, and the memory they will take.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rand::{Rng, SeedableRng};
use shoal_engine::SeededRng;
use tempfile::TempDir;

use crate::wait;

const BLOCK: usize = 1 << 20;

/// A file of random bytes, so that nothing on the way can compress or skip them. Removed when dropped.
pub(crate) struct Content {
    folder: TempDir,
    pub(crate) size: u64,
}

impl Content {
    /// Its name, here and wherever it is fetched to.
    pub(crate) const NAME: &str = "content.bin";

    pub(crate) fn make(size: u64) -> anyhow::Result<Self> {
        let content = Self { folder: scratch()?, size };
        let mut rng = SeededRng::seed_from_u64(size);
        let mut file = BufWriter::with_capacity(BLOCK, File::create(content.path())?);
        let mut block = vec![0; BLOCK];
        for _ in 0..size / BLOCK as u64 {
            wait::go_on()?;
            rng.fill_bytes(&mut block);
            file.write_all(&block)?;
        }
        file.into_inner()?.sync_all()?;
        Ok(content)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(Self::NAME)
    }

    /// Whether a file holds the same bytes.
    pub(crate) fn is_same(&self, path: &Path) -> anyhow::Result<bool> {
        if fs::metadata(path)?.len() != self.size {
            return Ok(false);
        }
        let open = |path: &Path| File::open(path).map(|f| BufReader::with_capacity(BLOCK, f));
        let (mut here, mut there) = (open(&self.path())?, open(path)?);
        let (mut ours, mut theirs) = (vec![0; BLOCK], vec![0; BLOCK]);
        for _ in 0..self.size / BLOCK as u64 {
            here.read_exact(&mut ours)?;
            there.read_exact(&mut theirs)?;
            if ours != theirs {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Fills and frees as much memory as this many copies take, but at most half of what is free. A virtual
    /// machine pays for pages that its host has not backed yet, and the process that needs the next ones for
    /// its page cache would pay for that.
    pub(crate) fn prefault_memory(&self, copies: usize) {
        let bytes = (self.size as usize * copies).min(free_memory() / 2);
        std::hint::black_box(vec![1u8; bytes]);
    }
}

/// A folder where `TMPDIR` says, by a path that holds wherever a program runs.
pub(crate) fn scratch() -> anyhow::Result<TempDir> {
    let parent = std::path::absolute(std::env::temp_dir())?;
    tempfile::Builder::new().prefix("shoal-swarm-").tempdir_in(parent).context("no scratch folder")
}

/// Bytes; 0 where nobody tells.
fn free_memory() -> usize {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find(|l| l.starts_with("MemAvailable:"));
    line.and_then(|l| l.split_whitespace().nth(1)?.parse::<usize>().ok()).unwrap_or(0) << 10
}
