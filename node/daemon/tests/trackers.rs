//! Trackers of the whole daemon, that come and go while it runs.

mod common;

use common::*;
use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use shoal_content::ContentId;
use shoal_daemon::{Daemon, DaemonConfig, FetchRequest};
use shoal_net::FetchOptions;
use shoal_rendezvous::{Settings, TrackerServer};

/// A tracker on loopback.
async fn tracker(key: Keypair, listen: &str) -> (TrackerServer, Multiaddr) {
    let settings = Settings { listen: vec![listen.parse().unwrap()], ..Settings::default() };
    let tracker = TrackerServer::start(key, settings).await.unwrap();
    let address = tracker.addresses()[0].clone();
    (tracker, address)
}

/// Fetches a content of which nothing is known but a tracker.
async fn fetch_by_tracker(getter: &Daemon, content: ContentId, tracker: &Multiaddr, dir: &std::path::Path) {
    let options = FetchOptions { trackers: vec![tracker.clone()], ..FetchOptions::new(content, dir) };
    getter.fetch(FetchRequest { options, public: false }).await.unwrap();
    complete(getter, content).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trackers_come_and_go_while_contents_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let file = put(dir.path(), "file", &bytes(200_000, 1));
    let (first, first_at) = tracker(Keypair::generate_ed25519(), "/ip4/127.0.0.1/tcp/0").await;
    let trackers = vec![first_at.clone()];
    let data = dir.path().join("data");
    let daemon = start_with(DaemonConfig { trackers: trackers.clone(), ..config(&data) }).await;
    let content = share(&daemon, &file).await;
    assert_eq!(daemon.ticket(content).await.unwrap().rendezvous, trackers);
    let getter = start(&dir.path().join("getter")).await;
    fetch_by_tracker(&getter, content, &first_at, &dir.path().join("to")).await;
    getter.remove(content).await.unwrap();

    // One that is not there yet is tried until it is.
    let key = Keypair::generate_ed25519();
    let (second, second_at) = tracker(key.clone(), "/ip4/127.0.0.1/tcp/0").await;
    assert!(second.shutdown(std::time::Duration::from_secs(20)).await);
    let listen: Multiaddr = second_at.iter().take(2).collect();
    assert!(daemon.register(second_at.clone()).await.unwrap());
    assert!(!daemon.register(second_at.clone()).await.unwrap());
    let (second, _) = tracker(key, &listen.to_string()).await;
    fetch_by_tracker(&getter, content, &second_at, &dir.path().join("to2")).await;
    getter.remove(content).await.unwrap();

    // Who is taken out is not found there any more.
    assert!(daemon.deregister(&first_at).await.unwrap());
    assert!(!daemon.deregister(&first_at).await.unwrap());
    let asked = getter.node().tracker(first_at.clone());
    let began = std::time::Instant::now();
    loop {
        let size = asked.swarm(content).await.unwrap();
        if size.seeds + size.downloaders + size.unknown == 0 {
            break;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(40), "{size:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(daemon.trackers(), std::slice::from_ref(&second_at));
    daemon.shutdown().await;
    let daemon = start_with(DaemonConfig { trackers, ..config(&data) }).await;
    assert_eq!(daemon.trackers(), [second_at]);
    complete(&daemon, content).await;
    drop((first, second));
}
