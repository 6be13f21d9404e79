//! Many contents on one node: between the same two nodes, among a dozen, and with one that goes wrong.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libp2p::Multiaddr;
use shoal_content::{Chunker, ContentId};
use shoal_net::{
    ContentEvent, ContentState, Failure, FetchOptions, Heard, Node, NodeConfig, Phase, ServeOptions,
};
use shoal_store::ChunkStore;
use shoal_tests::files::{random, write};
use shoal_tests::gate::source;
use shoal_tests::process::LOOPBACK;
use shoal_tests::within;

const CHUNKER: Chunker = Chunker::Fixed { size: 16 << 10 };

/// A node in this process, and a folder for what it fetches.
struct Home {
    node: Node,
    dir: PathBuf,
}

impl Home {
    async fn new(scratch: &Path, name: &str) -> Self {
        let listen = vec![LOOPBACK.parse().unwrap()];
        let node = Node::start(NodeConfig { listen, ..NodeConfig::default() }).await.unwrap();
        Self { node, dir: scratch.join(name) }
    }

    /// Shares a made-up file that no other one is like.
    fn share(&self, name: &str, seed: u64) -> ContentId {
        let path = self.dir.join("shared").join(name);
        write(&path, random(40 << 10, seed));
        let store = Arc::new(source(&path, CHUNKER));
        let content = store.manifest().id();
        self.node.serve(store, ServeOptions::default()).unwrap();
        content
    }

    fn fetch(&self, content: ContentId, peers: &[Multiaddr]) {
        let options =
            FetchOptions { peers: peers.to_vec(), ..FetchOptions::new(content, self.dir.join("got")) };
        self.node.fetch(options).unwrap();
    }

    async fn has_got(&self, content: ContentId) {
        let handle = self.node.content(content).expect("it was asked for");
        within("a download", handle.finished()).await.expect("it completes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_contents_each_way_between_two_nodes() {
    const EACH: u64 = 100;
    let scratch = tempfile::tempdir().unwrap();
    let (one, two) = (Home::new(scratch.path(), "one").await, Home::new(scratch.path(), "two").await);
    let (at_one, at_two) = (one.node.addresses().await, two.node.addresses().await);
    let of_one: Vec<_> = (0..EACH).map(|n| one.share(&format!("one-{n}"), n)).collect();
    let of_two: Vec<_> = (0..EACH).map(|n| two.share(&format!("two-{n}"), 10_000 + n)).collect();
    of_one.iter().for_each(|content| two.fetch(*content, &at_one));
    of_two.iter().for_each(|content| one.fetch(*content, &at_two));
    for (home, contents) in [(&two, &of_one), (&one, &of_two)] {
        for content in contents {
            home.has_got(*content).await;
        }
    }
    for n in 0..EACH {
        assert_eq!(std::fs::read(two.dir.join(format!("got/one-{n}"))).unwrap(), random(40 << 10, n));
    }
    one.node.shutdown().await;
    two.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn six_nodes_with_five_contents_each_fetch_all_of_them() {
    let scratch = tempfile::tempdir().unwrap();
    let mut homes = Vec::new();
    for n in 0..6 {
        homes.push(Home::new(scratch.path(), &n.to_string()).await);
    }
    let mut contents = Vec::new();
    for (n, home) in homes.iter().enumerate() {
        let at = home.node.addresses().await;
        for k in 0..5 {
            contents.push((n, home.share(&format!("{n}-{k}"), (100 * n + k) as u64), at.clone()));
        }
    }
    let missing = |n: usize| contents.iter().filter(move |(owner, ..)| *owner != n);
    for (n, home) in homes.iter().enumerate() {
        missing(n).for_each(|(_, content, at)| home.fetch(*content, at));
    }
    for (n, home) in homes.iter().enumerate() {
        for (_, content, _) in missing(n) {
            home.has_got(*content).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_are_added_paused_resumed_listed_and_removed() {
    let scratch = tempfile::tempdir().unwrap();
    let (one, two) = (Home::new(scratch.path(), "one").await, Home::new(scratch.path(), "two").await);
    let content = one.share("file", 1);
    let (listed, mut events) = two.node.subscribe();
    assert!(listed.is_empty());
    // Nobody is known yet: it waits.
    let nowhere: Multiaddr = "/ip4/127.0.0.1/tcp/9".parse().unwrap();
    two.fetch(content, &[nowhere]);
    let handle = two.node.content(content).unwrap();
    assert!(matches!(two.node.fetch(FetchOptions::new(content, &two.dir)).map(|_| ()), Err(Failure::Busy)));
    handle.pause().await;
    assert_eq!(handle.status().unwrap().state, ContentState::Paused);
    assert!(matches!(*handle.finished().await.unwrap_err(), Failure::Stopped { .. }));
    handle.remove().await;
    assert!(two.node.contents().is_empty() && two.node.content(content).is_none());

    two.fetch(content, &one.node.addresses().await);
    two.has_got(content).await;
    let handle = two.node.content(content).unwrap();
    let mut progress = handle.progress();
    let serving = progress.wait_for(|progress| progress.phase == Phase::Serving);
    drop(within("it serves", serving).await.unwrap());
    handle.pause().await;
    handle.resume().unwrap();
    let finished = within("it looks again", handle.finished()).await.unwrap();
    assert!(finished.already_there, "what is there is not fetched again");

    let mut number = 0;
    let mut ended = 0;
    while ended < 2 {
        let Some(Heard::Event(event)) = within("an event", events.next()).await else { panic!("a gap") };
        number += 1;
        assert_eq!(event.number, number);
        ended += usize::from(matches!(event.event, ContentEvent::Ended));
    }
}
