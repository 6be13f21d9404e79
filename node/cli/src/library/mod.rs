//! The library of a node: commands on it, and what they do on any node, also in the shell.

mod commands;
mod fetching;
mod finding;
mod sharing;

use serde::Serialize;
use shoal_api::Client;
use shoal_api::model::{Content, LimitsInfo, Page};
use shoal_printable::Printable;

pub(super) use self::commands::{Cap, FindArgs, LimitArgs, PauseArgs, ResumeArgs, RmArgs};
pub(super) use self::fetching::fetch;
pub(super) use self::finding::{Search, find, show_found};
pub(super) use self::sharing::share;
use super::error::{CliError, Exit};
use super::output::Output;
use super::show;

/// All contents of the library.
pub(super) async fn contents(client: &Client) -> Result<Vec<Content>, CliError> {
    let mut all = vec![];
    let mut after: Option<String> = None;
    loop {
        let Page { items, next } = client.contents(after.as_deref(), Some(1000), None).await?;
        all.extend(items);
        after = next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// Lists the library.
pub(super) async fn list(client: &Client, output: &Output) -> Result<Exit, CliError> {
    let all = contents(client).await?;
    output.list(&all, || show::contents(&all))?;
    Ok(Exit::Done)
}

/// The node, and what is in its library.
#[derive(Serialize)]
struct Status {
    node: shoal_api::model::NodeInfo,
    contents: Vec<Content>,
}

/// Shows the node and its library, or one content.
pub(super) async fn status(
    client: &Client,
    content: Option<&str>,
    output: &Output,
) -> Result<Exit, CliError> {
    if let Some(content) = content {
        let it = client.content(content).await?;
        output.data(&it, || show::content(&it))?;
    } else {
        let status = Status { node: client.node().await?, contents: contents(client).await? };
        output.data(&status, || {
            format!("{}\n\n{}", show::node(&status.node), show::contents(&status.contents))
        })?;
    }
    Ok(Exit::Done)
}

/// What to do with a content of the library.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Pause,
    Resume,
    Remove,
}

/// Pauses, resumes or removes contents, one after the other; the first that fails ends it.
pub(super) async fn order(
    client: &Client,
    order: Order,
    contents: &[String],
    output: &Output,
) -> Result<Exit, CliError> {
    let mut all = vec![];
    for content in contents {
        let it = match order {
            Order::Pause => client.pause(content).await,
            Order::Resume => client.resume(content).await,
            Order::Remove => client.remove(content).await,
        };
        all.push(it?);
    }
    let word = match order {
        Order::Pause => "paused",
        Order::Resume => "resumed",
        Order::Remove => "removed; its files stay",
    };
    output.list(&all, || {
        let line = |it: &Content| format!("{}  {word}  {}", Printable(&it.content), show::name(it));
        all.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Exit::Done)
}

/// Shows the limits; changes those that are given.
pub(super) async fn limit(
    client: &Client,
    up: Option<Cap>,
    down: Option<Cap>,
    output: &Output,
) -> Result<Exit, CliError> {
    let mut limits = client.limits().await?;
    if up.is_some() || down.is_some() {
        if limits.scheduled {
            output.warn("the schedule holds now; what is set here holds when it says nothing");
        }
        let wanted = LimitsInfo {
            up: up.map_or(limits.up, |it| it.0),
            down: down.map_or(limits.down, |it| it.0),
            scheduled: false,
        };
        limits = client.set_limits(wanted).await?;
    }
    output.data(&limits, || show::limits(&limits))?;
    Ok(Exit::Done)
}
