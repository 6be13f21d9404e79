//! The map of a swarm in Graphviz's language (<https://graphviz.org/doc/info/lang.html>).

use shoal_api::model::{MapInfo, MapNodeInfo};
use shoal_printable::Printable;

use super::map::part;

/// Characters of a peer's id that are shown; its first ones are the same for all.
const SHOWN: usize = 8;

/// An undirected graph. Connections that only one end tells of are dashed; this node is drawn bold.
pub(crate) fn dot(it: &MapInfo) -> String {
    let mut lines = vec!["graph shoal {".to_owned(), "  node [shape=box];".to_owned()];
    lines.extend(it.nodes.iter().map(node));
    lines.extend(it.links.iter().map(|link| {
        let label = link.round_trip_ms.map(|ms| format!("label=\"{ms:.1} ms\"")).unwrap_or_default();
        let sure = link.seen || link.said_by.len() > 1;
        let style = if sure { "solid" } else { "dashed" };
        let label = if label.is_empty() { label } else { format!("{label} ") };
        format!("  {} -- {} [{label}style={style}];", quoted(&link.a), quoted(&link.b))
    }));
    lines.push("}".to_owned());
    lines.join("\n")
}

fn node(it: &MapNodeInfo) -> String {
    let start = it.peer.char_indices().rev().nth(SHOWN - 1).map_or(0, |(at, _)| at);
    let mut label = format!("…{}", &it.peer[start..]);
    if let Some(load) = &it.load {
        label += &format!(", load {}", load.uploads);
    }
    if let Some(part) = part(it) {
        label += &format!(", {part} %");
    }
    let style = match (it.own, it.load.is_some()) {
        (true, _) => "bold",
        (false, true) => "solid",
        (false, false) => "dotted",
    };
    format!("  {} [label={} style={style}];", quoted(&it.peer), quoted(&label))
}

/// A string of the language: only a quotation mark would end it, and a backslash begins what is special.
fn quoted(text: &str) -> String {
    let text = Printable(text).to_string();
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::super::map::tests::example;
    use super::*;

    #[test]
    fn a_graph_has_every_peer_and_every_connection() {
        let expected = "graph shoal {
  node [shape=box];
  \"A\" [label=\"…A, load 3\" style=bold];
  \"B\" [label=\"…B, load 3, 33 %\" style=solid];
  \"C\" [label=\"…C\" style=dotted];
  \"A\" -- \"B\" [label=\"0.5 ms\" style=solid];
  \"B\" -- \"C\" [style=dashed];
}";
        assert_eq!(dot(&example()), expected);
    }

    #[test]
    fn no_text_leaves_its_quotes() {
        assert_eq!(quoted("a\"];\n x"), "\"a\\\"];\\\\u{a} x\"");
        assert_eq!(quoted("\\"), "\"\\\\\"");
    }
}
