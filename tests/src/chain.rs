//! Nodes of which each knows only the next.

use std::path::Path;

use serde_json::Value;

use crate::eventually;
use crate::node::RunningNode;

/// Options of a node that connects to nobody by itself.
pub const ALONE: [&str; 4] = ["--no-ring", "--no-mdns", "--dht", "off"];

/// Starts `count` nodes below `home`; each but the first stays connected with the one before it. The last one shares what lies in
/// `shared`, in public.
pub fn chain(home: &Path, count: usize, shared: &Path) -> Vec<RunningNode> {
    let mut nodes: Vec<RunningNode> = Vec::new();
    for n in 0..count {
        let before = nodes.last().map(RunningNode::address);
        let mut options = ALONE.to_vec();
        options.extend(before.iter().flat_map(|address| ["--peer", address]));
        if n + 1 == count {
            options.extend(["--share-dir", shared.to_str().expect("test paths are text")]);
        }
        let node = RunningNode::start(&home.join(n.to_string()), &options);
        if let Some(before) = nodes.last() {
            until_connected(before, &node.id());
        }
        nodes.push(node);
    }
    nodes
}

/// Waits until a node is connected with a peer.
pub fn until_connected(node: &RunningNode, peer: &str) {
    eventually("they are connected", || {
        let peers = node.run(["peers", "--json"]).expect(0).stdout;
        peers.contains(peer).then_some(())
    });
}

/// The connections of a map, as pairs of the nodes' numbers; those with others are left out.
pub fn links(map: &Value, ids: &[String]) -> Vec<(usize, usize)> {
    let number = |id: &Value| ids.iter().position(|it| *it == id.as_str().unwrap_or_default());
    let links = map["links"].as_array().expect("links").iter();
    let pair = |link: &Value| {
        let (a, b) = (number(&link["a"])?, number(&link["b"])?);
        Some((a.min(b), a.max(b)))
    };
    let mut links: Vec<_> = links.filter_map(pair).collect();
    links.sort_unstable();
    links
}
