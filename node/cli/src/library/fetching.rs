//! Fetching by a node that goes on when the command ends.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use futures::StreamExt;
use serde::Serialize;
use shoal_api::model::{ApiChange, Content, ContentStateInfo, Fetch};
use shoal_api::{Client, ClientError};
use shoal_printable::Printable;
use tokio_util::sync::CancellationToken;

use super::super::error::{CliError, Exit};
use super::super::human;
use super::super::meter::Meter;
use super::super::output::Output;
use super::super::show;
use super::super::stillness::Stillness;
use super::super::why::sentence;

/// How often it is looked whether anything has come.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a download that a node carries out has come to.
#[derive(Debug, PartialEq)]
enum Ending {
    /// It goes on.
    Open,
    /// Everything that is wanted is here.
    Complete,
    /// It stopped; why, in words.
    Stopped(&'static str, String),
}

impl Ending {
    /// What a content's state says.
    fn of(content: &Content) -> Self {
        let why = || content.why.clone().unwrap_or_default();
        match content.state {
            ContentStateInfo::Failed => Self::Stopped("failed", why()),
            _ if content.complete => Self::Complete,
            ContentStateInfo::Paused => Self::Stopped("paused", why()),
            _ => Self::Open,
        }
    }
}

/// A download that is complete, or the part of it that is known when the command leaves it to the node.
#[derive(Debug, Serialize)]
struct FetchedBy {
    path: Option<String>,
    content: String,
    complete: bool,
    /// Bytes of verified chunks that came over the network.
    fetched: u64,
    /// Bytes that came twice.
    duplicate: u64,
    seconds: f64,
}

impl FetchedBy {
    fn of(content: &Content, start: Instant) -> Self {
        Self {
            path: content.paths.first().map(|path| path.to_string_lossy().into_owned()),
            content: content.content.clone(),
            complete: content.complete,
            fetched: content.received,
            duplicate: content.duplicate,
            seconds: start.elapsed().as_secs_f64(),
        }
    }
}

/// Has a node fetch a content. With `follow` it shows progress until the download is complete; when stopped before that,
/// the node goes on.
pub(crate) async fn fetch(
    client: &Client,
    fetch: &Fetch,
    follow: bool,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Exit, CliError> {
    let start = Instant::now();
    // Before it begins, so that nothing is missed.
    let mut events = client.events(None).await?;
    let content = begin(client, fetch, output).await?;
    if !follow {
        output.say("the node fetches it; `shoal status` shows how far it is");
        let begun = FetchedBy::of(&content, start);
        output.data(&begun, || begun.content.clone())?;
        return Ok(Exit::Done);
    }
    let id = content.content.clone();
    let bar = output.byte_bar(0, "looking");
    let mut now = content;
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut still = Stillness::new();
    let ended = loop {
        match Ending::of(&now) {
            Ending::Open => show(&bar, &now),
            Ending::Complete => break Ok(()),
            Ending::Stopped(how, why) => break Err(stopped(how, &why, &id)),
        }
        tokio::select! {
            () = stop.cancelled() => {
                bar.finish_and_clear();
                output.say(format!("the node goes on fetching; `shoal status {id}` shows how far it is"));
                return Ok(Exit::PartlyDone);
            }
            _ = look.tick() => {
                let moved = (now.state, now.done, now.received, now.duplicate);
                if still.is_due(start.elapsed(), moved) {
                    say_why(client, &id, &mut still, output).await;
                }
            }
            event = events.next() => match event {
                Some(event) => if let Some(content) = concerning(&id, event?.change, client).await? {
                    now = content;
                },
                None => break Err(ClientError::Broken("it has ended".into()).into()),
            },
        }
    };
    bar.finish_and_clear();
    ended?;
    let fetched = FetchedBy::of(&now, start);
    output.say(format!(
        "done: {} fetched in {}, every byte verified; the node serves it on",
        human::bytes(fetched.fetched),
        human::time(start.elapsed())
    ));
    output.data(&fetched, || fetched.path.clone().unwrap_or_default())?;
    Ok(Exit::Done)
}

/// Says what has not been said yet of why nothing comes.
async fn say_why<M: PartialEq>(client: &Client, id: &str, still: &mut Stillness<M>, output: &Output) {
    // Err: the node has too much to do to say; it is asked again.
    let findings = client.why(id).await.map(|why| why.findings).unwrap_or_default();
    still.news(findings).iter().for_each(|why| output.say(format!("nothing comes: {}", sentence(why))));
}

/// Begins the download; one that the node has already is followed as it is.
async fn begin(client: &Client, fetch: &Fetch, output: &Output) -> Result<Content, CliError> {
    match client.fetch(fetch).await {
        Err(ClientError::Refused(problem)) if problem.kind == "conflict" => {
            let id = content_of(&fetch.source).ok_or(ClientError::Refused(problem.clone()))?;
            let Ok(content) = client.content(&id).await else {
                return Err(ClientError::Refused(problem).into());
            };
            output.say(format!("{} is in the node's library already", show::name(&content)));
            Ok(content)
        }
        content => Ok(content?),
    }
}

/// The id in a ticket, or a bare one.
fn content_of(source: &str) -> Option<String> {
    match source.parse::<shoal_content::Ticket>() {
        Ok(ticket) => Some(ticket.content.to_string()),
        Err(_) => source.parse::<shoal_content::ContentId>().ok().map(|id| id.to_string()),
    }
}

/// How the content is now, if an event may have changed that.
async fn concerning(id: &str, change: ApiChange, client: &Client) -> Result<Option<Content>, CliError> {
    Ok(match change {
        ApiChange::Content(content) if content.content == id => Some(*content),
        // What happened before it is not known: ask.
        ApiChange::Snapshot(_) => Some(client.content(id).await?),
        ApiChange::Removed(removed) if removed.content == id => {
            return Err(CliError::from(anyhow!("the content was removed from the node's library")));
        }
        _ => None,
    })
}

fn stopped(how: &str, why: &str, id: &str) -> CliError {
    let why = if why.is_empty() { String::new() } else { format!(": {}", Printable(why)) };
    let error = CliError::from(anyhow!("the download is {how}{why}"));
    CliError { exit: Exit::PartlyDone, ..error }.hint(format!("`shoal resume {id}` goes on with it"))
}

fn show(bar: &Meter, content: &Content) {
    bar.set_prefix(show::state(content.state));
    if bar.length() != Some(content.total) {
        bar.set_length(content.total);
        // What was there already is no measure of how fast the rest comes.
        bar.set_position(content.done);
        bar.reset_eta();
    }
    bar.set_position(content.done);
    let mut text = human::count(content.peers as u64, "peer");
    if content.unavailable > 0 && content.peers > 0 {
        text += &format!(
            ", {} held by nobody who is connected",
            human::count(content.unavailable as u64, "chunk")
        );
    }
    if let Some(why) = &content.why {
        text += &format!(", {}", Printable(why));
    }
    bar.set_message(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::content;

    #[test]
    fn a_download_is_over_when_it_is_complete_or_stopped() {
        let mut it = content("a");
        (it.complete, it.state) = (false, ContentStateInfo::Looking);
        assert_eq!(Ending::of(&it), Ending::Open);
        (it.state, it.why) = (ContentStateInfo::Failed, Some("no peers".into()));
        assert_eq!(Ending::of(&it), Ending::Stopped("failed", "no peers".into()));
        it.state = ContentStateInfo::Paused;
        assert!(matches!(Ending::of(&it), Ending::Stopped("paused", _)));
        it.complete = true;
        assert_eq!(Ending::of(&it), Ending::Complete, "what is here stays here");
    }
}
