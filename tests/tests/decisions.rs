//! One scenario through both drivers: the node's and the simulator's members decide the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use libp2p::PeerId;
use shoal_content::{Chunker, ContentId};
use shoal_engine::{MemberObserver, MemberOutput, MemberStart, MemberStep, PeerName, Recording, StartRole};
use shoal_net::{FetchOptions, Node, NodeConfig, Observer, ServeOptions};
use shoal_sim::{Scenario, Simulation};
use shoal_tests::files::{random, write};
use shoal_tests::gate::source;
use shoal_tests::process::LOOPBACK;
use shoal_tests::within;

const CHUNK: u32 = 64 << 10;
const SIZE: u64 = 1 << 20;

/// Keeps the course of every member of a node.
#[derive(Default)]
struct Records(Mutex<BTreeMap<ContentId, Recording<PeerId>>>);

impl MemberObserver<PeerId> for Records {
    fn began(&self, content: ContentId, start: &MemberStart<PeerId>) {
        let recording = Recording { start: start.clone(), steps: Vec::new() };
        self.0.lock().unwrap().insert(content, recording);
    }

    fn stepped(&self, content: ContentId, step: MemberStep<PeerId>) {
        self.0.lock().unwrap().get_mut(&content).unwrap().steps.push(step);
    }
}

async fn node(records: &Arc<Records>) -> Node {
    let observer = Some(Observer(records.clone()));
    let listen = vec![LOOPBACK.parse().unwrap()];
    Node::start(NodeConfig { listen, observer, ..NodeConfig::default() }).await.unwrap()
}

/// What a member decided about its neighbours, in order, without names.
///
/// Left out: trackers, which the node of this test has none of; the manifest, which the simulator does not fetch;
/// which chunks are asked for when, because that follows from rates.
fn decisions<P: PeerName>(recording: &Recording<P>) -> Vec<&'static str> {
    let outputs = recording.steps.iter().flat_map(|step| &step.outputs);
    let word = |output: &MemberOutput<P>| match output {
        MemberOutput::Seek { .. } => Some("seek"),
        MemberOutput::Release { .. } => Some("release"),
        MemberOutput::Ban { .. } => Some("ban"),
        MemberOutput::Join { .. } => Some("join"),
        MemberOutput::Welcome { .. } => Some("welcome"),
        MemberOutput::Leave { .. } => Some("leave"),
        MemberOutput::AskForPeers { .. } => Some("ask for peers"),
        MemberOutput::OpenStream { .. } => Some("open stream"),
        MemberOutput::CloseStream { .. } => Some("close stream"),
        MemberOutput::Complete => Some("complete"),
        _ => None,
    };
    outputs.filter_map(word).collect()
}

/// Every chunk that a member told its neighbours of, as far as it told one at all.
fn told<P: PeerName>(recording: &Recording<P>) -> usize {
    let outputs = recording.steps.iter().flat_map(|step| &step.outputs);
    let chunks = |output: &MemberOutput<P>| match output {
        MemberOutput::Tell { chunks, .. } | MemberOutput::TellByQuery { chunks, .. } => chunks.count_ones(..),
        _ => 0,
    };
    outputs.map(chunks).sum()
}

fn simulated() -> (Recording<u32>, Recording<u32>) {
    let chunker = Some(Chunker::Fixed { size: CHUNK });
    let mut simulation = Simulation::new(Scenario { peers: 1, size: SIZE, chunker, ..Scenario::default() });
    simulation.record();
    while simulation.step() {}
    let mut recordings = simulation.recordings().cloned();
    (recordings.next().unwrap(), recordings.next().unwrap())
}

async fn real() -> (Recording<PeerId>, Recording<PeerId>) {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("file");
    write(&path, random(SIZE as usize, 1));
    let (seed_records, getter_records) = (Arc::new(Records::default()), Arc::new(Records::default()));
    let (seed, getter) = (node(&seed_records).await, node(&getter_records).await);
    let store = Arc::new(source(&path, Chunker::Fixed { size: CHUNK }));
    let content = seed.serve(store, ServeOptions::default()).unwrap().content();
    let peers = seed.addresses().await;
    let options = FetchOptions { peers, ..FetchOptions::new(content, scratch.path().join("got")) };
    let handle = getter.fetch(options).unwrap();
    within("the download", handle.finished()).await.unwrap();
    let of = |records: &Records| records.0.lock().unwrap()[&content].clone();
    (of(&seed_records), of(&getter_records))
}

#[tokio::test(flavor = "multi_thread")]
async fn node_and_simulator_decide_the_same() {
    let (simulated_seed, simulated_getter) = simulated();
    let (seed, getter) = real().await;
    assert!(matches!(getter.start.role, StartRole::Fetching(_)));
    assert_eq!(decisions(&getter), decisions(&simulated_getter));
    assert_eq!(decisions(&seed), decisions(&simulated_seed));
    let chunks = (SIZE / u64::from(CHUNK)) as usize;
    assert_eq!((told(&getter), told(&simulated_getter)), (chunks, chunks));
    // And what happened in the node can be played again without it.
    seed.replay().unwrap();
    getter.replay().unwrap();
}
