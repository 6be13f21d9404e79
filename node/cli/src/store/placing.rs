//! Having other nodes keep a content, and ending that.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use shoal_api::Client;
use shoal_api::model::{ImportStateInfo, Share, StoreOrder, StoredInfo};
use shoal_printable::Printable;
use tokio_util::sync::CancellationToken;

use super::super::error::{CliError, Exit};
use super::super::human;
use super::super::output::Output;

/// How often it is asked how far it is.
const LOOK: Duration = Duration::from_millis(200);
/// How long to wait while nobody is there that keeps anything.
const NOBODY: Duration = Duration::from_secs(30);

/// What to have kept, and how.
pub(crate) struct Placement {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) name: Option<String>,
    pub(crate) copies: u8,
    pub(crate) keep: Duration,
    /// Whether to wait until all copies are there.
    pub(crate) waits: bool,
    /// Whether the node ends with the command.
    pub(crate) is_own: bool,
}

/// Shares files, and has other nodes keep them.
pub(crate) async fn store(
    client: &Client,
    it: &Placement,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Exit, CliError> {
    let share = Share { paths: it.paths.clone(), name: it.name.clone(), ..Share::default() };
    let content = hashed(client, &share, output).await?;
    let order = StoreOrder { content: content.clone(), copies: it.copies, keep_for: it.keep.as_secs() };
    let mut now = client.keep(&order).await?;
    let bar = output.status("storing");
    let began = Instant::now();
    let mut exit = Exit::Done;
    while it.waits && copies(&now) < it.copies.into() {
        bar.set_message(format!("{} of {} copies are there", copies(&now), it.copies));
        tokio::select! {
            () = stop.cancelled() => {
                exit = Exit::PartlyDone;
                break;
            }
            () = tokio::time::sleep(LOOK) => {}
        }
        let store = client.store().await?;
        if store.willing == 0 && copies(&now) == 0 && began.elapsed() > NOBODY {
            bar.finish_and_clear();
            return Err(nobody(it.is_own));
        }
        let view = store.contents.into_iter().find(|view| view.content == content);
        now = view.ok_or_else(|| anyhow!("the content is not in the store of this node any more"))?;
    }
    bar.finish_and_clear();
    let (there, wanted) = (copies(&now), it.copies);
    output.say(match (exit, it.is_own) {
        (Exit::Done, _) if there >= wanted.into() => format!("{there} nodes keep it"),
        (_, true) => format!("{there} of {wanted} nodes keep it"),
        _ => {
            format!("{there} of {wanted} nodes keep it; the node goes on, `shoal stored` shows how far it is")
        }
    });
    output.data(&now, || now.content.clone())?;
    Ok(exit)
}

/// Nodes that have proven that they keep it, and this one if it does.
fn copies(view: &StoredInfo) -> usize {
    view.proven + usize::from(view.state == "held")
}

fn nobody(is_own: bool) -> CliError {
    let error = CliError::from(anyhow!("no node that keeps contents for others can be reached"));
    let error = CliError { exit: Exit::NoPeers, ..error };
    error.hint(if is_own {
        "check the address behind --peer; nodes that keep contents run `shoal node --donate SIZE`"
    } else {
        "start some with `shoal node --donate SIZE --peer ADDR`, ADDR being an address of this one; it goes on by itself then"
    })
}

/// Has files hashed and shared; returns the content's id.
async fn hashed(client: &Client, share: &Share, output: &Output) -> Result<String, CliError> {
    let bar = output.byte_bar(0, "hashing");
    let mut import = client.share(share).await?;
    loop {
        match import.state {
            ImportStateInfo::Queued => {}
            ImportStateInfo::Hashing { done, total } => {
                bar.set_length(total);
                bar.set_position(done);
            }
            ImportStateInfo::Done { content, .. } => {
                bar.finish_and_clear();
                return Ok(content);
            }
            ImportStateInfo::Failed { why } => {
                bar.finish_and_clear();
                return Err(anyhow!("{}", Printable(&why)).into());
            }
        }
        tokio::time::sleep(LOOK).await;
        import = client.import(import.id).await?;
    }
}

/// Has other nodes keep a content no longer.
pub(crate) async fn end(client: &Client, content: &str, output: &Output) -> Result<Exit, CliError> {
    client.end_stored(content).await?;
    output.say(format!(
        "the nodes that keep '{}' are told; those that are away hear of it when they are back. Files here stay.",
        human_name(content)
    ));
    output.data(&content, || content.to_owned())?;
    Ok(Exit::Done)
}

fn human_name(text: &str) -> String {
    Printable(text).to_string()
}

/// For how long something is still kept.
pub(super) fn time_left(expires: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    human::time(Duration::from_secs(expires.saturating_sub(now.as_secs())))
}
