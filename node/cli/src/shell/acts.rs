//! What the words of the shell do.
//!
//! Each gives one result on standard output, or an error.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::anyhow;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use shoal_api::model::{Fetch, Share};
use shoal_content::{ContentId, Ticket};
use shoal_printable::{Printable, escaped};
use tokio_util::sync::CancellationToken;

use super::super::error::{CliError, Exit};
use super::super::library::{self, Cap, FOUND, Order};
use super::super::share::absolute;
use super::super::store::Placement;
use super::super::{ask, human};
use super::state::Shell;

/// What a word becomes.
type Doing<'a> = BoxFuture<'a, Result<Exit, CliError>>;
/// What ends it early.
type Stop = CancellationToken;

/// How long `updatelist` waits for the trackers, how often it asks them, about how many contents, for how many of a name.
const CONFIRMATION: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(100);
const CONFIRMED: usize = 16;
const MOST_FOUND: usize = 1000;
/// Copies, and for how long, unless told otherwise.
const COPIES: u8 = 3;
const KEEP: Duration = Duration::from_secs(30 * 24 * 3600);
/// Round trips, unless a number is given; and the most.
const PINGS: u32 = 3;
const MOST_PINGS: u32 = 1000;

pub(super) fn share<'a>(shell: &'a Shell, args: &'a [String], stop: &'a Stop) -> Doing<'a> {
    async move {
        let paths: Vec<PathBuf> = args.iter().map(PathBuf::from).collect();
        let share = Share { paths: absolute(&paths)?, public: true, publish: true, ..Share::default() };
        library::share(shell.client(), &share, &shell.output, stop).await
    }
    .boxed()
}

pub(super) fn find<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    library::show_found(shell.client(), &args[0], false, FOUND, &shell.output).boxed()
}

pub(super) fn download<'a>(shell: &'a Shell, args: &'a [String], stop: &'a Stop) -> Doing<'a> {
    async move {
        let dir = args.get(1).map_or_else(|| shell.dir.clone(), PathBuf::from);
        let source = source(shell, &args[0]).await?;
        let fetch = Fetch { source, dir: absolute(&[dir])?.remove(0), public: true, ..Fetch::default() };
        library::fetch(shell.client(), &fetch, true, &shell.output, stop).await
    }
    .boxed()
}

/// A ticket or an id as it is; a name becomes the id of the one content that trackers know by it.
async fn source(shell: &Shell, text: &str) -> Result<String, CliError> {
    if Ticket::from_str(text).is_ok() || ContentId::from_str(text).is_ok() {
        return Ok(text.to_owned());
    }
    let found = library::find(shell.client(), text, false, FOUND, &shell.output).await?;
    let exact: Vec<_> = found.items.iter().filter(|it| it.name == text).collect();
    let all: Vec<_> = if exact.is_empty() { found.items.iter().collect() } else { exact };
    let mut ids: Vec<&str> = all.iter().map(|it| it.content.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    match ids[..] {
        [id] => Ok(id.to_owned()),
        [] => Err(anyhow!("no tracker knows a content called '{}'", Printable(text)).into()),
        _ => {
            let error = CliError::from(anyhow!("{} contents are called like that", ids.len()));
            Err(error.hint(format!("`find {}` lists them; name one by its id", Printable(text))))
        }
    }
}

pub(super) fn store<'a>(shell: &'a Shell, args: &'a [String], stop: &'a Stop) -> Doing<'a> {
    async move {
        let copies = args.get(1).map_or(Ok(COPIES), |text| text.parse());
        let copies = copies.map_err(|_| CliError::usage(anyhow!("COPIES is a number from 1 to 16")))?;
        let paths = absolute(&[PathBuf::from(&args[0])])?;
        let it = Placement { paths, name: None, copies, keep: KEEP, waits: true, is_own: false };
        super::super::store::store(shell.client(), &it, &shell.output, stop).await
    }
    .boxed()
}

pub(super) fn request<'a>(shell: &'a Shell, args: &'a [String], stop: &'a Stop) -> Doing<'a> {
    async move {
        let dir = args.get(1).map_or_else(|| shell.dir.clone(), PathBuf::from);
        let dir = absolute(&[dir])?.remove(0);
        super::super::store::request(shell.client(), &args[0], dir, false, &shell.output, stop).await
    }
    .boxed()
}

pub(super) fn stored<'a>(shell: &'a Shell, _: &'a [String], _: &'a Stop) -> Doing<'a> {
    super::super::store::stored(shell.client(), &shell.output).boxed()
}

pub(super) fn end_stored<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    super::super::store::end(shell.client(), &args[0], &shell.output).boxed()
}

pub(super) fn ls<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    match args.first() {
        Some(peer) => ask::shared_by(shell.client(), peer, &shell.output).boxed(),
        None => library::list(shell.client(), &shell.output).boxed(),
    }
}

pub(super) fn status<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    library::status(shell.client(), args.first().map(String::as_str), &shell.output).boxed()
}

pub(super) fn pause<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    library::order(shell.client(), Order::Pause, args, &shell.output).boxed()
}

pub(super) fn resume<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    library::order(shell.client(), Order::Resume, args, &shell.output).boxed()
}

pub(super) fn why<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    super::super::why::why(shell.client(), args.first().map(String::as_str), &shell.output).boxed()
}

pub(super) fn remove<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    library::order(shell.client(), Order::Remove, args, &shell.output).boxed()
}

pub(super) fn limit<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    async move {
        let (up, down) = limits(args)?;
        library::limit(shell.client(), up, down, &shell.output).await
    }
    .boxed()
}

/// Reads `up RATE` and `down RATE`.
fn limits(args: &[String]) -> Result<(Option<Cap>, Option<Cap>), CliError> {
    let (mut up, mut down) = (None, None);
    for pair in args.chunks(2) {
        let (which, rate) = match pair {
            [which, rate] => {
                (which.as_str(), rate.parse::<Cap>().map_err(|words| CliError::usage(anyhow!(words)))?)
            }
            _ => return Err(CliError::usage(anyhow!("a rate is missing"))),
        };
        match which {
            "up" => up = Some(rate),
            "down" => down = Some(rate),
            _ => return Err(CliError::usage(anyhow!("say up or down, not '{}'", Printable(which)))),
        }
    }
    Ok((up, down))
}

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
                let found = client.find(name, false, Some(MOST_FOUND)).await;
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

pub(super) fn peers<'a>(shell: &'a Shell, _: &'a [String], _: &'a Stop) -> Doing<'a> {
    ask::peers(shell.client(), &shell.output).boxed()
}

pub(super) fn ping<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    async move {
        let count = args.get(1).map_or(Ok(PINGS), |text| text.parse());
        let count = count.ok().filter(|count| (1..=MOST_PINGS).contains(count));
        let count = count.ok_or_else(|| CliError::usage(anyhow!("a count is from 1 to {MOST_PINGS}")))?;
        ask::ping(shell.client(), &args[0], count, &shell.output).await
    }
    .boxed()
}

pub(super) fn load<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    ask::load(shell.client(), Some(&args[0]), &shell.output).boxed()
}

pub(super) fn counters<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    ask::counters(shell.client(), args.first().map(String::as_str), None, &shell.output).boxed()
}

pub(super) fn locate<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    ask::locate(shell.client(), &args[0], &args[1], &args[2..], &shell.output).boxed()
}

pub(super) fn topo<'a>(shell: &'a Shell, _: &'a [String], _: &'a Stop) -> Doing<'a> {
    ask::topo(shell.client(), &shell.output).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_in_pairs() {
        let read = |line: &str| limits(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(read("").unwrap(), (None, None));
        assert_eq!(read("up 1MB").unwrap(), (Some(Cap(Some(1_000_000))), None));
        assert_eq!(read("down none up 8mbit").unwrap(), (Some(Cap(Some(1_000_000))), Some(Cap(None))));
        for bad in ["up", "sideways 1MB", "up fast", "1MB up"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
