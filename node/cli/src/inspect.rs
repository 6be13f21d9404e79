//! `shoal inspect`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use serde::Serialize;
use shoal_content::{Chunker, ContentId, EntryKind, Manifest, Ticket};
use shoal_printable::Printable;
use tokio_util::sync::CancellationToken;

use super::error::{CliError, Exit};
use super::human;
use super::options::{SourceArgs, Wanted, chunker};
use super::output::Output;
use shoal_store::ChunkStore;

/// Files that are listed without --files.
const LISTED: usize = 20;

/// Show what a ticket, an id or a path stands for: name, files, sizes, chunks, chunker, id
///
/// What a ticket itself says needs nobody and comes first. Then, for a ticket or id, the manifest is fetched from a
/// peer; a path is hashed as `share` would.
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
    /// Leave out what cannot be shared for its name, as `share` would with this option
    #[arg(long)]
    skip_unsafe: bool,
}

/// What a ticket says by itself; of a path or bare id there is the id alone.
#[derive(Serialize)]
struct Said {
    content: String,
    peers: Vec<String>,
    rendezvous: Vec<String>,
}

#[derive(Serialize)]
struct Inspected<'a> {
    #[serde(flatten)]
    said: &'a Said,
    name: &'a str,
    shape: shoal_content::Shape,
    bytes: u64,
    chunks: u32,
    chunker: String,
    private: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
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
    if path.symlink_metadata().is_ok() {
        let paths = vec![PathBuf::from(path)];
        let imported = super::import::run(paths, None, args.chunker, args.skip_unsafe, output, &stop).await?;
        let manifest = imported.source.manifest();
        print(manifest, &Said::of_id(manifest.id()), true, args.files, output)?;
        return Ok(Exit::Done);
    }
    let wanted = args.from.wanted(&args.source)?;
    let Ok(ticket) = args.source.parse::<Ticket>() else {
        let manifest = fetch(wanted, &args.from, output, &stop).await?;
        print(&manifest, &Said::of_id(manifest.id()), true, args.files, output)?;
        return Ok(Exit::Done);
    };
    let said = Said::of_ticket(&ticket);
    // As JSON it is one object, with the rest or, where nobody has that, without.
    if !output.is_json() {
        output.data(&said, || said.lines().join("\n"))?;
    }
    match fetch(wanted, &args.from, output, &stop).await {
        Ok(manifest) => print(&manifest, &said, false, args.files, output)?,
        Err(error) => {
            if output.is_json() {
                output.data(&said, String::new)?;
            }
            return Err(error);
        }
    }
    Ok(Exit::Done)
}

/// Fetches a manifest from any peer that has it.
pub(super) async fn fetch(
    wanted: Wanted,
    from: &SourceArgs,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Arc<Manifest>, CliError> {
    let node = from.net.start(Keypair::generate_ed25519(), 0).await?;
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

impl Said {
    fn of_id(content: ContentId) -> Self {
        Self { content: content.to_string(), peers: vec![], rendezvous: vec![] }
    }

    fn of_ticket(ticket: &Ticket) -> Self {
        let texts = |all: &[Multiaddr]| all.iter().map(ToString::to_string).collect();
        Self {
            content: ticket.content.to_string(),
            peers: texts(&ticket.peers),
            rendezvous: texts(&ticket.rendezvous),
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("content   {}", self.content)];
        lines.extend(self.peers.iter().map(|peer| format!("peer      {}", Printable(peer))));
        lines.extend(self.rendezvous.iter().map(|point| format!("tracker   {}", Printable(point))));
        lines
    }
}

/// Prints what a manifest says; with `whole`, what has been said of it already too.
fn print(
    manifest: &Manifest,
    said: &Said,
    whole: bool,
    files: bool,
    output: &Output,
) -> Result<(), CliError> {
    let inspected = describe(manifest, said);
    let lines = || {
        let first = if whole { said.lines() } else { vec![] };
        first.into_iter().chain(lines(&inspected, files)).collect::<Vec<_>>().join("\n")
    };
    Ok(output.data(&inspected, lines)?)
}

fn describe<'a>(manifest: &'a Manifest, said: &'a Said) -> Inspected<'a> {
    let root = manifest.root();
    Inspected {
        said,
        name: root.name.as_str(),
        shape: root.shape,
        bytes: root.size,
        chunks: root.chunks,
        chunker: root.chunker.to_string(),
        private: root.private,
        parent: root.parent.map(|p| p.to_string()),
        files: manifest.entries().iter().map(file).collect(),
    }
}

fn file(entry: &shoal_content::FileEntry) -> File<'_> {
    let (kind, target) = match &entry.kind {
        EntryKind::File { executable: false } => ("file", None),
        EntryKind::File { executable: true } => ("exec", None),
        EntryKind::Folder => ("dir", None),
        EntryKind::Link(target) => ("link", Some(target.as_str())),
    };
    File { path: entry.path.as_str(), bytes: entry.size, kind, target, private: entry.private }
}

fn lines(it: &Inspected<'_>, all: bool) -> Vec<String> {
    let mut lines = vec![
        format!("name      {}", it.name),
        format!("size      {} ({} bytes)", human::bytes(it.bytes), it.bytes),
        format!("files     {}", it.files.len()),
        format!("chunks    {}", it.chunks),
        format!("chunker   {}", it.chunker),
    ];
    lines.extend(it.private.then(|| "private   only its owner may read the folder".to_owned()));
    lines.extend(it.parent.iter().map(|parent| format!("parent    {parent}")));
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
    lines
}
