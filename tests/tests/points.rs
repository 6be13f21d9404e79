//! Nodes at rendezvous points: our own, libp2p's, and such as mean no good.

use std::path::Path;

use futures::StreamExt;
use libp2p::identity::Keypair;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, SwarmBuilder, noise, rendezvous, tcp, yamux};
use shoal_net::{Node, NodeConfig};
use shoal_rendezvous::{Settings, TrackerServer};
use shoal_tests::files::{self, tree};
use shoal_tests::point::point;
use shoal_tests::process::{LOOPBACK, Process, get, share, shoal};
use shoal_tests::visitor::Visitor;
use shoal_tests::within;
use shoal_wire::rendezvous::Status;
use shoal_wire::rendezvous::{Discovered, Refused, RendezvousResponse};
use shoal_wire::tracker::Verdict;

async fn tracker() -> (TrackerServer, String) {
    let settings = Settings { listen: vec![LOOPBACK.parse().unwrap()], ..Settings::default() };
    let tracker = TrackerServer::start(Keypair::generate_ed25519(), settings).await.unwrap();
    let address = tracker.addresses()[0].to_string();
    (tracker, address)
}

async fn registrations(tracker: &TrackerServer, expected: usize) {
    within("the tracker has that many registrations", async {
        while tracker.counters().await.unwrap().registrations != expected {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}

fn id(path: &Path) -> String {
    let inspected = shoal(["inspect", "--json", path.to_str().unwrap()]).expect(0).json();
    inspected["content"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_listed_while_it_serves_and_no_longer() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    files::mixed(&from);
    let (tracker, point) = tracker().await;
    let (seed, _) = share(&from, &["--rendezvous", &point]);
    registrations(&tracker, 1).await;
    seed.interrupt();
    seed.end().expect(0);
    // Taking leave is over before the node ends.
    let counters = tracker.counters().await.unwrap();
    assert_eq!((counters.registrations, counters.registry.unregistered), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_is_gone_once_it_is_reported() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    files::mixed(&from);
    let (tracker, point) = tracker().await;
    let key = scratch.path().join("key");
    let (seed, _) = share(&from, &["--rendezvous", &point, "--identity", key.to_str().unwrap()]);
    registrations(&tracker, 1).await;
    let peer = shoal_rendezvous::identity::load_or_create(&key).unwrap().public().to_peer_id();
    tracker.report(PeerId::random(), peer).await.unwrap();
    within("the probe ends", async {
        while tracker.counters().await.unwrap().probes.alive == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(tracker.counters().await.unwrap().registrations, 1, "it lives");
    seed.kill();
    // Within ten seconds of the last probe there is no other one.
    within("a report leads to a probe", async {
        while tracker.counters().await.unwrap().probes.started < 2 {
            tracker.report(PeerId::random(), peer).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await;
    registrations(&tracker, 0).await;
    assert_eq!(tracker.counters().await.unwrap().registry.dead, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_find_each_other_at_a_server_of_libp2p() {
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| rendezvous::server::Behaviour::new(rendezvous::server::Config::default()))
        .unwrap()
        .build();
    let peer = *swarm.local_peer_id();
    swarm.listen_on(LOOPBACK.parse().unwrap()).unwrap();
    let address: Multiaddr = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            break address.with_p2p(peer).unwrap();
        }
    };
    let (registered, mut events) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            if let SwarmEvent::Behaviour(rendezvous::server::Event::PeerRegistered { .. }) =
                swarm.select_next_some().await
            {
                let _ = registered.send(());
            }
        }
    });
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("set"), scratch.path().join("to"));
    files::mixed(&from);
    let point = address.to_string();
    let (_seed, _) = share(&from, &["--rendezvous", &point]);
    within("the seed is registered", events.recv()).await.unwrap();
    get(&id(&from), &to, &["--rendezvous", &point]).end().expect(0);
    assert_eq!(tree(&from), tree(&to.join("set")));
}

/// Peers on this machine have loopback addresses, which only a tracker on it may tell; a name alone does not say
/// where it is.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_on_one_machine_find_each_other_at_a_tracker_by_its_name() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("set"), scratch.path().join("to"));
    files::mixed(&from);
    let (tracker, point) = tracker().await;
    let named = point.replace("/ip4/127.0.0.1/", "/dns4/localhost/");
    assert_ne!(named, point);
    let (_seed, _) = share(&from, &["--rendezvous", &named]);
    registrations(&tracker, 1).await;
    get(&id(&from), &to, &["--rendezvous", &named]).end().expect(0);
    assert_eq!(tree(&from), tree(&to.join("set")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_the_user_in_words() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    files::mixed(&from);
    let no = Refused { status: Status::Unavailable, text: "come \u{1b}[2Jback".to_owned() };
    let point = point(RendezvousResponse::Register(Err(no)).encode()).await.to_string();
    let (mut seed, _) = share(&from, &["--rendezvous", &point]);
    let told = seed.word("a refusal", |line| line.contains("E_UNAVAILABLE"));
    assert!(told.contains("no rendezvous point accepts this node"), "{told}");
    assert!(told.contains("come \\u{1b}[2Jback"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_a_point_ends_a_node() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    files::mixed(&from);
    let nobody = Discovered { registrations: vec![], cookie: vec![0xff; 3] };
    let answers = [
        RendezvousResponse::Register(Ok(u64::MAX)).encode(),
        RendezvousResponse::Register(Ok(0)).encode(),
        RendezvousResponse::Discover(Ok(nobody)).encode(),
        vec![],
        vec![0],
        vec![0xff; 100_000],
        vec![9, 8, 1, 0x1a, 200, 1, 1, 1, 1, 1],
    ];
    for (n, answer) in answers.into_iter().enumerate() {
        let point = point(answer).await.to_string();
        let (seed, ticket): (Process, String) = share(&from, &["--rendezvous", &point]);
        let to = scratch.path().join(n.to_string());
        get(&ticket, &to, &["--rendezvous", &point]).end().expect(0);
        seed.interrupt();
        let seed = seed.end().expect(0);
        assert!(seed.stderr.matches("no rendezvous point").count() <= 1, "{}", seed.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_only_looks_is_not_listed() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    files::mixed(&from);
    let (tracker, point) = tracker().await;
    let (_seed, _) = share(&from, &["--rendezvous", &point]);
    registrations(&tracker, 1).await;
    let (content, before) = (id(&from), tracker.counters().await.unwrap().requests);
    let shown = shoal(["inspect", &content, "--json", "--rendezvous", &point]).expect(0).json();
    assert_eq!(shown["name"], "set");
    shoal(["verify", from.to_str().unwrap(), &content, "--rendezvous", &point]).expect(0);
    let after = tracker.counters().await.unwrap().requests;
    assert!(after.discovers >= before.discovers + 2, "both have asked");
    assert_eq!((after.registers, after.unregisters), (before.registers, before.unregisters));
}

/// Peers at a place that takes connections and says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn reports_are_limited_while_all_probes_are_under_way() {
    const PROBES: usize = 64;
    let (tracker, point) = tracker().await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let home: Multiaddr = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
    let mut silent_peers = vec![];
    for n in 0..=PROBES {
        let mut visitor = Visitor::connect(&point).await;
        visitor.register(&n.to_string(), &home).await.unwrap();
        silent_peers.push(visitor.peer());
    }
    let one_more = silent_peers.pop().unwrap();
    let node = Node::start(NodeConfig::default()).await.unwrap();
    let client = node.tracker(point.parse().unwrap());
    assert_eq!(client.report(PeerId::random()).await, Ok(Verdict::Unknown), "connected, and answered");
    for peer in silent_peers {
        let verdict = tracker.report(PeerId::random(), peer).await;
        assert_eq!(verdict, Some(Verdict::Probing));
    }
    assert_eq!(client.report(one_more).await, Ok(Verdict::Limited));
    let counters = tracker.counters().await.unwrap();
    assert_eq!(counters.probes.started, PROBES as u64, "{counters:?}");
}
