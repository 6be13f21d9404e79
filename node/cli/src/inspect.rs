//! `shoal inspect`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use shoal_content::{Chunker, EntryKind, Manifest, Ticket};
use tokio_util::sync::CancellationToken;

use super::error::{CliError, Exit};
use super::human;
use super::options::{SourceArgs, chunker};
use super::output::Output;
use shoal_store::ChunkStore;

/// Files that are listed without --files.
const LISTED: usize = 20;

/// Show what a ticket, an id or a path stands for: name, files, sizes, chunks, chunker, id
///
/// For a ticket or id the manifest is fetched from a peer; a path is hashed as `share` would.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A ticket, a content id, or a file or folder
    #[arg(value_name = "TICKET|ID|PATH")]
    source: String,
    #[command(flatten)]
    from: SourceArgs,
    /// List every file
    #[arg(long)]
    files: bool,
    /// How to cut a path: fastcdc:MIN:AVG:MAX or fixed:SIZE [default: fastcdc, finer for small contents]
    #[arg(long, value_name = "CHUNKER", value_parser = chunker)]
    chunker: Option<Chunker>,
}

#[derive(Serialize)]
struct Inspected<'a> {
    content: String,
    name: &'a str,
    shape: shoal_content::Shape,
    bytes: u64,
    chunks: u32,
    chunker: String,
    private: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    peers: Vec<String>,
    rendezvous: Vec<String>,
    files: Vec<File<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    bytes: u64,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    private: bool,
}

pub(super) async fn run(args: Args, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
    let path = Path::new(&args.source);
    let manifest = if path.symlink_metadata().is_ok() {
        let paths = vec![PathBuf::from(path)];
        let imported = super::import::run(paths, None, args.chunker, output, &stop).await?;
        imported.source.manifest().clone()
    } else {
        fetch(&args.source, &args.from, output, &stop).await?
    };
    let ticket = args.source.parse::<Ticket>().ok();
    let inspected = describe(&manifest, ticket.as_ref());
    output.data(&inspected, || text(&inspected, args.files))?;
    Ok(Exit::Done)
}

/// Fetches a manifest from whoever has it.
pub(super) async fn fetch(
    source: &str,
    from: &SourceArgs,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Arc<Manifest>, CliError> {
    let wanted = from.wanted(source)?;
    let node = from.net.start(None, 0).await?;
    let status = output.status("looking");
    status.set_message("for somebody who has the manifest");
    let manifest = tokio::select! {
        manifest = node.manifest(wanted.content, wanted.peers, wanted.rendezvous, from.wait) => manifest,
        () = stop.cancelled() => Err(Arc::new(shoal_net::Failure::Stopped { kept: Some(0) })),
    };
    status.finish_and_clear();
    node.shutdown().await;
    Ok(manifest?)
}

fn describe<'a>(manifest: &'a Manifest, ticket: Option<&Ticket>) -> Inspected<'a> {
    let root = manifest.root();
    let texts =
        |all: Option<&Vec<libp2p::Multiaddr>>| all.into_iter().flatten().map(ToString::to_string).collect();
    Inspected {
        content: manifest.id().to_string(),
        name: root.name.as_str(),
        shape: root.shape,
        bytes: root.size,
        chunks: root.chunks,
        chunker: root.chunker.to_string(),
        private: root.private,
        parent: root.parent.map(|p| p.to_string()),
        peers: texts(ticket.map(|t| &t.peers)),
        rendezvous: texts(ticket.map(|t| &t.rendezvous)),
        files: manifest.entries().iter().map(file).collect(),
    }
}

fn file(entry: &shoal_content::Entry) -> File<'_> {
    let (kind, target) = match &entry.kind {
        EntryKind::File { executable: false } => ("file", None),
        EntryKind::File { executable: true } => ("exec", None),
        EntryKind::Folder => ("dir", None),
        EntryKind::Link(target) => ("link", Some(target.as_str())),
    };
    File { path: entry.path.as_str(), bytes: entry.size, kind, target, private: entry.private }
}

fn text(it: &Inspected<'_>, all: bool) -> String {
    let mut lines = vec![
        format!("name      {}", it.name),
        format!("content   {}", it.content),
        format!("size      {} ({} bytes)", human::bytes(it.bytes), it.bytes),
        format!("files     {}", it.files.len()),
        format!("chunks    {}", it.chunks),
        format!("chunker   {}", it.chunker),
    ];
    lines.extend(it.private.then(|| "private   only its owner may read the folder".to_owned()));
    lines.extend(it.parent.iter().map(|parent| format!("parent    {parent}")));
    lines.extend(it.peers.iter().map(|peer| format!("peer      {peer}")));
    lines.extend(it.rendezvous.iter().map(|point| format!("tracker   {point}")));
    let shown = if all { it.files.len() } else { LISTED };
    for file in it.files.iter().take(shown) {
        let target = file.target.map(|t| format!(" -> {t}")).unwrap_or_default();
        let private = if file.private { " (private)" } else { "" };
        let bytes = human::bytes(file.bytes);
        lines.push(format!("{:<5} {bytes:>11}  {}{target}{private}", file.kind, file.path));
    }
    if it.files.len() > shown {
        lines.push(format!("… and {} more; --files lists all", it.files.len() - shown));
    }
    lines.join("\n")
}
