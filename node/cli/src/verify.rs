//! `shoal verify`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use serde::Serialize;
use shoal_content::{Manifest, Shape};
use shoal_printable::Printable;
use tokio_util::sync::CancellationToken;

use super::error::{CliError, Exit};
use super::human;
use super::meter::Meter;
use super::options::SourceArgs;
use super::output::Output;
use shoal_store::{EntryState, ScanProgress, VerifyReport, verify};

/// Compare what is on disk with a content: says which files match, differ, are missing
///
/// The manifest is fetched from a peer. Exit code 0 if everything matches, 4 if not.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The content's own folder or file, or the folder that it lies in
    dir: PathBuf,
    /// A ticket or a content id
    #[arg(value_name = "TICKET|ID")]
    source: String,
    #[command(flatten)]
    from: SourceArgs,
}

#[derive(Serialize)]
struct Verified {
    path: String,
    matching: usize,
    differing: Vec<Different>,
    missing: Vec<String>,
    unsure: Vec<String>,
    extra: Vec<String>,
    extra_count: u64,
}

#[derive(Serialize)]
struct Different {
    path: String,
    why: String,
}

pub(super) async fn run(args: Args, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
    let manifest = super::inspect::fetch(args.from.wanted(&args.source)?, &args.from, output, &stop).await?;
    let base = base(&args.dir, &manifest);
    if !base.exists() {
        let error = anyhow!("'{}' does not exist", Printable(&base.to_string_lossy()));
        return Err(CliError { exit: Exit::Failed, error, hint: None });
    }
    let bar = output.byte_bar(manifest.root().size, "verifying");
    let (shown, place, whole) = (bar.clone(), base.clone(), manifest.clone());
    let cancel = Arc::new(AtomicBool::new(false));
    let stopped = cancel.clone();
    let work =
        tokio::task::spawn_blocking(move || verify(&whole, &place, &|look| scan(&shown, look), &stopped));
    let report = tokio::select! {
        report = work => report.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?,
        () = stop.cancelled() => {
            cancel.store(true, Ordering::Relaxed);
            return Err(CliError { exit: Exit::Failed, error: anyhow!("stopped"), hint: None });
        }
    };
    bar.finish_and_clear();
    let verified = summary(&manifest, base.to_string_lossy().into_owned(), &report);
    output.data(&verified, || text(&verified))?;
    Ok(if report.all_match() { Exit::Done } else { Exit::VerificationFailed })
}

/// Shows how far a look at the disk is; called from several threads at once.
fn scan(bar: &Meter, look: ScanProgress) {
    bar.set_length(look.bytes_total);
    bar.set_position(look.bytes_done.max(bar.position()));
}

/// `dir` may be the content itself, or the folder that it was placed in.
fn base(dir: &std::path::Path, manifest: &Manifest) -> PathBuf {
    let inside = dir.join(manifest.name().as_str());
    let itself = match manifest.root().shape {
        Shape::File => dir.is_file(),
        Shape::Folder => dir.file_name().is_some_and(|n| n == manifest.name().as_str()) && !inside.exists(),
    };
    if itself || !inside.exists() { dir.to_owned() } else { inside }
}

fn summary(manifest: &Manifest, path: String, report: &VerifyReport) -> Verified {
    let mut verified = Verified {
        path,
        matching: 0,
        differing: vec![],
        missing: vec![],
        unsure: vec![],
        extra: report.extra.iter().map(|p| p.to_string_lossy().into_owned()).collect(),
        extra_count: report.extra_count,
    };
    if let EntryState::Differs { why } = &report.folder {
        verified.differing.push(Different { path: ".".into(), why: why.clone() });
    }
    for (entry, state) in manifest.entries().iter().zip(&report.entries) {
        let path = entry.path.to_string();
        match state {
            EntryState::Match => verified.matching += 1,
            EntryState::Differs { why } => verified.differing.push(Different { path, why: why.clone() }),
            EntryState::Missing => verified.missing.push(path),
            EntryState::Unsure => verified.unsure.push(path),
        }
    }
    verified
}

fn text(it: &Verified) -> String {
    let mut lines = vec![];
    lines.extend(it.differing.iter().map(|d| format!("differs   {} ({})", d.path, Printable(&d.why))));
    lines.extend(it.missing.iter().map(|path| format!("missing   {path}")));
    lines.extend(
        it.unsure.iter().map(|path| format!("unsure    {path} (shares a chunk with a missing file)")),
    );
    lines.extend(it.extra.iter().map(|path| format!("extra     {}", Printable(path))));
    if it.extra_count > it.extra.len() as u64 {
        lines.push(format!("… and {} more that are not in it", it.extra_count - it.extra.len() as u64));
    }
    lines.push(format!(
        "{} match, {} differ, {} missing{}",
        human::count(it.matching as u64, "entry").replace("entrys", "entries"),
        it.differing.len(),
        it.missing.len(),
        if it.unsure.is_empty() { String::new() } else { format!(", {} unsure", it.unsure.len()) },
    ));
    lines.join("\n")
}
