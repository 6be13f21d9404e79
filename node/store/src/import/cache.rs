//! Remembers the chunks of what was shared before, so that it need not be read again.
//!
//! One file for each set of root paths and chunker: SHA-256 of the rest, then CBOR. It says for each run
//! of files their paths and stamps, and the run's chunks. A run counts only if all its files have the
//! same paths and stamps as then, and none of the stamps was racy; such runs are not even written.
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
use shoal_content::{ChunkEntry, Chunker, Hash};

use super::roots::Roots;
use super::walk::Found;
use crate::show;
use crate::stamp::Stamp;

/// Changes when the meaning of a cache file does.
const VERSION: u32 = 1;
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
    /// Files with bytes, in order.
    files: Vec<(String, Stamp)>,
    chunks: Vec<(Hash, u32)>,
}

/// What is remembered of one set of roots.
pub(super) struct Cache {
    path: PathBuf,
    /// By the path of the first file.
    runs: HashMap<String, Run>,
}

impl Cache {
    /// Reads what is there; nothing is, if it cannot be read.
    pub(super) fn load(dir: &Path, roots: &Roots, chunker: Chunker) -> Self {
        let path = dir.join(key(roots, chunker).to_string()).with_extension(EXTENSION);
        let stored = read(&path).filter(|s| s.version == VERSION);
        let runs = stored.map(|s| s.runs).unwrap_or_default();
        let first = |run: Run| Some((run.files.first()?.0.clone(), run));
        Self { path, runs: runs.into_iter().filter_map(first).collect() }
    }

    /// The chunks of a run of files, if they are known and none of the files has changed since.
    pub(super) fn lookup(&self, files: &[Found], chunker: Chunker) -> Option<Vec<ChunkEntry>> {
        let with_bytes = || files.iter().filter(|f| f.has_bytes());
        let run = self.runs.get(with_bytes().next()?.entry.path.as_str())?;
        let same = |(then, now): (&(String, Stamp), &Found)| {
            then.0 == now.entry.path.as_str() && then.1 == now.stamp
        };
        if run.files.len() != with_bytes().count() || !run.files.iter().zip(with_bytes()).all(same) {
            return None;
        }
        let fits = |length: u32| length > 0 && length <= chunker.max_size();
        let total: u64 = run.chunks.iter().map(|(_, length)| u64::from(*length)).sum();
        let whole = total == with_bytes().map(|f| f.entry.size).sum::<u64>();
        let sound = whole && run.chunks.iter().all(|(_, length)| fits(*length));
        let entry = |(hash, length): &(Hash, u32)| ChunkEntry { hash: *hash, length: *length };
        sound.then(|| run.chunks.iter().map(entry).collect())
    }

    /// Writes down all runs, each with its files and chunks. A failure is only logged.
    pub(super) fn save<'a>(&self, runs: impl Iterator<Item = (&'a [Found], &'a [ChunkEntry])>) {
        let runs = runs.filter(|(files, _)| !files.iter().any(|f| f.racy)).map(|(files, chunks)| Run {
            files: files
                .iter()
                .filter(|f| f.has_bytes())
                .map(|f| (f.entry.path.as_str().to_owned(), f.stamp))
                .collect(),
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
