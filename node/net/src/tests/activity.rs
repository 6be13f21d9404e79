//! The log of all that nodes do.

use super::*;
use crate::{ActivityKind, ActivityStream, HeardActivity};

/// Reads until something has happened; returns all with their peers and contents.
async fn heard(
    stream: &mut ActivityStream,
    last: impl Fn(&ActivityKind) -> bool,
) -> Vec<(Option<libp2p::PeerId>, Option<ContentId>, ActivityKind)> {
    let mut all = Vec::new();
    let mut before = None;
    let read = async {
        loop {
            match stream.next().await {
                Some(HeardActivity::Activity(next)) => {
                    assert!(before.is_none_or(|before| before + 1 == next.number));
                    before = Some(next.number);
                    let ends = last(&next.what);
                    all.push((next.peer, next.content, next.what));
                    if ends {
                        return;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    };
    let read = tokio::time::timeout(DEADLINE, read).await;
    assert!(read.is_ok(), "it never came to the last one: {all:?}");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_told_step_by_step_on_both_sides() {
    let scratch = tempfile::tempdir().unwrap();
    let gate = Arc::new(Gate::default());
    gate.open();
    let (one, two) = (node().await, node().await);
    let (mut of_one, mut of_two) = (one.activity(), two.activity());
    let content = share(&one, scratch.path(), 1, &gate);
    let peers = one.addresses().await;
    let options = FetchOptions { peers, ..FetchOptions::new(content, scratch.path().join("got")) };
    let fetched = two.fetch(options).unwrap();
    tokio::time::timeout(DEADLINE, fetched.finished()).await.unwrap().unwrap();
    fetched.pause().await;
    fetched.resume().unwrap();
    fetched.remove().await;

    let did = heard(&mut of_two, |what| *what == ActivityKind::Removed).await;
    let (peer, of) = (Some(one.peer_id()), Some(content));
    let at = |wanted: &dyn Fn(&ActivityKind) -> bool| did.iter().position(|(_, _, what)| wanted(what));
    let order = [
        at(&|what| *what == ActivityKind::Added),
        at(&|what| matches!(what, ActivityKind::Connected { outbound: true, .. })),
        at(&|what| *what == ActivityKind::Asked { kind: "join" }),
        at(&|what| matches!(what, ActivityKind::ChunkRequested { .. })),
        at(&|what| matches!(what, ActivityKind::ChunkReceived { .. })),
        at(&|what| *what == ActivityKind::Complete),
        at(&|what| *what == ActivityKind::Paused),
        at(&|what| *what == ActivityKind::Resumed),
        at(&|what| *what == ActivityKind::Removed),
    ];
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?} in {did:#?}");
    let chunks = did.iter().filter(|(from, about, what)| {
        matches!(what, ActivityKind::ChunkReceived { duplicate: false, .. }) && (*from, *about) == (peer, of)
    });
    assert_eq!(chunks.count(), CHUNKS);

    two.shutdown().await;
    let did = heard(&mut of_one, |what| matches!(what, ActivityKind::Disconnected { .. })).await;
    let sent: u64 = did
        .iter()
        .map(|(_, about, what)| match what {
            ActivityKind::ChunkSent { bytes, .. } if *about == of => *bytes,
            _ => 0,
        })
        .sum();
    assert_eq!(sent, SIZE as u64);
    assert!(
        did.iter().any(|it| it.2 == ActivityKind::Answered { kind: "join", refused: None } && it.1 == of)
    );
    one.shutdown().await;
    let end = async { while of_two.next().await.is_some() {} };
    tokio::time::timeout(DEADLINE, end).await.expect("a log ends with its node");
}
