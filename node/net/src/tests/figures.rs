//! What a node tells of itself in numbers, and its limits.

use super::pair::{Pair, pair};
use super::*;
use crate::NeighbourTransport;

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_shows_in_the_figures_of_both_sides() {
    let pair = pair(None, None).await;
    let Pair { one, two, gate, .. } = &pair;
    until("chunks are asked for", || one.load().uploads > 0 && one.load().queued_requests > 0).await;
    let load = one.load();
    assert!(load.queued_bytes > 0 && load.upload_slots >= load.uploads && load.downloads == 0, "{load:?}");
    assert_eq!((two.load().downloads, two.load().uploads), (1, 0));

    let detail = pair.detail(|detail| !detail.rarity.is_empty()).await;
    assert_eq!((detail.chunks as usize, detail.stretch), (CHUNKS, 1));
    assert!(detail.have.is_clear() && detail.unavailable == 0);
    assert_eq!(detail.rarity, vec![1; CHUNKS]);
    let [neighbour] = &detail.neighbours[..] else { panic!("{detail:?}") };
    assert_eq!((neighbour.peer, neighbour.chunks, neighbour.joined), (one.peer_id(), CHUNKS, true));
    assert!(neighbour.rtt.is_some());

    gate.open();
    pair.finishes().await;
    let detail = pair.detail(|detail| detail.have.is_full()).await;
    assert_eq!(detail.have.len(), CHUNKS);
    until("the last chunk counts as sent", || one.counters().traffic.total.chunks_sent == CHUNKS as u64)
        .await;
    let (sent, received) = (one.counters().traffic, two.counters().traffic);
    assert_eq!((sent.total.sent, sent.total.received), (SIZE as u64, 0));
    assert_eq!((received.total.received, received.total.chunks_received), (SIZE as u64, CHUNKS as u64));
    assert_eq!((sent.with(&two.peer_id()), received.with(&one.peer_id())), (sent.total, received.total));

    two.content(pair.content).unwrap().remove().await;
    assert_eq!(two.counters().traffic, received, "the node remembers what its contents did");
    assert!(two.content_detail(pair.content).await.is_none());
    assert_eq!(two.load().downloads, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_are_told_with_what_they_have_to_do_here() {
    let pair = pair(None, None).await;
    let Pair { one, two, .. } = &pair;
    let told = |node: &Node| {
        let all = node.neighbours();
        all.len() == 1 && all[0].agent.is_some() && all[0].rtt.is_some() && !all[0].contents.is_empty()
    };
    until("both know each other", || told(one) && told(two)).await;
    let (of_one, of_two) = (one.neighbours().remove(0), two.neighbours().remove(0));
    assert_eq!((of_one.peer, of_two.peer), (two.peer_id(), one.peer_id()));
    assert!(of_two.outbound && !of_one.outbound, "the second one dialled");
    for neighbour in [&of_one, &of_two] {
        assert_eq!((neighbour.transport, neighbour.connections), (NeighbourTransport::Tcp, 1));
        assert!(neighbour.agent.as_ref().is_some_and(|agent| agent.starts_with("shoal/")), "{neighbour:?}");
        assert_eq!(neighbour.contents, [pair.content]);
    }
    let counters = one.counters();
    assert_eq!((counters.connections, counters.connections_ever), (1, 1));
    assert!(counters.questions_answered > 0, "a join at least");
    pair.gate.open();
    pair.finishes().await;
    until("bytes are counted by peer", || one.neighbours().iter().any(|n| n.exchanged.sent == SIZE as u64))
        .await;
    pair.two.clone().shutdown().await;
    until("nobody is left", || one.neighbours().is_empty()).await;
    assert_eq!((one.counters().connections, one.counters().connections_ever), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_lifted_lets_a_download_go_on() {
    for (up, down) in [(Some(1), None), (None, Some(1))] {
        let pair = pair(up, down).await;
        pair.gate.open();
        assert_eq!((pair.one.limits().up, pair.two.limits().down), (up, down));
        // At one byte per second it has begun to wait for minutes, in the middle of a chunk.
        until("something came", || pair.two.load().rate_down > 0).await;
        assert!(pair.two.counters().traffic.total.received < SIZE as u64);
        pair.one.set_limits(None, None);
        pair.two.set_limits(None, None);
        pair.finishes().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_told_and_fall_to_nothing() {
    let pair = pair(None, None).await;
    let sends = pair.one.content(pair.content).unwrap();
    let (mut up, mut down) = (sends.progress(), pair.fetched.progress());
    pair.gate.open();
    let told = async {
        up.wait_for(|progress| progress.rate_up > 0).await.unwrap();
        down.wait_for(|progress| progress.rate_down > 0).await.unwrap();
        // No event brings this.
        up.wait_for(|progress| progress.rate_up == 0).await.unwrap();
        down.wait_for(|progress| progress.rate_down == 0).await.unwrap();
    };
    tokio::time::timeout(DEADLINE, told).await.expect("rates in time");
}
