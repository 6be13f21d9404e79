//! `shoal tracker swarm`.

use serde::Serialize;
use shoal_content::{ContentId, Ticket};

use super::super::error::{CliError, Exit};
use super::super::output::Output;
use super::points::PointArgs;

/// Tell how many peers have a content, and how many are fetching it
///
/// By what they say themselves, a line for each rendezvous point. Peers that do not say are counted apart.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A ticket or a content id
    #[arg(value_name = "TICKET|ID", value_parser = content)]
    content: ContentId,
    #[command(flatten)]
    points: PointArgs,
}

#[derive(Serialize)]
struct Size {
    tracker: String,
    content: String,
    seeds: u64,
    downloaders: u64,
    unknown: u64,
}

pub(super) async fn run(args: Args, output: &Output) -> Result<Exit, CliError> {
    let content = args.content;
    let ask = |tracker: shoal_net::TrackerClient| async move { tracker.swarm(content).await };
    for answer in args.points.ask(output, ask).await? {
        let size = Size {
            tracker: answer.tracker.to_string(),
            content: content.to_string(),
            seeds: answer.said.seeds,
            downloaders: answer.said.downloaders,
            unknown: answer.said.unknown,
        };
        output.data(&size, || {
            let Size { tracker, seeds, downloaders, unknown, .. } = &size;
            format!("seeds {seeds}, downloaders {downloaders}, did not say {unknown}  {tracker}")
        })?;
    }
    Ok(Exit::Done)
}

fn content(text: &str) -> Result<ContentId, String> {
    if text.starts_with("shoal") {
        text.parse().map(|ticket: Ticket| ticket.content).map_err(|error| error.to_string())
    } else {
        text.parse().map_err(|error| format!("neither a ticket nor a content id ({error})"))
    }
}
