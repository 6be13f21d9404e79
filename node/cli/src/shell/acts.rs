//! What the words of the shell do.
//!
//! Each gives one result on standard output, or an error.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::anyhow;
use futures::FutureExt;
use futures::future::BoxFuture;
use shoal_api::model::{Fetch, FoundInfo, MapBody, Share};
use shoal_content::{ContentId, Ticket};
use shoal_printable::Printable;
use tokio_util::sync::CancellationToken;

use super::super::ask::{self, MapForm};
use super::super::error::{CliError, Exit};
use super::super::library::{self, Cap, Order, Search};
use super::super::share::absolute;
use super::state::Shell;

/// What a word becomes.
pub(super) type Doing<'a> = BoxFuture<'a, Result<Exit, CliError>>;
/// What ends it early.
pub(super) type Stop = CancellationToken;

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
    async move {
        let mut search = Search::new(&args[0]);
        if let Some(hops) = args.get(1) {
            let most = 0..=8;
            let hops = hops.parse().ok().filter(|hops| most.contains(hops));
            search.hops = hops.ok_or_else(|| CliError::usage(anyhow!("hops are from 0 to 8")))?;
        }
        library::show_found(shell.client(), &search, &shell.output).await
    }
    .boxed()
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

/// A ticket or an id as it is; a name becomes the one content that trackers and peers know by it.
async fn source(shell: &Shell, text: &str) -> Result<String, CliError> {
    if Ticket::from_str(text).is_ok() || ContentId::from_str(text).is_ok() {
        return Ok(text.to_owned());
    }
    let found = library::find(shell.client(), &Search::new(text), &shell.output).await?;
    let exact: Vec<_> = found.items.iter().filter(|it| it.name == text).collect();
    let all: Vec<_> = if exact.is_empty() { found.items.iter().collect() } else { exact };
    let mut ids: Vec<&str> = all.iter().map(|it| it.content.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    match ids[..] {
        [_] => ticket(&all),
        [] => Err(anyhow!("no tracker and no peer knows a content called '{}'", Printable(text)).into()),
        _ => {
            let error = CliError::from(anyhow!("{} contents are called like that", ids.len()));
            Err(error.hint(format!("`find {}` lists them; name one by its id", Printable(text))))
        }
    }
}

/// A ticket with the places that peers named, as far as it may hold them.
fn ticket(told: &[&FoundInfo]) -> Result<String, CliError> {
    let id = told.first().map(|it| it.content.clone()).unwrap_or_default();
    let content = id.parse().map_err(|error| anyhow!("the content's id is none: {error}"))?;
    let peers = told.iter().flat_map(|it| &it.addresses);
    let peers: Vec<_> =
        peers.filter_map(|address| super::super::options::address(address).ok()).take(8).collect();
    Ok(if peers.is_empty() { id } else { Ticket { content, peers, rendezvous: vec![] }.to_string() })
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

pub(super) fn topo<'a>(shell: &'a Shell, args: &'a [String], _: &'a Stop) -> Doing<'a> {
    async move {
        let body = MapBody { content: args.first().cloned(), ..MapBody::default() };
        ask::topo(shell.client(), &body, MapForm::Table, &shell.output).await
    }
    .boxed()
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
