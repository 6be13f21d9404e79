//! Hashing files for `share`, `inspect` and `demo`, with progress.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use shoal_content::Chunker;
use tokio_util::sync::CancellationToken;

use super::error::{CliError, Exit, NAMED};
use super::output::Output;
use shoal_store::{ImportOptions, ImportProgress, Imported, default_cache_dir, import};

/// Hashes `paths`. A bar shows the progress, and files that are left out are named.
pub(super) async fn run(
    paths: Vec<PathBuf>,
    name: Option<String>,
    chunker: Option<Chunker>,
    skip_unsafe: bool,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Imported, CliError> {
    let bar = output.byte_bar(0, "hashing");
    let cancel = Arc::new(AtomicBool::new(false));
    let options = ImportOptions { paths, name, chunker, cache: default_cache_dir(), skip_unsafe };
    let (shown, cancelled) = (bar.clone(), cancel.clone());
    let work = tokio::task::spawn_blocking(move || {
        let progress = |p: ImportProgress| {
            shown.set_length(p.bytes_total);
            shown.set_position(p.bytes_done);
        };
        import(&options, &progress, &cancelled)
    });
    let imported = tokio::select! {
        imported = work => imported.map_err(anyhow::Error::from)?,
        () = stop.cancelled() => {
            cancel.store(true, Ordering::Relaxed);
            return Err(CliError { exit: Exit::Failed, error: anyhow!("stopped"), hint: None });
        }
    };
    bar.finish_and_clear();
    let imported = imported?;
    let skipped = &imported.skipped;
    skipped.named.iter().take(NAMED).for_each(|one| output.warn(format!("left out {one}")));
    match skipped.more_than(NAMED) {
        0 => {}
        more => output.warn(format!("left out {more} more")),
    }
    Ok(imported)
}
