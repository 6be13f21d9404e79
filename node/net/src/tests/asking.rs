//! Nodes that ask each other about themselves.

use futures::future::join_all;
use shoal_content::Hash;

use super::pair::pair;
use super::*;
use crate::control::QueryError;
use crate::{AskError, ChunkRef, QueryErrorCode, RemotePeer};
use shoal_wire::query::{FindId, QueryRequest, QueryResponse};

/// A node as another one reaches it, that is not connected to it yet.
async fn at(asker: &Node, asked: &Node) -> RemotePeer {
    asker.peer(asked.addresses().await.remove(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_tells_strangers_and_neighbours_how_it_is() {
    let pair = pair(None, None).await;
    let (one, two, stranger) = (&pair.one, &pair.two, node().await);
    let asked = at(&stranger, one).await;
    until("chunks are asked for", || one.load().uploads > 0 && one.load().queued_requests > 0).await;
    let load = asked.load().await.unwrap();
    assert!(load.active > 0 && load.waiting > 0 && load.queued > 0 && load.slots >= load.active, "{load:?}");
    assert_eq!((load.fetching, load.limit_up), (0, None));
    one.set_limits(Some(1 << 30), None);
    assert_eq!(asked.load().await.unwrap().limit_up, Some(1 << 30));
    assert_eq!(at(&stranger, two).await.load().await.unwrap().fetching, 1);
    assert!(asked.ping().await.unwrap() > Duration::ZERO);

    pair.gate.open();
    pair.finishes().await;
    until("the last chunk counts as sent", || one.counters().traffic.total.chunks_sent == CHUNKS as u64)
        .await;
    let size = SIZE as u64;
    for content in [None, Some(pair.content)] {
        let to_neighbour = two.peer(one.peer_id()).counters(content).await.unwrap();
        let to_stranger = asked.counters(content).await.unwrap();
        assert_eq!((to_neighbour.sent, to_neighbour.to_you, to_neighbour.from_you), (size, size, 0));
        assert_eq!((to_stranger.sent, to_stranger.to_you), (size, 0), "what others got is no affair of it");
        assert_eq!(to_stranger.chunks_sent, CHUNKS as u64);
        assert_eq!(
            (to_stranger.uptime.is_some(), to_stranger.connections.is_some()),
            (content.is_none(), content.is_none())
        );
    }
    let unknown = ContentId::from_root_hash(Hash::of(b"nowhere"));
    let refused = asked.counters(Some(unknown)).await;
    assert_eq!(refused, Err(AskError::Refused(QueryErrorCode::NotFound)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_is_found_by_its_place_and_by_its_hash() {
    let pair = pair(None, None).await;
    let (one, two, stranger) = (&pair.one, &pair.two, node().await);
    let asked = at(&stranger, one).await;
    let manifest = pair.one.parts().library.store(&pair.content).unwrap().manifest().clone();
    let hash = manifest.chunks()[5].hash;
    let before = asked.find_chunk(pair.content, ChunkRef::Index(5)).await.unwrap();
    assert_eq!((before.has, before.chunk, before.peers), (true, 5, vec![]), "nobody else has it yet");
    pair.gate.open();
    pair.finishes().await;
    // The news of what it has goes another way than the download.
    let places = async {
        loop {
            let places = asked.find_chunk(pair.content, ChunkRef::Hash(hash)).await;
            match places {
                Ok(places) if !places.peers.is_empty() => return places,
                Ok(_) | Err(AskError::Refused(QueryErrorCode::Busy)) => {
                    tokio::time::sleep(Duration::from_millis(100)).await
                }
                Err(error) => panic!("{error}"),
            }
        }
    };
    let places = tokio::time::timeout(DEADLINE, places).await.expect("the other one told of it");
    assert_eq!((places.has, places.chunk, places.peers.len()), (true, 5, 1));
    assert_eq!(places.peers[0].peer, two.peer_id());
    // Where it was told to be, it is.
    let there = stranger.peer(places.peers[0].addresses[0].clone());
    assert!(there.find_chunk(pair.content, ChunkRef::Index(5)).await.unwrap().has);
    for nowhere in [ChunkRef::Index(CHUNKS as u32), ChunkRef::Hash(Hash::of(b"nowhere"))] {
        let refused = asked.find_chunk(pair.content, nowhere).await;
        assert_eq!(refused, Err(AskError::Refused(QueryErrorCode::NotFound)));
    }
    let known = asked.neighbours().await.unwrap();
    assert_eq!(known.iter().map(|known| known.peer).collect::<Vec<_>>(), [two.peer_id()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_public_is_told_page_by_page() {
    let scratch = tempfile::tempdir().unwrap();
    let gate = Arc::new(Gate::default());
    gate.open();
    let (one, stranger) = (node().await, node().await);
    let asked = at(&stranger, &one).await;
    share(&one, scratch.path(), 1, &gate);
    assert_eq!(asked.contents(None).await.unwrap().contents, []);
    let public = || ServeOptions { public: true, ..ServeOptions::default() };
    let mut shared: Vec<_> = (2..106).map(|n| share_as(&one, scratch.path(), n, &gate, public())).collect();
    shared.sort_unstable();
    let first = asked.contents(None).await.unwrap();
    assert_eq!((first.contents.len(), first.next), (100, Some(shared[99])));
    let rest = asked.contents(first.next).await.unwrap();
    assert_eq!((rest.contents.len(), rest.next), (4, None));
    let told: Vec<_> = first.contents.iter().chain(&rest.contents).map(|claim| claim.content).collect();
    assert_eq!(told, shared);
    let claim = &first.contents[0];
    assert_eq!((claim.size, claim.chunks, claim.have), (SIZE as u64, CHUNKS as u32, CHUNKS as u32));

    let handle = one.content(shared[0]).unwrap();
    handle.set_public(false);
    assert_eq!(asked.contents(None).await.unwrap().contents[0].content, shared[1]);
    handle.pause().await;
    handle.resume().unwrap();
    assert_eq!(asked.contents(None).await.unwrap().contents[0].content, shared[1], "also after a pause");
    handle.set_public(true);
    assert_eq!(asked.contents(None).await.unwrap().contents[0].content, shared[0]);
    handle.pause().await;
    assert_eq!(asked.contents(None).await.unwrap().contents[0].content, shared[1], "nothing is done for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_questions_is_refused_and_the_node_goes_on() {
    let pair = pair(None, None).await;
    let stranger = node().await;
    let asked = at(&stranger, &pair.one).await;
    asked.ping().await.unwrap();
    until("the other one is connected", || !pair.two.neighbours().is_empty()).await;
    let answers = join_all((0..90).map(|_| asked.load())).await;
    let answered = answers.iter().filter(|answer| answer.is_ok()).count();
    let busy = answers.iter().filter(|it| **it == Err(AskError::Refused(QueryErrorCode::Busy))).count();
    assert!((20..60).contains(&answered), "{answered}");
    assert_eq!(answered + busy, 90);
    assert!(pair.one.counters().questions_refused >= busy as u64);
    assert!(asked.ping().await.is_ok() && pair.two.peer(pair.one.peer_id()).load().await.is_ok());
    pair.gate.open();
    pair.finishes().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_there_is_named() {
    let (one, two) = (node().await, node().await);
    let nobody = two.peer_id();
    assert_eq!(one.peer(nobody).load().await, Err(AskError::NotConnected(nobody)));
    let address = two.addresses().await.remove(0);
    assert!(one.peer(address.clone()).ping().await.is_ok());
    assert!(one.peer(nobody).load().await.is_ok(), "now there is a connection");
    two.shutdown().await;
    until("the connection is gone", || one.neighbours().is_empty()).await;
    assert!(matches!(one.peer(address).ping().await, Err(AskError::Unreachable(_))));
    let unusable = one.peer("/unix/socket".parse::<libp2p::Multiaddr>().unwrap());
    assert!(matches!(unusable.load().await, Err(AskError::Unreachable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_for_names_are_told_once_and_only_so_often() {
    let scratch = tempfile::tempdir().unwrap();
    let gate = Arc::new(Gate::default());
    let (asked, asker) = (node().await, node().await);
    let public = ServeOptions { public: true, ..ServeOptions::default() };
    let content = share_as(&asked, scratch.path(), 7, &gate, public);
    share(&asked, scratch.path(), 77, &gate);
    let control = asker.control();
    control.reach(Some(asked.peer_id()), asked.addresses().await.remove(0)).await.unwrap();
    let ask = async |n: u8| {
        let (id, name) = (FindId([n; 16]), "7".to_owned());
        control.query(asked.peer_id(), QueryRequest::Find { id, hops: 7, name, prefix: false }).await
    };
    let Ok(QueryResponse::Found { found }) = ask(0).await else { panic!("the first one is answered") };
    assert_eq!((found.len(), found[0].content), (1, content), "what is not public is told nobody");
    assert_eq!(found[0].peers[0].peer(), Some(asked.peer_id()));
    assert!(found[0].peers[0].multiaddrs().next().is_some(), "where it is");
    let Ok(QueryResponse::Found { found }) = ask(0).await else { panic!("it is known") };
    assert!(found.is_empty(), "it was told before");
    let flood = join_all((1..100).map(ask)).await;
    let busy =
        |answer: &&Result<_, QueryError>| matches!(answer, Err(QueryError::Refused(QueryErrorCode::Busy)));
    let refused = flood.iter().filter(busy).count();
    assert!(refused >= 80, "{refused} of 99 are refused");
    assert!(asker.load().uploads == 0 && asked.peer(asker.peer_id()).ping().await.is_ok(), "it goes on");
}
