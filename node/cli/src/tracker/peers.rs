//! `shoal tracker peers`.

use std::collections::{BTreeMap, BTreeSet};

use libp2p::{Multiaddr, PeerId};
use serde::Serialize;
use shoal_printable::Printable;
use shoal_wire::query::PeerAddresses;

use super::super::error::{CliError, Exit};
use super::super::human;
use super::super::output::Output;
use super::points::PointArgs;
use shoal_net::{PeerSelection, TrackerClient, TrackerError};

/// Pages that are asked of one tracker with --all; a lying one could go on forever.
const MAX_PAGES: usize = 2_000;

/// List peers that are registered, each once, with their addresses
///
/// Of many a random sample is given, another one each time. A peer that was started again at the same host
/// and port under another id is listed once.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    points: PointArgs,
    /// List at most this many of each rendezvous point
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// List all, however many
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

#[derive(Serialize)]
struct Listed {
    peer: String,
    addresses: Vec<String>,
}

pub(super) async fn run(args: Args, output: &Output) -> Result<Exit, CliError> {
    let answers = args.points.ask(output, |tracker| list(tracker, args.all, args.limit)).await?;
    let mut peers: BTreeMap<PeerId, BTreeSet<Multiaddr>> = BTreeMap::new();
    for answer in answers {
        let (listed, total) = answer.said;
        output.say(format!("{}: {} registered", answer.tracker, human::count(total, "peer")));
        for peer in listed {
            let Ok(id) = PeerId::from_bytes(&peer.id) else { continue };
            let addresses = peer.addresses.into_iter();
            let addresses = addresses.filter_map(|bytes| Multiaddr::try_from(bytes.into_vec()).ok());
            peers.entry(id).or_default().extend(addresses);
        }
    }
    for (peer, addresses) in peers {
        let addresses = addresses.iter().map(|a| Printable(&a.to_string()).to_string()).collect();
        let listed = Listed { peer: peer.to_string(), addresses };
        output.data(&listed, || format!("{}  {}", listed.peer, listed.addresses.join(" ")))?;
    }
    Ok(Exit::Done)
}

/// A sample, or all page by page.
async fn list(
    tracker: TrackerClient,
    all: bool,
    limit: u32,
) -> Result<(Vec<PeerAddresses>, u64), TrackerError> {
    if !all {
        let (page, total) = tracker.peers(PeerSelection::Sample, limit).await?;
        return Ok((page.items, total));
    }
    let mut which = PeerSelection::First;
    let mut peers = vec![];
    for _ in 0..MAX_PAGES {
        let (page, total) = tracker.peers(which, 0).await?;
        peers.extend(page.items);
        match page.next {
            Some(next) => which = PeerSelection::After(next),
            None => return Ok((peers, total)),
        }
    }
    Err(TrackerError::Endless)
}
