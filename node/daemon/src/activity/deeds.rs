//! What a node does, as events of the log.

use shoal_net::{Activity, ActivityKind};

use super::format::LogEvent;

/// What a node did, as it is logged.
pub(super) fn line_of(activity: Activity) -> LogEvent {
    let Activity { time, peer, content, what, .. } = activity;
    let event = LogEvent {
        peer: peer.map(|peer| peer.to_string()),
        content: content.map(|content| content.to_string()),
        ..LogEvent::new(time, word(&what))
    };
    with_fields(event, what)
}

/// The word for it in the log.
fn word(what: &ActivityKind) -> &'static str {
    match what {
        ActivityKind::Connected { .. } => "connected",
        ActivityKind::Disconnected { .. } => "disconnected",
        ActivityKind::Registered { .. } => "registered",
        ActivityKind::Deregistered { .. } => "deregistered",
        ActivityKind::Discovered { .. } => "discovered",
        ActivityKind::Asked { .. } => "asked",
        ActivityKind::Answered { .. } => "answered",
        ActivityKind::ChunkRequested { .. } => "chunk_requested",
        ActivityKind::ChunkReceived { .. } => "chunk_received",
        ActivityKind::ChunkRejected { .. } => "chunk_rejected",
        ActivityKind::ChunkSent { .. } => "chunk_sent",
        ActivityKind::ChunkRefused { .. } => "chunk_refused",
        ActivityKind::Added => "content_added",
        ActivityKind::Complete => "content_complete",
        ActivityKind::Failed { .. } => "content_failed",
        ActivityKind::Paused => "content_paused",
        ActivityKind::Resumed => "content_resumed",
        ActivityKind::Removed => "content_removed",
        ActivityKind::Banned { .. } => "banned",
        // A kind that is new in the node has no word here yet.
        _ => "other",
    }
}

fn with_fields(event: LogEvent, what: ActivityKind) -> LogEvent {
    match what {
        ActivityKind::Connected { address, outbound } => {
            let direction = if outbound { "outbound" } else { "inbound" };
            event.with("address", address.to_string()).with("direction", direction.to_owned())
        }
        ActivityKind::Disconnected { address } => event.with("address", address.to_string()),
        ActivityKind::Registered { tracker } | ActivityKind::Deregistered { tracker } => {
            event.with("tracker", tracker.to_string())
        }
        ActivityKind::Discovered { tracker, peers } => {
            event.with("tracker", tracker.to_string()).with("peers", peers as u64)
        }
        ActivityKind::Asked { kind } => event.with("kind", kind.to_owned()),
        ActivityKind::Answered { kind, refused } => {
            let event = event.with("kind", kind.to_owned());
            refused.into_iter().fold(event, |event, code| event.with("refused", snake_case(&code)))
        }
        ActivityKind::ChunkRequested { chunk } | ActivityKind::Banned { chunk } => {
            chunk.into_iter().fold(event, |event, chunk| event.with("chunk", u64::from(chunk)))
        }
        ActivityKind::ChunkReceived { chunk, bytes, duplicate } => {
            let event = event.with("chunk", u64::from(chunk)).with("bytes", bytes);
            event.with("duplicate", u64::from(duplicate))
        }
        ActivityKind::ChunkSent { chunk, bytes } => {
            event.with("chunk", u64::from(chunk)).with("bytes", bytes)
        }
        ActivityKind::ChunkRejected { chunk } => event.with("chunk", u64::from(chunk)),
        ActivityKind::ChunkRefused { why } => event.with("why", snake_case(&why)),
        ActivityKind::Failed { why } => event.with("why", why),
        _ => event,
    }
}

/// The name of a variant as on the wire.
fn snake_case(variant: &impl serde::Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use libp2p::PeerId;
    use shoal_content::{ContentId, Hash};

    use super::*;

    fn logged(what: ActivityKind) -> serde_json::Value {
        let peer = Some(PeerId::random());
        let content = Some(ContentId::from_root_hash(Hash::of(b"x")));
        let activity = Activity { number: 1, time: SystemTime::UNIX_EPOCH, peer, content, what };
        serde_json::from_str(&line_of(activity).line()).unwrap()
    }

    fn all() -> Vec<ActivityKind> {
        let address: libp2p::Multiaddr = "/ip4/192.0.2.1/tcp/1".parse().unwrap();
        let tracker = address.clone();
        vec![
            ActivityKind::Connected { address: address.clone(), outbound: true },
            ActivityKind::Disconnected { address },
            ActivityKind::Registered { tracker: tracker.clone() },
            ActivityKind::Deregistered { tracker: tracker.clone() },
            ActivityKind::Discovered { tracker, peers: 3 },
            ActivityKind::Asked { kind: "join" },
            ActivityKind::Answered { kind: "join", refused: None },
            ActivityKind::ChunkRequested { chunk: Some(7) },
            ActivityKind::ChunkReceived { chunk: 7, bytes: 9, duplicate: false },
            ActivityKind::ChunkRejected { chunk: 7 },
            ActivityKind::ChunkSent { chunk: 7, bytes: 9 },
            ActivityKind::ChunkRefused { why: shoal_wire::chunks::ChunkRefusal::NoneFresh },
            ActivityKind::Added,
            ActivityKind::Complete,
            ActivityKind::Failed { why: "x".into() },
            ActivityKind::Paused,
            ActivityKind::Resumed,
            ActivityKind::Removed,
            ActivityKind::Banned { chunk: Some(7) },
        ]
    }

    /// The document has a row for each event, with each of its fields.
    #[test]
    fn every_event_and_field_is_documented() {
        let document = include_str!("../../../../docs/activity-log.md");
        for what in all() {
            let line = logged(what);
            let event = line["event"].as_str().unwrap();
            let row = document.lines().find(|row| row.starts_with(&format!("| `{event}` |")));
            let row = row.unwrap_or_else(|| panic!("{event} is not documented"));
            let fields = line.as_object().unwrap().keys();
            for field in fields.filter(|it| !matches!(&it[..], "time" | "event" | "peer" | "content")) {
                assert!(row.contains(&format!("`{field}`")), "{event} has {field}: {row}");
            }
        }
    }

    #[test]
    fn figures_are_numbers_and_reasons_are_words_of_the_wire() {
        let received = logged(ActivityKind::ChunkReceived { chunk: 7, bytes: 9, duplicate: true });
        assert_eq!(
            (&received["chunk"], &received["bytes"], &received["duplicate"]),
            (&7.into(), &9.into(), &1.into())
        );
        let refused = logged(ActivityKind::ChunkRefused { why: shoal_wire::chunks::ChunkRefusal::NoneFresh });
        assert_eq!(refused["why"], "none_fresh");
    }
}
