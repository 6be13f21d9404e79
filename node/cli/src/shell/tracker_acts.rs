//! What the words of the shell that are about trackers do.

use std::time::Duration;

use anyhow::anyhow;
use futures::FutureExt;
use serde::Serialize;
use shoal_printable::{Printable, escaped};

use super::super::error::{CliError, Exit};
use super::super::{human, library};
use super::acts::{Doing, Stop};
use super::state::Shell;

/// How long `updatelist` waits for the trackers, how often it asks them, about how many contents, for how many of a name.
const CONFIRMATION: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(100);
const CONFIRMED: usize = 16;
const MOST_FOUND: usize = 1000;

/// What `updatelist`, `register` and `deregister` have done.
#[derive(Serialize)]
struct Registered {
    /// Contents in the library.
    contents: usize,
    /// Trackers that every content is registered at now.
    trackers: Vec<String>,
}

pub(super) fn update<'a>(shell: &'a Shell, _: &'a [String], _: &'a Stop) -> Doing<'a> {
    async move {
        let words = shell.dirs.lock().await.look(shell.client(), true).await?;
        words.iter().for_each(|words| shell.output.warn(words));
        let trackers = shell.client().trackers().await?.items;
        for tracker in &trackers {
            // Taken out and put in, so that each content is registered now and not when it is time.
            shell.client().deregister(tracker).await?;
            shell.client().register(tracker).await?;
        }
        if !trackers.is_empty() {
            confirmed(shell).await?;
        }
        registered(shell).await
    }
    .boxed()
}

/// Waits until the trackers know what is published here, as far as that can be asked; not for long.
async fn confirmed(shell: &Shell) -> Result<(), CliError> {
    let client = shell.client();
    let published = library::contents(client).await?.into_iter().filter(|it| it.shared && it.public);
    let wanted: Vec<_> = published.filter_map(|it| Some((it.content, it.name?))).take(CONFIRMED).collect();
    let asked = async {
        for (content, name) in &wanted {
            loop {
                let found = client.find(name, false, Some(MOST_FOUND), Some(0)).await;
                if found.is_ok_and(|found| found.items.iter().any(|it| it.content == *content)) {
                    break;
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    // Err: a tracker takes its time, or is away; the node goes on trying.
    drop(tokio::time::timeout(CONFIRMATION, asked).await);
    Ok(())
}

pub(super) fn register<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    async move {
        let mut known = shell.trackers.lock().await;
        match args.first() {
            Some(tracker) => {
                known.insert(shell.client().register(tracker).await?.address);
            }
            None if known.is_empty() => {
                return Err(CliError::usage(anyhow!("no tracker is known; name one by its address")));
            }
            None => {
                for tracker in known.iter() {
                    shell.client().register(tracker).await?;
                }
            }
        }
        registered(shell).await
    }
    .boxed()
}

pub(super) fn deregister<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    async move {
        let trackers = match args.first() {
            Some(tracker) => vec![tracker.clone()],
            None => shell.client().trackers().await?.items,
        };
        for tracker in &trackers {
            let left = shell.client().deregister(tracker).await?;
            if !left.changed {
                return Err(anyhow!("the node was not registered at {}", Printable(&left.address)).into());
            }
            shell.trackers.lock().await.insert(left.address);
        }
        registered(shell).await
    }
    .boxed()
}

async fn registered(shell: &Shell) -> Result<Exit, CliError> {
    let node = shell.client().node().await?;
    let now = Registered { contents: node.contents, trackers: node.trackers };
    shell.output.data(&now, || {
        let contents = human::count(now.contents as u64, "content");
        let trackers = human::count(now.trackers.len() as u64, "tracker");
        let lines = now.trackers.iter().map(|tracker| format!("\n  {}", Printable(tracker)));
        format!("{contents} at {trackers}{}", lines.collect::<String>())
    })?;
    Ok(Exit::Done)
}

/// A payload that trackers keep.
#[derive(Serialize)]
struct Payload {
    id: String,
    text: String,
}

pub(super) fn payload<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    async move {
        match args[0].as_str() {
            "put" => {
                let kept = shell.client().put_payload(args[1].clone().into_bytes()).await?;
                kept.failed.iter().for_each(|it| {
                    shell.output.warn(format!("{}: {}", Printable(&it.tracker), Printable(&it.why)));
                });
                shell.output.data(&kept, || kept.id.clone())?;
            }
            "get" => {
                let bytes = shell.client().payload(&args[1]).await?;
                let text = String::from_utf8(bytes).map_err(|_| {
                    CliError::from(anyhow!("the payload is not text"))
                        .hint("`shoal tracker get` writes it to a file")
                })?;
                let payload = Payload { id: args[1].clone(), text };
                shell.output.data(&payload, || escaped(&payload.text))?;
            }
            _ => return Err(CliError::usage(anyhow!("say put or get"))),
        }
        Ok(Exit::Done)
    }
    .boxed()
}
