//! What the API says, as text for people.
//!
//! What always holds: words of other peers are marked as theirs ("says"), and none of them begins a line of its own.

mod table;

use std::time::Duration;

use shoal_api::model::{
    Content, ContentStateInfo, CountersInfo, FindInfo, LimitsInfo, LoadInfo, NeighbourInfo, NodeInfo,
    PeerContentInfo, PeerCountersInfo, PeerLoadInfo, TrackerlessInfo, WhereInfo,
};
use shoal_printable::Printable;

pub(super) use self::table::Table;
use super::human;

/// What is done for a content, in a word.
pub(super) fn state(state: ContentStateInfo) -> &'static str {
    match state {
        ContentStateInfo::Looking => "looking",
        ContentStateInfo::Checking => "checking",
        ContentStateInfo::Fetching => "fetching",
        ContentStateInfo::Placing => "placing",
        ContentStateInfo::Serving => "serving",
        ContentStateInfo::Paused => "paused",
        ContentStateInfo::Ended => "ended",
        ContentStateInfo::Waiting => "waiting",
        ContentStateInfo::Failed => "failed",
    }
}

/// How much of what is wanted is here, in percent; 100 only if all of it is.
pub(super) fn percent(content: &Content) -> u64 {
    match content.total {
        _ if content.complete => 100,
        0 => 0,
        total => (u128::from(content.done) * 100 / u128::from(total)).min(99) as u64,
    }
}

/// A content's name, as far as it is known.
pub(super) fn name(content: &Content) -> String {
    Printable(content.name.as_deref().unwrap_or("(not known yet)")).to_string()
}

/// The library, a line for each content.
pub(super) fn contents(all: &[Content]) -> String {
    if all.is_empty() {
        return "nothing is shared or fetched here".into();
    }
    let mut table = Table::new(&["content", "state", ">done", ">size", ">down", ">up", ">peers", "name"]);
    for it in all {
        let why = it.why.as_ref().map(|why| format!(" ({})", Printable(why))).unwrap_or_default();
        table.row([
            it.content.clone(),
            state(it.state).to_owned(),
            format!("{} %", percent(it)),
            human::bytes(it.size),
            human::rate(it.rate_down),
            human::rate(it.rate_up),
            it.peers.to_string(),
            name(it) + &why,
        ]);
    }
    table.text()
}

/// Everything about one content.
pub(super) fn content(it: &Content) -> String {
    let mut lines = vec![
        format!("content   {}", Printable(&it.content)),
        format!("name      {}", name(it)),
        format!("state     {}{}", state(it.state), if it.complete { ", complete" } else { "" }),
        format!("size      {} ({} bytes)", human::bytes(it.size), it.size),
        format!("here      {} of {} ({} %)", human::bytes(it.done), human::bytes(it.total), percent(it)),
        format!(
            "received  {}, {} twice, {}",
            human::bytes(it.received),
            human::bytes(it.duplicate),
            human::rate(it.rate_down)
        ),
        format!("sent      {}, {}", human::bytes(it.sent), human::rate(it.rate_up)),
        format!(
            "peers     {}, who say they have it {} over",
            it.peers,
            human::count(it.copies as u64, "time")
        ),
    ];
    lines.extend((it.unavailable > 0).then(|| {
        format!("missing   {} that no connected peer has", human::count(it.unavailable as u64, "chunk"))
    }));
    lines.extend(it.why.iter().map(|why| format!("why       {}", Printable(why))));
    lines.extend(it.paths.iter().map(|path| format!("path      {}", Printable(&path.to_string_lossy()))));
    lines.join("\n")
}

/// The node itself.
pub(super) fn node(it: &NodeInfo) -> String {
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
pub(super) fn limits(it: &LimitsInfo) -> String {
    let one = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), human::rate);
    let by = if it.scheduled { ", by the schedule" } else { "" };
    format!("up {}, down {}{by}", one(it.up), one(it.down))
}

/// Connected peers.
pub(super) fn neighbours(all: &[NeighbourInfo]) -> String {
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
pub(super) fn load(it: &LoadInfo) -> String {
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

/// What a peer says that it has to do.
pub(super) fn peer_load(peer: &str, it: &PeerLoadInfo) -> String {
    format!(
        "{} says: load {}: {} being sent, {} in line ({}); {} being fetched",
        Printable(peer),
        it.uploads,
        human::count(it.uploads, "chunk"),
        human::count(it.queued_requests, "request"),
        human::bytes(it.queued_bytes),
        human::count(it.downloads, "content"),
    )
}

/// What this node counts.
pub(super) fn counters(it: &CountersInfo) -> String {
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

/// What a peer says that it counts.
pub(super) fn peer_counters(peer: &str, it: &PeerCountersInfo) -> String {
    let mut lines = vec![format!("{} says:", Printable(peer))];
    lines.extend(
        it.uptime.map(|uptime| format!("running      for {}", human::time(Duration::from_secs(uptime)))),
    );
    lines.extend([
        format!("sent         {} in {}", human::bytes(it.sent), human::count(it.chunks_sent, "chunk")),
        format!(
            "received     {} in {}",
            human::bytes(it.received),
            human::count(it.chunks_received, "chunk")
        ),
        format!("twice        {}", human::bytes(it.duplicate)),
        format!("corrupt      {}", human::count(it.chunks_corrupt, "chunk")),
    ]);
    lines.extend(
        it.requests_refused.map(|refused| format!("refused      {}", human::count(refused, "request"))),
    );
    lines.extend(it.connections.map(|open| format!("connections  {open}")));
    lines.push(format!(
        "with us      sent {}, received {}",
        human::bytes(it.sent_to_us),
        human::bytes(it.received_from_us)
    ));
    lines.join("\n")
}

/// Where a peer says that a chunk is.
pub(super) fn location(peer: &str, it: &WhereInfo) -> String {
    let first = format!("{} says: {}", Printable(peer), if it.has { "it is here" } else { "not here" });
    let others = it.peers.iter().map(|other| {
        format!(
            "  {} says it is at {}  {}",
            Printable(peer),
            Printable(&other.peer),
            Printable(&other.addresses.join(" "))
        )
    });
    std::iter::once(first).chain(others).collect::<Vec<_>>().join("\n")
}

/// What a peer says that it shares.
pub(super) fn peer_contents(peer: &str, all: &[PeerContentInfo]) -> String {
    if all.is_empty() {
        return format!("{} says: nothing is shared here in public", Printable(peer));
    }
    let mut table = Table::new(&["content", ">size", ">files", ">has", "says it is called"]);
    for it in all {
        let parts = it.have.min(it.chunks).saturating_mul(100);
        let has = parts.checked_div(it.chunks).unwrap_or(100);
        table.row([
            it.content.clone(),
            human::bytes(it.size),
            it.files.to_string(),
            format!("{has} %"),
            it.name.clone(),
        ]);
    }
    table.text()
}

/// Contents that trackers know by a name.
pub(super) fn found(it: &FindInfo) -> String {
    let mut table = Table::new(&["content", ">size", ">peers", "name"]);
    for found in &it.items {
        table.row([
            found.content.clone(),
            human::bytes(found.size),
            found.publishers.to_string(),
            found.name.clone(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_begin_no_line_and_are_marked_as_theirs() {
        let evil = "a\nfree\u{1b}[2J".to_owned();
        let it = PeerContentInfo {
            content: evil.clone(),
            name: evil.clone(),
            size: 1,
            files: 1,
            chunks: 3,
            have: 1,
        };
        let shown = peer_contents("P", &[it]);
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert!(shown.contains("says") && shown.contains("33 %") && !shown.contains('\u{1b}'), "{shown}");
        assert!(peer_load("P", &PeerLoadInfo::default()).starts_with("P says: load 0"));
        let it = WhereInfo { has: true, chunk: 0, peers: vec![] };
        assert_eq!(location(&evil, &it).lines().count(), 1);
    }
}
