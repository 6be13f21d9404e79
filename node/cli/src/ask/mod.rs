//! Commands that ask peers, and what they do on any node, also in the shell.
//!
//! What a peer says of itself is its claim: it is shown as that, and nothing is done because of it.

mod commands;
mod topo;

use std::time::Duration;

use anyhow::anyhow;
use futures::future::join_all;
use serde::Serialize;
use shoal_api::Client;
use shoal_api::model::{NeighbourInfo, Page, PeerContentInfo, WhereInfo};
use shoal_printable::Printable;

pub(super) use self::commands::{CountersArgs, LoadArgs, LsArgs, PingArgs, TopoArgs, WhereArgs};
pub(super) use self::topo::{MapForm, topo};
use super::error::{CliError, Exit};
use super::output::Output;
use super::show;

/// Pages that are asked for; a lying peer could go on for ever.
const MAX_PAGES: usize = 1_000;
/// Peers that are asked where a chunk is.
const MAX_ASKED: usize = 50;
/// Between two round trips.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks a peer, or the node itself, what it has to do.
pub(super) async fn load(client: &Client, peer: Option<&str>, output: &Output) -> Result<Exit, CliError> {
    match peer {
        Some(peer) => {
            let said = client.ask_load(peer).await?;
            output.data(&said, || show::peer_load(peer, &said))?;
        }
        None => {
            let load = client.load().await?;
            output.data(&load, || show::load(&load))?;
        }
    }
    Ok(Exit::Done)
}

/// Asks a peer, or the node itself, what it counts.
pub(super) async fn counters(
    client: &Client,
    peer: Option<&str>,
    content: Option<&str>,
    output: &Output,
) -> Result<Exit, CliError> {
    match peer {
        Some(peer) => {
            let said = client.ask_counters(peer, content).await?;
            output.data(&said, || show::peer_counters(peer, &said))?;
        }
        None => {
            let counters = client.counters().await?;
            output.data(&counters, || show::counters(&counters))?;
        }
    }
    Ok(Exit::Done)
}

/// Where one peer says that a chunk is.
#[derive(Serialize)]
struct Said {
    /// The peer that says so.
    peer: String,
    #[serde(flatten)]
    location: WhereInfo,
}

/// Asks these peers where a chunk is, or if none is named, those that are connected for the content.
pub(super) async fn locate(
    client: &Client,
    content: &str,
    chunk: &str,
    peers: &[String],
    output: &Output,
) -> Result<Exit, CliError> {
    let peers = if peers.is_empty() { holders(client, content).await? } else { peers.to_vec() };
    if peers.is_empty() {
        let error = CliError::from(anyhow!("no peer is connected for '{}'", Printable(content)));
        return Err(CliError { exit: Exit::NoPeers, ..error }.hint("name a peer by its address: --peer ADDR"));
    }
    let asked = peers.iter().map(|peer| async move { (peer, client.ask_where(peer, content, chunk).await) });
    let (mut said, mut last) = (vec![], None);
    for (peer, answer) in join_all(asked).await {
        match answer {
            Ok(location) => said.push(Said { peer: peer.clone(), location }),
            Err(error) => {
                if let Some((peer, error)) = last.replace((peer, error)) {
                    output.warn(format!("{}: {}", Printable(peer), error));
                }
            }
        }
    }
    match last {
        Some((_, error)) if said.is_empty() => return Err(error.into()),
        Some((peer, error)) => output.warn(format!("{}: {}", Printable(peer), error)),
        None => {}
    }
    let text = || said.iter().map(|it| show::location(&it.peer, &it.location)).collect::<Vec<_>>().join("\n");
    output.list(&said, text)?;
    Ok(Exit::Done)
}

/// Peers that are connected for a content of the library.
async fn holders(client: &Client, content: &str) -> Result<Vec<String>, CliError> {
    let page = client.content_peers(content, None, Some(1000)).await?;
    let connected = page.items.into_iter().filter(|peer| peer.connected);
    Ok(connected.map(|peer| peer.peer).take(MAX_ASKED).collect())
}

/// Asks a peer for all that it shares in public.
pub(super) async fn shared_by(client: &Client, peer: &str, output: &Output) -> Result<Exit, CliError> {
    let mut all: Vec<PeerContentInfo> = vec![];
    let mut after: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let Page { items, next } = client.ask_contents(peer, after.as_deref()).await?;
        all.extend(items);
        after = next;
        if after.is_none() {
            break;
        }
    }
    if after.is_some() {
        output.warn(format!("{} says that it shares more; this is not all", Printable(peer)));
    }
    output.list(&all, || show::peer_contents(peer, &all))?;
    Ok(Exit::Done)
}

/// Round trips to a peer, in milliseconds.
#[derive(Debug, Serialize)]
struct Pings {
    peer: String,
    sent: u32,
    received: u32,
    min: Option<f64>,
    avg: Option<f64>,
    max: Option<f64>,
}

impl Pings {
    fn of(peer: &str, sent: u32, times: &[f64]) -> Self {
        let some = |value: f64| (!times.is_empty()).then_some(value);
        Self {
            peer: peer.to_owned(),
            sent,
            received: times.len() as u32,
            min: some(times.iter().copied().fold(f64::INFINITY, f64::min)),
            avg: some(times.iter().sum::<f64>() / times.len() as f64),
            max: some(times.iter().copied().fold(0.0, f64::max)),
        }
    }

    fn text(&self) -> String {
        let Self { sent, received, .. } = self;
        let times = self.min.zip(self.avg).zip(self.max);
        let times = times.map(|((min, avg), max)| format!(", min/avg/max {min:.1}/{avg:.1}/{max:.1} ms"));
        format!("{}: {received} of {sent} answered{}", Printable(&self.peer), times.unwrap_or_default())
    }
}

/// Measures round trips to a peer.
pub(super) async fn ping(client: &Client, peer: &str, count: u32, output: &Output) -> Result<Exit, CliError> {
    let (mut times, mut last) = (vec![], None);
    for n in 0..count {
        if n > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        match client.ping(peer).await {
            Ok(pong) => {
                output.say(format!("{}: {:.1} ms", Printable(peer), pong.millis));
                times.push(pong.millis);
            }
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) if times.is_empty() => return Err(error.into()),
        Some(error) => output.warn(error.to_string()),
        None => {}
    }
    let pings = Pings::of(peer, count, &times);
    output.data(&pings, || pings.text())?;
    Ok(Exit::Done)
}

/// All connected peers of the node.
pub(super) async fn neighbours(client: &Client) -> Result<Vec<NeighbourInfo>, CliError> {
    let mut all = vec![];
    let mut after: Option<String> = None;
    loop {
        let Page { items, next } = client.peers(after.as_deref(), Some(1000)).await?;
        all.extend(items);
        after = next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// Lists connected peers.
pub(super) async fn peers(client: &Client, output: &Output) -> Result<Exit, CliError> {
    let all = neighbours(client).await?;
    output.list(&all, || show::neighbours(&all))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_summed_up() {
        let pings = Pings::of("P", 3, &[1.0, 2.0]);
        assert_eq!((pings.min, pings.avg, pings.max), (Some(1.0), Some(1.5), Some(2.0)));
        assert_eq!(pings.text(), "P: 2 of 3 answered, min/avg/max 1.0/1.5/2.0 ms");
        let none = Pings::of("P", 1, &[]);
        assert_eq!((none.min, none.avg, none.max), (None, None, None));
        assert_eq!(none.text(), "P: 0 of 1 answered");
    }
}
