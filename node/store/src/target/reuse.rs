//! Other places on this machine from which a download takes chunks before it asks the network.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shoal_content::Chunker;

use super::in_place::{InPlace, OldFiles};
use super::{Target, TargetError};
use crate::holdings::HeldContent;
use crate::import::{ImportError, ImportOptions, ImportProgress, Source, import};
use crate::serve::lock;
use crate::watch::Watch;
use crate::{ChunkStore, Holdings};

/// Where chunks may be taken from. What is taken is copied and hashed; nothing there is changed.
#[derive(Debug, Clone, Default)]
pub struct Reuse {
    /// Files and folders, such as an older version. They are cut as the content is, so that what did not change is
    /// found wherever it stands in them.
    pub paths: Vec<PathBuf>,
    /// The folder of the hash cache for these; none: they are hashed each time.
    pub cache: Option<PathBuf>,
    /// Contents that are at hand.
    pub holdings: Holdings,
}

impl Reuse {
    /// Fails if a path leads nowhere.
    pub(super) fn check(&self) -> Result<(), TargetError> {
        let is_gone = |path: &&PathBuf| !path.exists();
        match self.paths.iter().find(is_gone) {
            Some(path) => {
                let source = ImportError::NotFound(path.clone());
                Err(TargetError::Reuse { path: path.clone(), source })
            }
            None => Ok(()),
        }
    }

    /// Cuts the files at the paths, then adds the node's other contents.
    fn open(&self, chunker: Chunker, watch: &Watch<'_>) -> Result<Vec<Arc<HeldContent>>, TargetError> {
        let mut all = Vec::new();
        for path in &self.paths {
            let source = cut(path, chunker, self.cache.clone(), watch).map_err(|error| match error {
                ImportError::Cancelled => TargetError::Cancelled,
                source => TargetError::Reuse { path: path.clone(), source },
            })?;
            all.push(held(source));
        }
        all.extend(self.holdings.contents());
        Ok(all)
    }
}

impl Target {
    /// Takes missing chunks from the final place, and from the other places.
    pub(super) fn reuse(&self, reuse: &Reuse, old: OldFiles, watch: &Watch<'_>) -> Result<(), TargetError> {
        if self.is_complete() {
            return Ok(());
        }
        let chunker = self.manifest().root().chunker;
        let last = self.served.files().last.clone();
        let mut contents = vec![held(InPlace::new(self.manifest().clone(), last, old.matching))];
        contents.extend(open_replaced(&old.replaced, chunker, watch)?);
        contents.extend(reuse.open(chunker, watch)?);
        let taken = self.take_from(&contents, watch)?;
        lock(&self.report).reused_bytes = taken;
        Ok(())
    }
}

/// Cuts files that are about to be replaced. Those that cannot be read are left out: then their chunks are fetched.
fn open_replaced(
    files: &[PathBuf],
    chunker: Chunker,
    watch: &Watch<'_>,
) -> Result<Vec<Arc<HeldContent>>, TargetError> {
    let mut all = Vec::new();
    for path in files {
        match cut(path, chunker, None, watch) {
            Ok(source) => all.push(held(source)),
            Err(ImportError::Cancelled) => return Err(TargetError::Cancelled),
            Err(error) => tracing::debug!(%error, "nothing is taken from what is replaced"),
        }
    }
    Ok(all)
}

fn held(store: impl ChunkStore + 'static) -> Arc<HeldContent> {
    Arc::new(HeldContent::new(Arc::new(store)))
}

/// Makes chunks of what lies at a path, as a content with this chunker would have them.
fn cut(
    path: &Path,
    chunker: Chunker,
    cache: Option<PathBuf>,
    watch: &Watch<'_>,
) -> Result<Source, ImportError> {
    let options = ImportOptions {
        paths: vec![path.to_owned()],
        // It is placed nowhere, so its own name does not matter.
        name: Some("reused".into()),
        chunker: Some(chunker),
        cache,
        // What cannot be shared is of no use here either.
        skip_unsafe: true,
    };
    let told = Told::default();
    let import = import(&options, &|progress| told.pass_on(progress, watch), watch.cancel())?;
    Ok(import.source)
}

/// What an import has told so far, in bytes.
#[derive(Default)]
struct Told {
    total: AtomicU64,
    done: AtomicU64,
}

impl Told {
    fn pass_on(&self, progress: ImportProgress, watch: &Watch<'_>) {
        let total = self.total.swap(progress.bytes_total, Ordering::Relaxed);
        watch.expect(progress.bytes_total - total.min(progress.bytes_total));
        let done = self.done.fetch_max(progress.bytes_done, Ordering::Relaxed);
        // The import looks at the flag itself.
        let _ = watch.did(progress.bytes_done.saturating_sub(done));
    }
}
