//! A swarm in which most peers are hostile, each in a way of its own.
//!
//! The getters come first and meet nobody but liars, which also tell them that many strangers are at the addresses of a third
//! party, where attempts are counted. Nuisances beset them before the seed is there, and the seed as soon as it is.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use libp2p::PeerId;
use shoal_content::{Chunker, Ticket};
use shoal_net::NodeConfig;
use shoal_store::ChunkStore;
use shoal_tests::eventually;
use shoal_tests::files::{random, write};
use shoal_tests::gate::source;
use shoal_tests::hostile_half::HostileHalf;
use shoal_tests::proc::{open_files, peak_resident};
use shoal_tests::process::{Process, get, tracker};
use shoal_tests::third_party::{Bothered, ThirdParty};
use shoal_tests::tracking::share_at;
use shoal_tests::visitor::Visitor;
use shoal_wire::swarm_namespace;

const GETTERS: usize = 4;
const CHUNK: u32 = 64 << 10;
const CHUNKS: usize = 64;

/// Files that an honest process may have open: 224 connections, 64 handshakes that others begin and 16 that it begins,
/// and as many again for files, pipes and the runtime as this swarm needs.
const MOST_FILES: usize = 224 + 64 + 16 + 64;
/// Bytes that may be resident in an honest process.
const MOST_RESIDENT: u64 = 128 << 20;
/// Bytes that one attempt to connect may send to somebody who does not answer: QUIC repeats its first packet, of at most
/// 1 500 bytes, a few times.
const MOST_PER_ATTEMPT: usize = 16 << 10;

/// Attempts to connect to the third party before the test goes on: a part of what the bounds allow at once.
const BELIEVED: usize = 40 * GETTERS;

/// The honest nodes, and the most files that each had open.
struct Honest {
    getters: Vec<Process>,
    seed: Option<Process>,
    files: BTreeMap<u32, usize>,
}

impl Honest {
    fn ids(&self) -> Vec<u32> {
        self.getters.iter().chain(&self.seed).map(Process::id).collect()
    }

    /// Looks how many files are open, and whether everybody has everything.
    fn look(&mut self) -> bool {
        for id in self.ids() {
            let most = self.files.entry(id).or_default();
            *most = (*most).max(open_files(id));
        }
        self.getters.iter().all(|getter| getter.errors().contains("done:"))
    }

    /// The peers that the getters complain of.
    fn named(&self) -> BTreeSet<PeerId> {
        let errors: Vec<String> = self.getters.iter().map(Process::errors).collect();
        let complaints = errors.iter().flat_map(|text| text.lines()).filter(|line| line.contains("sent "));
        let complaints =
            complaints.filter(|line| line.contains("wrong bytes") || line.contains("wrong manifest"));
        complaints.flat_map(|line| line.split_whitespace()).filter_map(|word| word.parse().ok()).collect()
    }
}

/// Started as they would be who only know the content's id and a tracker.
fn getters(content: &str, point: &str, scratch: &Path) -> Vec<Process> {
    let start = |n: usize| {
        let to = scratch.join(n.to_string());
        get(content, &to, &["--rendezvous", point, "--wait", "10m", "--seed"])
    };
    (0..GETTERS).map(start).collect()
}

/// What the third party was sent is what the bounds of all nodes together allow: a burst and one attempt a second each.
fn is_within_budget(bothered: &Bothered, nodes: usize, seconds: u64) {
    let allowed = NodeConfig::default().peers.attempts_per_local_host;
    let each = u64::from(allowed.burst) + (seconds + 1) * 1000 / allowed.every.as_millis() as u64;
    let (attempts, most) = (bothered.attempts(), nodes * each as usize);
    eprintln!("{attempts} of {most} attempts at the third party, {} bytes", bothered.bytes);
    assert!(attempts <= most, "{attempts} attempts, of {most}, after {seconds} s");
    assert!(bothered.bytes <= attempts * MOST_PER_ATTEMPT, "{} bytes, {attempts} attempts", bothered.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swarm_of_which_half_is_hostile_completes_and_bothers_nobody() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("from/file");
    write(&file, random(CHUNKS * CHUNK as usize, 11));
    let source = Arc::new(source(&file, Chunker::Fixed { size: CHUNK }));
    let content = source.manifest().id();
    let namespace = swarm_namespace(&content);
    let (_tracker, point) = tracker(&scratch.path().join("tracker"));
    let third = ThirdParty::listen().await;
    let mut hostile = HostileHalf::gather(source, &point, &third.homes()).await;
    let liars: BTreeSet<PeerId> = hostile.liars().map(|liar| liar.peer).collect();

    let start = Instant::now();
    let getters = getters(&content.to_string(), &point, scratch.path());
    let mut honest = Honest { getters, seed: None, files: BTreeMap::new() };
    let at = Visitor::connect(&point).await.members(&namespace, GETTERS, &liars).await;
    tokio::task::block_in_place(|| {
        for wrong in hostile.wrong() {
            let asked = || hostile.liars().any(|it| it.peer == wrong && it.asked.load(Ordering::SeqCst) > 0);
            eventually("a peer that sends wrong bytes is asked", || asked().then_some(()));
        }
        eventually("the hostile peers are believed at first", || {
            let bothered = third.bothered();
            (bothered.attempts() >= BELIEVED && !bothered.quic.is_empty()).then_some(())
        });
        at.values().for_each(|address| hostile.surround(address));
        let chunker = format!("fixed:{CHUNK}");
        let (seed, shown) = share_at(&file, &point, &["--chunker", &chunker, "--limit-up", "1MiB"]);
        honest.seed = Some(seed);
        let ticket: Ticket = shown["ticket"].as_str().expect("a ticket").parse().unwrap();
        assert_eq!(ticket.content, content);
        hostile.surround(&ticket.peers[0]);
        eventually("all honest getters have everything", || honest.look().then_some(()));
    });
    let seconds = start.elapsed().as_secs();
    eprintln!("{seconds} s in all");

    for n in 0..GETTERS {
        let got = std::fs::read(scratch.path().join(n.to_string()).join("file")).unwrap();
        assert!(got == std::fs::read(&file).unwrap(), "getter {n}");
    }
    assert_eq!(
        honest.named(),
        hostile.wrong().collect(),
        "those that sent wrong bytes are named, nobody else"
    );
    for id in honest.ids() {
        let (files, resident) = (honest.files[&id], peak_resident(id));
        eprintln!("process {id}: {files} files, {} MiB", resident >> 20);
        assert!(files <= MOST_FILES, "{files} files are open");
        assert!(resident <= MOST_RESIDENT, "{} MiB are resident", resident >> 20);
    }
    is_within_budget(&third.bothered(), GETTERS + 1, seconds);
}
