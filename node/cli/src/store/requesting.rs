//! Fetching a content from the nodes that keep it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use libp2p::Multiaddr;
use shoal_api::model::{Fetch, StoreFoundInfo};
use shoal_api::{Client, ClientError};
use shoal_content::{ContentId, Ticket};
use shoal_printable::Printable;
use tokio_util::sync::CancellationToken;

use super::super::error::{CliError, Exit};
use super::super::library;
use super::super::output::Output;
use super::own::own;

/// How long nodes are looked for: a node that was just started knows nobody yet.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often.
const AGAIN: Duration = Duration::from_millis(500);
/// Addresses in a ticket.
const MOST: usize = 16;

/// Fetches a content by its id or name into a folder.
pub(crate) async fn request(
    client: &Client,
    content: &str,
    dir: PathBuf,
    force: bool,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Exit, CliError> {
    let found = located(client, content, output, stop).await?;
    let id: ContentId = found.content.parse().map_err(|_| anyhow!("the node's answer makes no sense"))?;
    let others = found.holders.iter().flat_map(|holder| &holder.addresses);
    let mut peers: Vec<Multiaddr> = others.filter_map(|text| text.parse().ok()).collect();
    let is_here = client.content(&found.content).await.is_ok();
    if is_here {
        // The node keeps it itself, in the store's folder: another one fetches it from there.
        let ticket: Ticket =
            client.ticket(&found.content).await?.ticket.parse().map_err(anyhow::Error::from)?;
        peers.splice(..0, ticket.peers);
    }
    peers.truncate(MOST);
    let source = Ticket { content: id, peers, rendezvous: vec![] }.to_string();
    let fetch = Fetch { source, dir, force, ..Fetch::default() };
    if !is_here {
        return library::fetch(client, &fetch, true, output, stop).await;
    }
    let session = own(vec![], None).await?;
    session.with(|client| async move { library::fetch(&client, &fetch, true, output, stop).await }).await
}

/// Who has it. Goes on for a while if nobody is known yet.
async fn located(
    client: &Client,
    content: &str,
    output: &Output,
    stop: &CancellationToken,
) -> Result<StoreFoundInfo, CliError> {
    let began = Instant::now();
    let bar = output.status("looking");
    let found = loop {
        match client.locate_stored(content).await {
            Err(ClientError::Refused(problem))
                if problem.kind == "no_peers" && began.elapsed() < PATIENCE => {}
            found => break found,
        }
        tokio::select! {
            () = stop.cancelled() => break Err(ClientError::Broken("stopped".into())),
            () = tokio::time::sleep(AGAIN) => {}
        }
    };
    bar.finish_and_clear();
    let found = found?;
    output.say(format!("{} nodes have '{}'", found.holders.len(), Printable(&found.name)));
    Ok(found)
}
