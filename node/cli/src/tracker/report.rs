//! `shoal tracker report-dead`.

use libp2p::PeerId;
use serde::Serialize;
use shoal_wire::tracker::Verdict;

use super::super::error::{CliError, Exit};
use super::super::output::Output;
use super::points::PointArgs;

/// Report a peer that does not answer: the rendezvous point looks for itself
///
/// It forgets the peer only if it finds it dead too. Prints what comes of the report: 'probing' (it looks now),
/// 'limited' (it has just looked, or you report too much), 'unknown' (no such peer is registered).
#[derive(clap::Args)]
pub(super) struct Args {
    /// The peer's id (12D3KooW…)
    peer: PeerId,
    #[command(flatten)]
    points: PointArgs,
}

#[derive(Serialize)]
struct Reported {
    tracker: String,
    peer: String,
    verdict: Verdict,
}

pub(super) async fn run(args: Args, output: &Output) -> Result<Exit, CliError> {
    let peer = args.peer;
    let ask = |tracker: shoal_net::TrackerClient| async move { tracker.report(peer).await };
    for answer in args.points.ask(output, ask).await? {
        let verdict = answer.said;
        let reported = Reported { tracker: answer.tracker.to_string(), peer: peer.to_string(), verdict };
        let word = match verdict {
            Verdict::Probing => "probing",
            Verdict::Limited => "limited",
            Verdict::Unknown => "unknown",
        };
        output.data(&reported, || format!("{word}  {}", reported.tracker))?;
    }
    Ok(Exit::Done)
}
