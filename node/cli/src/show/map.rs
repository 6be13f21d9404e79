//! The map of a swarm, as a table.

use std::collections::BTreeMap;

use shoal_api::model::{MapInfo, MapNodeInfo, RingInfo};
use shoal_printable::Printable;

use super::super::human;
use super::table::Table;

/// A line for each peer with the numbers of those that it is connected with, then the ring.
pub(crate) fn map(it: &MapInfo) -> String {
    if it.nodes.is_empty() {
        return "no peer is connected".into();
    }
    let numbers: BTreeMap<&str, usize> = it.nodes.iter().map(|node| node.peer.as_str()).zip(1..).collect();
    let mut table = Table::new(&[">", "peer", ">away", ">answers in", ">load", ">has", "connected with", ""]);
    for node in &it.nodes {
        table.row([
            numbers[node.peer.as_str()].to_string(),
            node.peer.clone(),
            node.hops.to_string(),
            node.answer_ms.map_or_else(|| "-".into(), |ms| format!("{ms:.1} ms")),
            node.load.as_ref().map_or_else(|| "-".into(), |load| load.uploads.to_string()),
            part(node).map_or_else(|| "-".into(), |part| format!("{part} %")),
            links(it, &numbers, &node.peer),
            remark(node),
        ]);
    }
    let mut text = table.text();
    text += "\n\nWhat is said of other peers, they say themselves. '?': only one of the two says that they are connected.";
    if it.cut {
        text += "\nThere is more: this is as far as the limits of the walk allow.";
    }
    it.ring.iter().for_each(|member| text += &format!("\n{}", ring(member, &numbers)));
    text
}

/// How much of the content a peer says it has, in percent; 100 only if all of it.
pub(super) fn part(node: &MapNodeInfo) -> Option<u64> {
    let (have, chunks) = (u64::from(node.have?), u64::from(node.chunks?));
    Some(if have >= chunks { 100 } else { (have * 100 / chunks).min(99) })
}

fn links(it: &MapInfo, numbers: &BTreeMap<&str, usize>, peer: &str) -> String {
    let of = it.links.iter().filter_map(|link| {
        let other = if link.a == peer {
            &link.b
        } else if link.b == peer {
            &link.a
        } else {
            return None;
        };
        let sure = link.seen || link.said_by.len() > 1;
        let rtt = link.round_trip_ms.map(|ms| format!(" ({ms:.1} ms)")).unwrap_or_default();
        Some((numbers.get(other.as_str())?, format!("{}{rtt}", if sure { "" } else { "?" })))
    });
    let mut all: Vec<_> = of.collect();
    all.sort();
    all.into_iter().map(|(number, more)| format!("{number}{more}")).collect::<Vec<_>>().join(", ")
}

fn remark(node: &MapNodeInfo) -> String {
    match &node.why {
        _ if node.own => "this node".into(),
        Some(why) => format!("no answer: {why}"),
        None if node.load.is_none() => "not asked".into(),
        None => String::new(),
    }
}

fn ring(it: &RingInfo, numbers: &BTreeMap<&str, usize>) -> String {
    let number = numbers.get(it.peer.as_str()).map(|number| format!("{number}, ")).unwrap_or_default();
    let state = match it.round_trip_ms {
        _ if !it.connected => "being connected to".to_owned(),
        Some(ms) => format!("answers in {ms:.1} ms"),
        None => "not pinged yet".to_owned(),
    };
    let lost =
        if it.lost > 0 { format!(", {} lost", human::count(it.lost.into(), "ping")) } else { String::new() };
    format!("ring: {} {}: {number}{}, {state}{lost}", Printable(&it.side), it.rank, Printable(&it.peer))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use shoal_api::model::{MapLinkInfo, PeerLoadInfo};

    /// Three in a line, of which the last one gives no answer.
    pub(crate) fn example() -> MapInfo {
        let node = |peer: &str, hops| MapNodeInfo { peer: peer.into(), hops, ..MapNodeInfo::default() };
        let load = Some(PeerLoadInfo { uploads: 3, ..PeerLoadInfo::default() });
        let link = |a: &str, b: &str| MapLinkInfo { a: a.into(), b: b.into(), ..MapLinkInfo::default() };
        let evil = "it cannot be reached: a\nb\u{1b}[2J";
        MapInfo {
            nodes: vec![
                MapNodeInfo { own: true, load: load.clone(), ..node("A", 0) },
                MapNodeInfo { load, answer_ms: Some(1.25), have: Some(1), chunks: Some(3), ..node("B", 1) },
                MapNodeInfo { why: Some(evil.into()), ..node("C", 2) },
            ],
            links: vec![
                MapLinkInfo {
                    seen: true,
                    round_trip_ms: Some(0.5),
                    said_by: vec!["a".into()],
                    ..link("A", "B")
                },
                MapLinkInfo { said_by: vec!["b".into()], ..link("B", "C") },
            ],
            ring: vec![RingInfo {
                peer: "B".into(),
                side: "successor".into(),
                rank: 1,
                connected: true,
                round_trip_ms: Some(2.0),
                lost: 1,
            }],
            cut: true,
        }
    }

    #[test]
    fn each_peer_has_a_line_with_those_that_it_is_connected_with() {
        let text = map(&example());
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["1", "A", "0", "-", "3", "-", "2", "(0.5", "ms)", "this", "node"]);
        assert_eq!(lines[2], ["2", "B", "1", "1.2", "ms", "3", "33", "%", "1", "(0.5", "ms),", "3?"]);
        assert_eq!(lines[3][..7], ["3", "C", "2", "-", "-", "-", "2?"]);
        assert_eq!(lines.len(), 8, "{text}");
        assert!(text.contains("ring: successor 1: 2, B, answers in 2.0 ms, 1 ping lost"), "{text}");
        assert!(text.contains("There is more") && !text.contains('\u{1b}'));
        assert_eq!(map(&MapInfo::default()), "no peer is connected");
    }

    #[test]
    fn all_is_only_said_of_all() {
        let part = |have, chunks| {
            part(&MapNodeInfo { have: Some(have), chunks: Some(chunks), ..MapNodeInfo::default() })
        };
        assert_eq!((part(999, 1000), part(1000, 1000), part(0, 0)), (Some(99), Some(100), Some(100)));
    }
}
