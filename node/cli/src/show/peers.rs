//! What other peers and trackers say.

use std::time::Duration;

use shoal_api::model::{FindInfo, PeerContentInfo, PeerCountersInfo, PeerLoadInfo, WhereInfo};
use shoal_printable::Printable;

use super::super::human;
use super::table::Table;

/// What a peer says that it has to do.
pub(crate) fn peer_load(peer: &str, it: &PeerLoadInfo) -> String {
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

/// What a peer says that it counts.
pub(crate) fn peer_counters(peer: &str, it: &PeerCountersInfo) -> String {
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
pub(crate) fn location(peer: &str, it: &WhereInfo) -> String {
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
pub(crate) fn peer_contents(peer: &str, all: &[PeerContentInfo]) -> String {
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

/// Contents that trackers and peers know by a name.
pub(crate) fn found(it: &FindInfo) -> String {
    let mut table = Table::new(&["content", ">size", ">peers", "told by", "name"]);
    for found in &it.items {
        table.row([
            found.content.clone(),
            human::bytes(found.size),
            found.publishers.to_string(),
            found.told_by.join(", "),
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
