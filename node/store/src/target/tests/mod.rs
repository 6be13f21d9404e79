//! Downloads from a source on the same disk.

mod arriving;
#[cfg(target_os = "linux")]
mod beneath;
mod crash;
mod durable;
mod modes;
mod parts;
mod places;
mod resume;
mod reuse;
mod spied;
mod watched;

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use shoal_content::{ContentId, Hash, Span};
use tempfile::{TempDir, tempdir};

use super::names::PartNames;
use super::*;
use crate::testing::{mixed, options, put, random, run, snapshot};
use crate::{EntryState, ImportOptions, Source, VerifyError, VerifyReport, verify};

/// A source of what is at a path.
fn share(path: &Path) -> Source {
    run(&options(path)).unwrap().source
}

/// A source of the mixed tree, called `t`.
fn shared_mixed() -> (TempDir, Source) {
    let dir = tempdir().unwrap();
    mixed(&dir.path().join("t"));
    let source = share(&dir.path().join("t"));
    (dir, source)
}

fn to(dir: &Path) -> TargetOptions {
    TargetOptions { dir: dir.to_owned(), force: false, selection: Selection::All, reuse: Reuse::default() }
}

fn by_force(dir: &Path) -> TargetOptions {
    TargetOptions { force: true, ..to(dir) }
}

/// Where the part of a download lies.
fn part(dir: &Path, source: &Source) -> PathBuf {
    dir.join(PartNames::new(source.manifest()).part)
}

/// Where its journal lies.
fn journal(dir: &Path, source: &Source) -> PathBuf {
    dir.join(PartNames::new(source.manifest()).journal)
}

/// Both names, as they stand in the folder.
fn unfinished(source: &Source) -> [String; 2] {
    let names = PartNames::new(source.manifest());
    [names.part, names.journal]
}

/// The entries whose path starts so.
fn only(manifest: &Manifest, prefix: &str) -> Selection {
    let entries = manifest.entries().iter().enumerate();
    Selection::Entries(entries.filter(|(_, e)| e.path.as_str().starts_with(prefix)).map(|(n, _)| n).collect())
}

fn open(source: &Source, options: TargetOptions) -> Target {
    try_open(source, options).unwrap()
}

fn try_open(source: &Source, options: TargetOptions) -> Result<Target, TargetError> {
    Target::open(source.manifest().clone(), options, &|_| {}, &AtomicBool::new(false))
}

/// Compares a placed content with its source.
fn compare(source: &Source, path: &Path) -> Result<VerifyReport, VerifyError> {
    verify(source.manifest(), path, &|_| {}, &AtomicBool::new(false))
}

fn chunk(source: &Source, chunk: ChunkIndex) -> Vec<u8> {
    let mut bytes = Vec::new();
    source.read(chunk, &mut bytes).unwrap();
    bytes
}

/// The chunks still to be fetched.
fn missing(target: &Target) -> Vec<ChunkIndex> {
    target.wanted().difference(&target.stored()).map(|c| c as ChunkIndex).collect()
}

/// Fetches all that is missing; how many chunks that was.
fn fetch(source: &Source, target: &Target) -> usize {
    let missing = missing(target);
    for c in &missing {
        target.write(*c, &chunk(source, *c)).unwrap();
    }
    assert!(target.is_complete());
    missing.len()
}

/// Reads every chunk that is said to be there, and checks it.
fn check_have(target: &Target) {
    let mut bytes = Vec::new();
    for c in target.have().ones() {
        target.read(c as u32, &mut bytes).unwrap();
        assert_eq!(Hash::of(&bytes), target.manifest().chunks()[c].hash);
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut all: Vec<_> =
        fs::read_dir(dir).unwrap().map(|i| i.unwrap().file_name().into_string().unwrap()).collect();
    all.sort();
    all
}

/// The number of a file.
fn file(manifest: &Manifest, path: &str) -> u32 {
    manifest.entries().iter().position(|e| e.path.as_str() == path).unwrap() as u32
}
