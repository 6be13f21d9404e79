//! `shoal tracker find`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use libp2p::PeerId;
use serde::Serialize;
use shoal_printable::Printable;
use shoal_wire::tracker::{Match, Mode};

use super::super::error::CliError;
use super::super::error::Exit;
use super::super::human;
use super::super::output::Output;
use super::points::PointArgs;
use shoal_net::TrackerClient;

/// Find contents by name: prints id, size, number of publishers and name of each
///
/// Found is what peers publish with `shoal share --publish`, for as long as they share it. Case does not count. Give
/// the id to `shoal get ID --rendezvous ADDR`. Exit code 1 if nothing has such a name.
#[derive(clap::Args)]
pub(super) struct Args {
    /// What the name contains; '' finds every name
    #[arg(value_name = "NAME")]
    text: String,
    #[command(flatten)]
    points: PointArgs,
    /// The name begins with it
    #[arg(long)]
    prefix: bool,
    /// Find at most this many at each rendezvous point
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

#[derive(Serialize)]
struct Found {
    name: String,
    bytes: u64,
    files: u32,
    content: String,
    /// By the tracker that knows most of them.
    publishers: u32,
    peers: BTreeSet<String>,
}

pub(super) async fn run(args: Args, output: &Output) -> Result<Exit, CliError> {
    let mode = if args.prefix { Mode::Prefix } else { Mode::Substring };
    let (text, limit) = (args.text.as_str(), args.limit as usize);
    let ask = |tracker: TrackerClient| async move { tracker.find_all(mode, text, limit).await };
    let answers = args.points.ask(output, ask).await?;
    let mut all: BTreeMap<_, Found> = BTreeMap::new();
    for found in answers.into_iter().flat_map(|answer| answer.said) {
        let Match { entry, peers, publishers } = found;
        let key = (entry.name.clone(), entry.content, entry.size, entry.files);
        let known = all.entry(key).or_insert_with(|| Found {
            name: entry.name,
            bytes: entry.size,
            files: entry.files,
            content: entry.content.to_string(),
            publishers: 0,
            peers: BTreeSet::new(),
        });
        known.publishers = known.publishers.max(publishers);
        known
            .peers
            .extend(peers.iter().filter_map(|id| PeerId::from_bytes(id).ok()).map(|id| id.to_string()));
    }
    if all.is_empty() {
        let how = if args.prefix { "begins with" } else { "contains" };
        let error = CliError::from(anyhow!("no published name {how} '{}'", Printable(text)));
        return Err(error.hint("names are published by `shoal share --publish`, as long as it runs"));
    }
    for found in all.values() {
        output.data(found, || {
            let peers = human::count(found.publishers.into(), "peer");
            let (size, name) = (human::bytes(found.bytes), Printable(&found.name));
            format!("{}  {size:>11}  {peers:>8}  {name}", found.content)
        })?;
    }
    Ok(Exit::Done)
}
