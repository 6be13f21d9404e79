//! What a peer is asked, it says; by its address, and by its id once it is connected.

use shoal_api::ClientError;

use super::common::{Running, eventually, within};

#[tokio::test]
async fn a_peer_answers_by_its_address_and_then_by_its_id() {
    let [asked, asking] = [Running::start().await, Running::start().await];
    let content = asked.share(&asked.file("film.bin", 500_000)).await;
    asked.client.set_public("film.bin", true).await.unwrap();
    let node = asked.client.node().await.unwrap();
    let client = &asking.client;
    let Err(ClientError::Refused(problem)) = client.ask_load(&node.peer).await else {
        panic!("not connected yet")
    };
    assert_eq!(problem.kind, "no_peers");
    for peer in [&node.addresses[0], &node.peer] {
        let ping = within("a ping", client.ping(peer)).await.unwrap();
        assert!(ping.millis > 0.0 && ping.peer == *peer);
        assert_eq!(client.ask_load(peer).await.unwrap().uploads, 0);
        let counters = client.ask_counters(peer, None).await.unwrap();
        assert!(counters.uptime.is_some() && counters.sent == 0);
        let counters = client.ask_counters(peer, Some(&content.content)).await.unwrap();
        assert!(counters.uptime.is_none());
        let place = client.ask_where(peer, &content.content, "0").await.unwrap();
        assert!(place.has && place.chunk == 0);
        let page = client.ask_contents(peer, None).await.unwrap();
        assert_eq!((page.items.len(), page.next), (1, None));
        assert_eq!((page.items[0].name.as_str(), page.items[0].size), ("film.bin", 500_000));
        assert_eq!(page.items[0].have, page.items[0].chunks);
        client.ask_neighbours(peer).await.unwrap();
    }
    let peers = client.peers(None, None).await.unwrap();
    assert_eq!((peers.items.len(), peers.items[0].peer.as_str()), (1, node.peer.as_str()));
    assert!(!peers.items[0].inbound && peers.items[0].transport == "tcp" && peers.items[0].since > 0);
    assert_eq!(client.node().await.unwrap().connections, 1);
    asked.client.set_public("film.bin", false).await.unwrap();
    // Asked too often, it is busy for a while.
    eventually("it is not told any more", || async {
        let page = client.ask_contents(&node.peer, None).await.ok()?;
        page.items.is_empty().then_some(())
    })
    .await;
}
