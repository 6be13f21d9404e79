//! Trackers that lie: what they say is refused or harmless, and named.

use shoal_content::{ContentId, Hash};
use shoal_net::{Node, NodeConfig, Portion, TrackerClient, TrackerError};
use shoal_tests::false_tracker::FalseTracker;
use shoal_wire::tracker::{IndexEntry, Match, Mode, TrackerResponse};

fn config() -> NodeConfig {
    let listen = vec![shoal_tests::process::LOOPBACK.parse().unwrap()];
    NodeConfig { listen, ..NodeConfig::default() }
}

/// A node, and a tracker that always says this.
async fn saying(response: &TrackerResponse) -> (Node, FalseTracker, TrackerClient) {
    let node = Node::start(config()).await.unwrap();
    let liar = FalseTracker::start(shoal_cbor::encode(response)).await;
    let tracker = node.tracker(liar.address.clone());
    (node, liar, tracker)
}

fn found(name: &str) -> TrackerResponse {
    let content = ContentId::from_root_hash(Hash::of(b"content"));
    let entry = IndexEntry { name: name.into(), size: 1, files: 1, content };
    TrackerResponse::Found { next: None, contents: vec![Match { entry, peers: vec![], publishers: 1 }] }
}

#[tokio::test]
async fn a_payload_with_another_hash_is_refused() {
    let (_node, _liar, tracker) = saying(&TrackerResponse::Payload { bytes: b"evil".into() }).await;
    assert_eq!(tracker.get(Hash::of(b"good")).await, Err(TrackerError::WrongBytes));
    assert_eq!(tracker.get(Hash::of(b"evil")).await, Ok(b"evil".into()), "and no other one");
    let (_node, _liar, tracker) = saying(&TrackerResponse::Stored { id: Hash::of(b"other"), ttl: 1 }).await;
    assert_eq!(tracker.put(b"good".into()).await, Err(TrackerError::WrongBytes));
}

#[tokio::test]
async fn a_payload_over_the_limit_is_refused_both_ways() {
    let long = vec![7; 65_537];
    let (_node, _liar, tracker) = saying(&TrackerResponse::Payload { bytes: long.clone() }).await;
    assert!(matches!(tracker.get(Hash::of(&long)).await, Err(TrackerError::Malformed(_))));
    assert!(matches!(tracker.put(long).await, Err(TrackerError::Request(_))), "it is not even sent");
}

#[tokio::test]
async fn names_that_could_change_a_terminal_are_refused() {
    for name in ["\u{1b}[2J", "\u{202e}x", "../x", &"x".repeat(256)] {
        let (_node, _liar, tracker) = saying(&found(name)).await;
        let page = tracker.find(Mode::Prefix, "", None, 0).await;
        assert!(matches!(page, Err(TrackerError::Malformed(_))), "{name:?}: {page:?}");
    }
    let (_node, _liar, tracker) = saying(&found("good")).await;
    let page = tracker.find(Mode::Prefix, "", None, 0).await;
    assert!(matches!(page, Ok(Portion { items, next: None }) if items.len() == 1));
}

#[tokio::test]
async fn answers_to_another_question_and_nonsense_are_told_apart() {
    let (_node, _liar, tracker) = saying(&TrackerResponse::Published { ttl: u64::MAX }).await;
    assert_eq!(tracker.stats().await, Err(TrackerError::WrongKind));
    let liar = FalseTracker::start(b"nonsense".into()).await;
    let node = Node::start(config()).await.unwrap();
    assert!(matches!(node.tracker(liar.address.clone()).stats().await, Err(TrackerError::Malformed(_))));
}
