//! Who is connected with whom, as far as this node sees and as its neighbours say.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt};
use serde::Serialize;
use shoal_api::Client;
use shoal_printable::Printable;

use super::super::error::{CliError, Exit};
use super::super::output::Output;
use super::neighbours;

/// Neighbours that are asked for theirs.
const MAX_ASKED: usize = 50;
/// Of them at once.
const AT_ONCE: usize = 8;

/// A connection between two peers, the smaller id first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Edge {
    a: String,
    b: String,
    /// Whether this node sees it; otherwise a neighbour says so.
    seen: bool,
}

/// Connections, each once: what is seen goes before what is said.
#[derive(Default)]
struct Edges(BTreeSet<(String, String)>, BTreeSet<(String, String)>);

impl Edges {
    fn add(&mut self, one: &str, other: &str, seen: bool) {
        let (a, b) = if one <= other { (one, other) } else { (other, one) };
        let pair = (a.to_owned(), b.to_owned());
        if a == b {
            return;
        }
        if seen {
            self.0.insert(pair)
        } else {
            self.1.insert(pair)
        };
    }

    fn list(self) -> Vec<Edge> {
        let Self(seen, said) = self;
        let of = |pairs: BTreeSet<(String, String)>, seen| {
            pairs.into_iter().map(move |(a, b)| Edge { a, b, seen })
        };
        let said = said.difference(&seen).cloned().collect();
        of(seen, true).chain(of(said, false)).collect()
    }
}

/// Shows the neighbours of the node, and those that its neighbours name.
pub(crate) async fn topo(client: &Client, output: &Output) -> Result<Exit, CliError> {
    let local = client.node().await?.peer;
    let direct = neighbours(client).await?;
    let mut edges = Edges::default();
    direct.iter().for_each(|peer| edges.add(&local, &peer.peer, true));
    let peers: Vec<String> = direct.into_iter().map(|peer| peer.peer).take(MAX_ASKED).collect();
    let mut asked = stream::iter(peers)
        .map(|peer| async move {
            let answer = client.ask_neighbours(&peer).await;
            (peer, answer)
        })
        .buffered(AT_ONCE);
    while let Some((peer, answer)) = asked.next().await {
        match answer {
            Ok(page) => page.items.iter().for_each(|other| edges.add(&peer, &other.peer, false)),
            Err(error) => output.warn(format!("{}: {error}", Printable(&peer))),
        }
    }
    let edges = edges.list();
    output.list(&edges, || text(&edges))?;
    Ok(Exit::Done)
}

fn text(edges: &[Edge]) -> String {
    if edges.is_empty() {
        return "no peer is connected".into();
    }
    let line = |edge: &Edge| {
        let said = if edge.seen { "" } else { "  (one of them says so)" };
        format!("{}—{}{said}", Printable(&edge.a), Printable(&edge.b))
    };
    edges.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_connection_is_shown_once_and_what_is_seen_counts() {
        let mut edges = Edges::default();
        edges.add("b", "a", true);
        edges.add("a", "b", false);
        edges.add("c", "b", false);
        edges.add("b", "c", false);
        edges.add("c", "c", false);
        let edges = edges.list();
        let edge = |a: &str, b: &str, seen| Edge { a: a.into(), b: b.into(), seen };
        assert_eq!(edges, [edge("a", "b", true), edge("b", "c", false)]);
        assert_eq!(text(&edges), "a—b\nb—c  (one of them says so)");
    }
}
