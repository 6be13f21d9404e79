//! `shoal tracker put` and `shoal tracker get`.

use std::fs::OpenOptions;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::Serialize;
use shoal_content::Hash;
use shoal_printable::escaped;
use shoal_wire::tracker::MAX_PAYLOAD;

use super::super::error::CliError;
use super::super::error::Exit;
use super::super::human;
use super::super::output::Output;
use super::points::PointArgs;
use shoal_net::TrackerClient;

/// Leave a small payload (at most 64 KiB) for others to get: prints its id
///
/// The id is the SHA-256 of the bytes. It is kept for about a day after it was last put; whoever has the id can get
/// it. With several rendezvous points it is left with each.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("payload").required(true).args(["file", "text"]))]
pub(super) struct PutArgs {
    /// File with the payload; '-' reads standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The payload itself
    #[arg(long)]
    text: Option<String>,
    #[command(flatten)]
    points: PointArgs,
}

/// Get a payload by its id
///
/// It is written to standard output as it is; on a terminal, text is shown with everything escaped that could
/// change how it is shown. The first rendezvous point that has it is enough. Exit code 1 if none has.
#[derive(clap::Args)]
pub(super) struct GetArgs {
    /// The id that `shoal tracker put` printed: 64 hexadecimal digits
    id: Hash,
    #[command(flatten)]
    points: PointArgs,
    /// File to write it to; one that is there is left alone
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Serialize)]
struct Stored {
    id: String,
    bytes: usize,
    /// How long it is kept, in seconds, by the tracker that keeps it longest.
    ttl: u64,
}

#[derive(Serialize)]
struct Got {
    id: String,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

pub(super) async fn put(args: PutArgs, output: &Output) -> Result<Exit, CliError> {
    let payload = match (args.text, args.file) {
        (Some(text), _) => text.into_bytes(),
        (None, Some(file)) => read(&file)?,
        (None, None) => return Err(CliError::usage(anyhow!("there is nothing to put"))),
    };
    check(&payload)?;
    let ask = |tracker: TrackerClient| {
        let payload = payload.clone();
        async move { tracker.put(payload).await }
    };
    let answers = args.points.ask(output, ask).await?;
    let ttl = answers.iter().map(|answer| answer.said.1.as_secs()).max().unwrap_or_default();
    let stored = Stored { id: Hash::of(&payload).to_string(), bytes: payload.len(), ttl };
    output.say(format!(
        "left with {} for {}",
        human::count(answers.len() as u64, "rendezvous point"),
        human::time(std::time::Duration::from_secs(ttl))
    ));
    output.data(&stored, || stored.id.clone())?;
    Ok(Exit::Done)
}

/// Reads no more than shows that it is too long.
fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    let mut payload = vec![];
    let most = MAX_PAYLOAD as u64 + 1;
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut payload)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(most).read_to_end(&mut payload))
    };
    read.with_context(|| format!("cannot read '{}'", file.display()))?;
    Ok(payload)
}

fn check(payload: &[u8]) -> Result<(), CliError> {
    if payload.len() > MAX_PAYLOAD {
        let error = CliError::from(anyhow!("the payload is longer than 64 KiB"));
        return Err(error.hint("share it with `shoal share`, which has no such limit"));
    }
    if payload.is_empty() { Err(CliError::from(anyhow!("the payload is empty"))) } else { Ok(()) }
}

pub(super) async fn get(args: GetArgs, output: &Output) -> Result<Exit, CliError> {
    let id = args.id;
    let answers =
        args.points.ask(output, |tracker: TrackerClient| async move { tracker.get(id).await }).await?;
    let Some(payload) = answers.into_iter().map(|answer| answer.said).next() else {
        return Err(anyhow!("no rendezvous point has it").into());
    };
    let got = |path, text| Got { id: id.to_string(), bytes: payload.len(), path, text };
    if let Some(path) = args.output {
        write_new(&path, &payload)?;
        let got = got(Some(path), None);
        output.data(&got, || got.path.iter().map(|path| path.display().to_string()).collect())?;
        return Ok(Exit::Done);
    }
    let text = std::str::from_utf8(&payload).ok();
    let shown = output.is_json() || std::io::stdout().is_terminal();
    match text {
        Some(text) if shown => output.data(&got(None, Some(text.to_owned())), || escaped(text))?,
        None if shown => {
            let error = CliError::from(anyhow!("the payload is not text"));
            return Err(error.hint("write it to a file with -o FILE, or pipe it without --json"));
        }
        _ => {
            let mut stdout = std::io::stdout().lock();
            stdout
                .write_all(&payload)
                .and_then(|()| stdout.flush())
                .context("cannot write to standard output")?;
        }
    }
    Ok(Exit::Done)
}

fn write_new(path: &Path, payload: &[u8]) -> Result<(), CliError> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(payload));
    Ok(written.with_context(|| format!("cannot write '{}'", path.display()))?)
}
