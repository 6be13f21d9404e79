//! The import from start to end.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64};

use shoal_content::{ChunkEntry, Chunker, EntryKind, FileEntry, Manifest, ManifestBuilder, segments};

use super::cache::Cache;
use super::cut::Cutter;
use super::pool::with_hashers;
use super::reader::Watcher;
use super::roots::{Resolved, resolve};
use super::source::Source;
use super::walk::{Listing, walk};
use super::{ImportError, ImportOptions, ImportProgress, Imported};
use crate::stamp::Clock;

/// A run of files, and where its chunks are in the chunk table.
struct Run {
    files: Range<usize>,
    chunks: Range<usize>,
}

/// All that was cut.
struct Cut {
    chunks: Vec<ChunkEntry>,
    runs: Vec<Run>,
    /// Whether every run came from the cache.
    cached: bool,
}

/// [`import`](super::import()) by a given clock.
pub(super) fn import_at(
    options: &ImportOptions,
    progress: &(dyn Fn(ImportProgress) + Sync),
    cancel: &AtomicBool,
    clock: Clock,
) -> Result<Imported, ImportError> {
    let resolved = resolve(options)?;
    let mut listing = walk(&resolved, options.skip_unsafe, cancel)?;
    let total = listing.entries.iter().map(|entry| entry.size).sum();
    let chunker = options.chunker.unwrap_or_else(|| Chunker::for_size(total));
    chunker.check().map_err(shoal_content::ManifestError::from)?;
    let cache = options.cache.as_ref().map(|dir| Cache::load(dir, &resolved.roots, chunker));
    let files = listing.entries.iter().filter(|entry| matches!(entry.kind, EntryKind::File { .. }));
    let watcher = Watcher {
        roots: &resolved.roots,
        progress,
        cancel,
        clock,
        files: files.count() as u64,
        total,
        done: AtomicU64::new(0),
    };
    let cut = cut_all(chunker, &mut listing, cache.as_ref(), &watcher)?;
    if let Some(cache) = &cache
        && !cut.cached
    {
        let run = |r: &Run| (listing.of(r.files.clone()), &cut.chunks[r.chunks.clone()]);
        cache.save(cut.runs.iter().map(run));
    }
    let from_cache = cut.cached && cache.is_some();
    let Listing { entries, facts, skipped, .. } = listing;
    let manifest = build(chunker, &resolved, entries, cut.chunks)?;
    let source = Source::new(manifest, resolved.roots, facts, clock);
    Ok(Imported { source, skipped, from_cache })
}

fn cut_all(
    chunker: Chunker,
    listing: &mut Listing,
    cache: Option<&Cache>,
    watcher: &Watcher<'_>,
) -> Result<Cut, ImportError> {
    let sizes: Vec<u64> = listing.entries.iter().map(|entry| entry.size).collect();
    let (cut, hashes) = with_hashers(chunker.max_size() as usize, |hashers| {
        let mut cutter = Cutter::new(chunker, hashers, watcher);
        let (mut runs, mut cached) = (Vec::new(), true);
        for files in segments(&sizes) {
            let start = cutter.len();
            let size: u64 = sizes[files.clone()].iter().sum();
            if size == 0 {
                continue;
            }
            match cache.and_then(|cache| cache.lookup(listing.of(files.clone()), chunker)) {
                Some(known) => {
                    cutter.add_known(&known)?;
                    watcher.did(size)?;
                }
                None => {
                    cached = false;
                    cutter.cut_run(listing.of_mut(files.clone()))?;
                }
            }
            runs.push(Run { files, chunks: start..cutter.len() });
        }
        Ok::<_, ImportError>(Cut { chunks: cutter.finish(), runs, cached })
    });
    let mut cut = cut?;
    for (chunk, hash) in hashes {
        cut.chunks[chunk as usize].hash = hash;
    }
    Ok(cut)
}

fn build(
    chunker: Chunker,
    resolved: &Resolved,
    entries: Vec<FileEntry>,
    chunks: Vec<ChunkEntry>,
) -> Result<Manifest, ImportError> {
    let builder = ManifestBuilder {
        name: resolved.name.clone(),
        shape: resolved.shape,
        chunker,
        private: resolved.private,
        parent: None,
        entries,
        chunks,
    };
    Ok(builder.build()?)
}
