//! `shoal tracker`: questions to rendezvous points.
//!
//! All of them are asked at once, and what those answer that answer is put together. What they say is shown
//! escaped, and never trusted beyond that.

mod find;
mod payload;
mod peers;
mod points;
mod report;
mod stats;
mod swarm;

use clap::Subcommand;
use tokio_util::sync::CancellationToken;

use super::error::{CliError, Exit};
use super::output::Output;

/// Ask rendezvous points what they know, or leave something with them
///
/// Several --rendezvous may be given: all are asked, and the command works with those that answer. It ends with
/// exit code 5 if none does, and with 1 if they refuse or have nothing of the kind.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    question: Question,
}

#[derive(Subcommand)]
enum Question {
    Peers(peers::Args),
    Find(find::Args),
    Swarm(swarm::Args),
    ReportDead(report::Args),
    Put(payload::PutArgs),
    Get(payload::GetArgs),
    Stats(stats::Args),
}

pub(super) async fn run(args: Args, output: &Output, stop: CancellationToken) -> Result<Exit, CliError> {
    let ask = async {
        match args.question {
            Question::Peers(args) => peers::run(args, output).await,
            Question::Find(args) => find::run(args, output).await,
            Question::Swarm(args) => swarm::run(args, output).await,
            Question::ReportDead(args) => report::run(args, output).await,
            Question::Put(args) => payload::put(args, output).await,
            Question::Get(args) => payload::get(args, output).await,
            Question::Stats(args) => stats::run(args, output).await,
        }
    };
    tokio::select! {
        done = ask => done,
        () = stop.cancelled() => Err(anyhow::anyhow!("stopped").into()),
    }
}
