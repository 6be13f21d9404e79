//! Remembers the chunks of what was shared before, so that it need not be read again.
//!
//! One file for each set of root paths and chunker: SHA-256 of the rest, then CBOR. It says for each run
//! of files the SHA-256 of their paths and stamps, and the run's chunks. A run counts only if all its files have the
//! same paths and stamps as then, and none of the stamps was racy; such runs are not even written. Paths and stamps
//! themselves are not kept: a run may have a million files.
//!
//! What this is not: needed. Whatever goes wrong here costs time only.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shoal_content::{ChunkEntry, Chunker, Hash};

use super::roots::Roots;
use super::walk::Listed;
use crate::show;

/// Changes when the meaning of a cache file does.
const VERSION: u32 = 2;
/// No longer file is written or read, in bytes; enough for some 5 million chunks.
const MAX_FILE: u64 = 256 << 20;
/// No more files than these are kept.
const MAX_FILES: usize = 256;
/// How the files are called.
const EXTENSION: &str = "hashes";
/// Length of a SHA-256.
const SUM: usize = 32;

/// Where hashes are remembered unless told otherwise: the folder in the environment variable
/// `SHOAL_CACHE`, or `shoal` in the user's cache folder. `None`, which means not at all, if `SHOAL_CACHE`
/// is set and empty, or the user has no home.
pub fn default_cache_dir() -> Option<PathBuf> {
    match std::env::var_os("SHOAL_CACHE") {
        Some(dir) if dir.is_empty() => None,
        Some(dir) => Some(dir.into()),
        None => Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("shoal")),
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    runs: Vec<Run>,
}

#[derive(Serialize, Deserialize)]
struct Run {
    /// See [`key_of`].
    key: Hash,
    chunks: Vec<(Hash, u32)>,
}

/// What is remembered of one set of roots.
pub(super) struct Cache {
    path: PathBuf,
    /// The chunks of each run.
    runs: HashMap<Hash, Vec<(Hash, u32)>>,
}

impl Cache {
    /// Reads what is there; nothing is, if it cannot be read.
    pub(super) fn load(dir: &Path, roots: &Roots, chunker: Chunker) -> Self {
        let path = dir.join(key(roots, chunker).to_string()).with_extension(EXTENSION);
        let stored = read(&path).filter(|s| s.version == VERSION);
        let runs = stored.map(|s| s.runs).unwrap_or_default();
        Self { path, runs: runs.into_iter().map(|run| (run.key, run.chunks)).collect() }
    }

    /// The chunks of a run of files, if they are known and none of the files has changed since.
    pub(super) fn lookup(&self, files: Listed<'_>, chunker: Chunker) -> Option<Vec<ChunkEntry>> {
        let chunks = self.runs.get(&key_of(files))?;
        let fits = |length: u32| length > 0 && length <= chunker.max_size();
        let total: u64 = chunks.iter().map(|(_, length)| u64::from(*length)).sum();
        let whole = total == files.entries.iter().map(|entry| entry.size).sum::<u64>();
        let sound = whole && chunks.iter().all(|(_, length)| fits(*length));
        let entry = |(hash, length): &(Hash, u32)| ChunkEntry { hash: *hash, length: *length };
        sound.then(|| chunks.iter().map(entry).collect())
    }

    /// Writes down all runs, each with its files and chunks. A failure is only logged.
    pub(super) fn save<'a>(&self, runs: impl Iterator<Item = (Listed<'a>, &'a [ChunkEntry])>) {
        let runs =
            runs.filter(|(files, _)| !files.facts.iter().any(|file| file.racy)).map(|(files, chunks)| Run {
                key: key_of(files),
                chunks: chunks.iter().map(|c| (c.hash, c.length)).collect(),
            });
        let body = shoal_cbor::encode(&Stored { version: VERSION, runs: runs.collect() });
        if let Err(error) = self.write(&body) {
            tracing::warn!("cannot remember hashes in '{}': {error}", show(&self.path));
        }
    }

    fn write(&self, body: &[u8]) -> io::Result<()> {
        if body.len() as u64 > MAX_FILE - SUM as u64 {
            return Err(io::Error::other("there are too many"));
        }
        let dir = self.path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        // Written aside and renamed, so that a reader sees all or nothing. It gets mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(Hash::of(body).as_bytes())?;
        file.write_all(body)?;
        file.persist(&self.path)?;
        prune(dir)
    }
}

/// Says what a run was made of: the SHA-256 of the paths and stamps of its files with bytes, in order.
fn key_of(files: Listed<'_>) -> Hash {
    let mut all = Sha256::new();
    for (entry, facts) in files.iter().filter(|(entry, _)| entry.size > 0) {
        // No path has a 0 in it, and the fields of a stamp are always as long.
        all.update(entry.path.as_str());
        all.update([0]);
        let (size, mtime, ctime, ino, dev) = facts.stamp.fields();
        all.update(size.to_le_bytes());
        all.update(mtime.to_le_bytes());
        all.update(ctime.to_le_bytes());
        all.update(ino.to_le_bytes());
        all.update(dev.to_le_bytes());
    }
    Hash::from_bytes(all.finalize().into())
}

fn key(roots: &Roots, chunker: Chunker) -> Hash {
    let mut text = Vec::new();
    for path in roots.paths() {
        text.extend_from_slice(path.as_os_str().as_bytes());
        text.push(0);
    }
    // Several paths and one folder differ in how entries are named.
    text.push(matches!(roots, Roots::Several(_)) as u8);
    text.extend_from_slice(chunker.to_string().as_bytes());
    Hash::of(&text)
}

fn read(path: &Path) -> Option<Stored> {
    let file = File::open(path).ok()?;
    if file.metadata().ok()?.len() > MAX_FILE {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
    let (sum, body) = bytes.split_at_checked(SUM)?;
    if Hash::of(body).as_bytes() != sum {
        return None;
    }
    shoal_cbor::decode(body).ok()
}

/// Removes the oldest files if there are too many.
fn prune(dir: &Path) -> io::Result<()> {
    let ours = |path: &Path| path.extension().is_some_and(|e| e == EXTENSION);
    let mut all: Vec<(SystemTime, PathBuf)> = Vec::new();
    for item in fs::read_dir(dir)? {
        let item = item?;
        if ours(&item.path()) {
            all.push((item.metadata()?.modified()?, item.path()));
        }
    }
    all.sort();
    let surplus = all.len().saturating_sub(MAX_FILES);
    all.iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(path))
}
