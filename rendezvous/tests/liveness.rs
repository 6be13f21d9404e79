//! Reports of dead peers: true ones, false ones, and such as nobody can check.

mod common;

use common::{Client, tracker, until};
use libp2p::PeerId;
use shoal_registry::RegistryLimits;
use shoal_rendezvous::{Settings, TrackerServer};
use shoal_wire::tracker::Verdict;

/// Reports a peer, and waits until the probe is over.
async fn report(tracker: &TrackerServer, peer: PeerId) {
    let verdict = tracker.report(PeerId::random(), peer).await.unwrap();
    assert_eq!(verdict, Verdict::Probing);
    until("the probe ends", || async {
        let probes = tracker.counters().await.unwrap().probes;
        (probes.alive + probes.dead == probes.started).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_living_peer_stays_whatever_is_reported() {
    let (tracker, address) = tracker(Settings::default()).await;
    let (living, other) = (Client::start(&address).await, Client::start(&address).await);
    living.join("a").await;
    report(&tracker, living.peer()).await;
    assert_eq!(other.peers("a").await, [living.peer()]);
    assert_eq!(tracker.counters().await.unwrap().probes.alive, 1);
    let again = tracker.report(PeerId::random(), living.peer()).await;
    assert_eq!(again, Some(Verdict::Limited), "it was looked for a moment ago");
}

#[tokio::test]
async fn a_living_peer_without_a_connection_is_dialled_and_stays() {
    let (tracker, address) = tracker(Settings::default()).await;
    let (living, other) = (Client::start(&address).await, Client::start(&address).await);
    living.join("a").await;
    living.disconnect().await;
    until("the connection is closed", || async {
        (tracker.counters().await.unwrap().connections == 1).then_some(())
    })
    .await;
    assert_eq!(other.peers("a").await, [living.peer()], "peers may close idle connections");
    report(&tracker, living.peer()).await;
    assert_eq!(other.peers("a").await, [living.peer()]);
    living.join("a").await;
}

#[tokio::test]
async fn a_dead_peer_is_gone_soon_after_a_report() {
    let (tracker, address) = tracker(Settings::default()).await;
    let (dead, other) = (Client::start(&address).await, Client::start(&address).await);
    let peer = dead.peer();
    dead.join("a").await;
    dead.join("b").await;
    dead.die();
    report(&tracker, peer).await;
    assert_eq!(other.peers("a").await, []);
    assert_eq!(other.peers("b").await, []);
    let counters = tracker.counters().await.unwrap();
    assert_eq!((counters.probes.dead, counters.registry.dead), (1, 2));
    assert_eq!(tracker.report(other.peer(), peer).await, Some(Verdict::Unknown));
}

#[tokio::test]
async fn a_peer_that_hangs_is_gone_too() {
    let (tracker, address) = tracker(Settings::default()).await;
    let (hanging, other) = (Client::start(&address).await, Client::start(&address).await);
    hanging.join("a").await;
    let thaw = hanging.freeze().await;
    report(&tracker, hanging.peer()).await;
    assert_eq!(other.peers("a").await, []);
    drop(thaw);
    until("it is back", || hanging.try_join("a")).await;
    assert_eq!(other.peers("a").await, [hanging.peer()], "and welcome when it is back");
}

#[tokio::test]
async fn a_tracker_that_has_no_room_for_a_connection_takes_nobody_for_dead() {
    let (tracker, address) = tracker(Settings { connections: 1, ..Settings::default() }).await;
    let living = Client::start(&address).await;
    living.join("a").await;
    living.disconnect().await;
    until("the connection is closed", || async {
        (tracker.counters().await.unwrap().connections == 0).then_some(())
    })
    .await;
    let other = Client::start(&address).await;
    report(&tracker, living.peer()).await;
    assert_eq!(other.peers("a").await, [living.peer()]);
}

#[tokio::test]
async fn reporters_are_limited() {
    let limits = RegistryLimits { report_burst: 2, ..RegistryLimits::default() };
    let (tracker, _) = tracker(Settings { limits, ..Settings::default() }).await;
    let reporter = PeerId::random();
    for expected in [Verdict::Unknown, Verdict::Unknown, Verdict::Limited] {
        assert_eq!(tracker.report(reporter, PeerId::random()).await, Some(expected));
    }
}
