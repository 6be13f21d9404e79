//! Finding contents by name.

use anyhow::anyhow;
use futures::future;
use shoal_api::Client;
use shoal_api::model::{AskFindBody, FindInfo};
use shoal_printable::Printable;

use super::super::error::{CliError, Exit};
use super::super::output::Output;
use super::super::show;

/// Contents that are found, unless asked for another number.
pub(crate) const FOUND: u16 = 50;
/// How many connections away peers are asked, unless told otherwise.
pub(crate) const HOPS: u8 = 4;

/// What to find, and whom to ask.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) name: String,
    pub(crate) prefix: bool,
    pub(crate) limit: u16,
    /// How far peers are asked; 0: only trackers are.
    pub(crate) hops: u8,
    /// Ask these peers; none: all trackers and neighbours of the node.
    pub(crate) peers: Vec<String>,
    /// Ask the node's trackers too where peers are named.
    pub(crate) trackers: bool,
}

impl Search {
    /// Everywhere, for a part of a name.
    pub(crate) fn new(name: &str) -> Self {
        let (prefix, limit, hops) = (false, FOUND, HOPS);
        Self { name: name.to_owned(), prefix, limit, hops, peers: vec![], trackers: true }
    }
}

/// Asks for contents by name; warns of trackers that do not answer.
pub(crate) async fn find(client: &Client, search: &Search, output: &Output) -> Result<FindInfo, CliError> {
    let Search { name, prefix, limit, hops, peers, trackers } = search;
    let all = |hops| client.find(name, *prefix, Some((*limit).into()), Some(hops));
    let found = if peers.is_empty() {
        all(*hops).await?
    } else {
        let hops = Some((*hops).max(1));
        let body = AskFindBody { peers: peers.clone(), name: name.clone(), prefix: *prefix, hops };
        match trackers {
            false => client.ask_find(&body).await?,
            true => {
                let (by_peers, by_trackers) = future::join(client.ask_find(&body), all(0)).await;
                match (by_peers, by_trackers) {
                    (Ok(by_peers), Ok(by_trackers)) => joined(by_peers, by_trackers),
                    (Ok(found), Err(error)) | (Err(error), Ok(found)) => {
                        output.warn(error.to_string());
                        found
                    }
                    (Err(error), Err(_)) => return Err(error.into()),
                }
            }
        }
    };
    found.failed.iter().for_each(|it| {
        output.warn(format!("{}: {}", Printable(&it.tracker), Printable(&it.why)));
    });
    let items = found.items.into_iter().take((*limit).into()).collect();
    Ok(FindInfo { items, ..found })
}

/// One list of two; what both have stands in it twice, once from each.
fn joined(mut one: FindInfo, other: FindInfo) -> FindInfo {
    one.items.extend(other.items);
    one.items.sort_by(|a, b| (&a.name, &a.content).cmp(&(&b.name, &b.content)));
    one.failed.extend(other.failed);
    one
}

/// Shows contents that are found by a name; an error if there are none.
pub(crate) async fn show_found(client: &Client, search: &Search, output: &Output) -> Result<Exit, CliError> {
    let found = find(client, search, output).await?;
    if found.items.is_empty() {
        let how = if search.prefix { "begins with" } else { "contains" };
        let error = CliError::from(anyhow!("no published name {how} '{}'", Printable(&search.name)));
        return Err(error.hint(
            "found is what is public: `shoal share --publish`, `shoal node --share-dir`; peers farther away are asked with \
             --hops",
        ));
    }
    output.list(&found.items, || show::found(&found))?;
    Ok(Exit::Done)
}
