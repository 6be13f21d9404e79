//! The node itself: what it is, has to do, and counts.

use std::time::Duration;

use shoal_api::model::{CountersInfo, LimitsInfo, LoadInfo, NeighbourInfo, NodeInfo, TrackerlessInfo};
use shoal_printable::Printable;

use super::super::human;
use super::table::Table;

/// The node itself.
pub(crate) fn node(it: &NodeInfo) -> String {
    let mut lines = vec![
        format!("node      {}", Printable(&it.peer)),
        format!("running   for {}", human::time(Duration::from_secs(it.uptime))),
        format!("contents  {}", it.contents),
        format!("peers     {}", it.connections),
        format!("limits    {}", limits(&it.limits)),
    ];
    lines.extend(without_tracker(&it.without_tracker));
    lines.extend(it.addresses.iter().map(|address| format!("address   {}", Printable(address))));
    lines.extend(it.trackers.iter().map(|tracker| format!("tracker   {}", Printable(tracker))));
    lines.join("\n")
}

/// How peers are found without a tracker.
fn without_tracker(it: &TrackerlessInfo) -> Vec<String> {
    let lan = it.lan_peers.map(|peers| format!("lan       {}", human::count(peers as u64, "neighbour")));
    let peers = human::count(it.dht_peers as u64, "peer");
    let records = format!("{} announced, {} kept for others", it.own_records, it.other_records);
    let dht = match it.dht.as_str() {
        "" | "off" => None,
        role => Some(format!("dht       {}, knows {peers}, {records}", Printable(role))),
    };
    lan.into_iter().chain(dht).collect()
}

/// Bandwidth limits.
pub(crate) fn limits(it: &LimitsInfo) -> String {
    let one = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), human::rate);
    let by = if it.scheduled { ", by the schedule" } else { "" };
    format!("up {}, down {}{by}", one(it.up), one(it.down))
}

/// Connected peers.
pub(crate) fn neighbours(all: &[NeighbourInfo]) -> String {
    if all.is_empty() {
        return "no peer is connected".into();
    }
    let mut table = Table::new(&[
        "peer",
        ">round trip",
        ">received",
        ">sent",
        ">contents",
        "transport",
        "address",
        "says it is",
    ]);
    for it in all {
        table.row([
            it.peer.clone(),
            it.round_trip_ms.map_or_else(|| "-".into(), |ms| format!("{ms:.1} ms")),
            human::bytes(it.received),
            human::bytes(it.sent),
            it.contents.len().to_string(),
            format!("{}{}", it.transport, if it.inbound { " in" } else { " out" }),
            it.address.clone(),
            it.agent.clone().unwrap_or_default(),
        ]);
    }
    table.text()
}

/// What this node has to do.
pub(crate) fn load(it: &LoadInfo) -> String {
    [
        format!(
            "uploads   {} chunks now, {} in line ({}), slots: {slots}",
            it.uploads,
            it.queued_requests,
            human::bytes(it.queued_bytes),
            slots = it.upload_slots
        ),
        format!("downloads {}", it.downloads),
        format!("rates     up {}, down {}", human::rate(it.rate_up), human::rate(it.rate_down)),
        format!("limits    {}", limits(&it.limits)),
    ]
    .join("\n")
}

/// What this node counts.
pub(crate) fn counters(it: &CountersInfo) -> String {
    let mut lines = vec![
        format!("running      for {}", human::time(Duration::from_secs(it.uptime))),
        format!("sent         {} in {}", human::bytes(it.sent), human::count(it.chunks_sent, "chunk")),
        format!(
            "received     {} in {}",
            human::bytes(it.received),
            human::count(it.chunks_received, "chunk")
        ),
        format!(
            "twice        {} in {}",
            human::bytes(it.duplicate),
            human::count(it.chunks_duplicate, "chunk")
        ),
        format!("corrupt      {}", human::count(it.chunks_corrupt, "chunk")),
        format!(
            "refused      {} for chunks, {}",
            human::count(it.requests_refused, "request"),
            human::count(it.questions_refused, "question")
        ),
        format!("connections  {} now, {} since the start", it.connections, it.connections_ever),
    ];
    lines.extend(it.peers.iter().map(|peer| {
        format!(
            "peer         {}  received {}, sent {}",
            Printable(&peer.peer),
            human::bytes(peer.received),
            human::bytes(peer.sent)
        )
    }));
    lines.join("\n")
}
