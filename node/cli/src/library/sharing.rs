//! Sharing by a node that goes on when the command ends.

use std::time::Duration;

use anyhow::anyhow;
use serde::Serialize;
use shoal_api::Client;
use shoal_api::model::{ImportInfo, ImportStateInfo, Share};
use shoal_printable::Printable;
use tokio_util::sync::CancellationToken;

use super::super::error::{CliError, Exit};
use super::super::output::Output;

/// How often the import is asked how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// What is shared now.
#[derive(Debug, Serialize)]
pub(crate) struct SharedBy {
    /// None if the content is not in the library any more.
    ticket: Option<String>,
    content: String,
}

/// Has a node share files, and waits until they are hashed. When stopped before that, the node goes on.
pub(crate) async fn share(
    client: &Client,
    share: &Share,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Exit, CliError> {
    let begun = client.share(share).await?;
    let bar = output.byte_bar(0, "hashing");
    let mut import = begun;
    let ended = loop {
        match import.state {
            ImportStateInfo::Queued => bar.set_message("waits for others"),
            ImportStateInfo::Hashing { done, total } => {
                bar.set_message("");
                bar.set_length(total);
                bar.set_position(done);
            }
            ImportStateInfo::Done { content, ticket, skipped } => break Ok((content, ticket, skipped)),
            ImportStateInfo::Failed { why } => break Err(CliError::from(anyhow!("{}", Printable(&why)))),
        }
        tokio::select! {
            () = stop.cancelled() => {
                bar.finish_and_clear();
                output.say("the node goes on hashing, and shares it then; `shoal status` shows it");
                return Ok(Exit::PartlyDone);
            }
            () = tokio::time::sleep(LOOK) => {}
        }
        import = look(client, import.id).await?;
    };
    bar.finish_and_clear();
    let (content, ticket, skipped) = ended?;
    skipped.iter().for_each(|one| output.warn(format!("left out {}", Printable(one))));
    let shared = SharedBy { ticket, content };
    output.data(&shared, || shared.ticket.clone().unwrap_or_default())?;
    Ok(Exit::Done)
}

async fn look(client: &Client, import: u64) -> Result<ImportInfo, CliError> {
    Ok(client.import(import).await?)
}
