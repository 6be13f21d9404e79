//! A fetch whose peers answer, are slow, fail and fall silent.

use super::*;
use crate::testing::peer;
use proptest::prelude::*;
use shoal_content::{ChunkEntry, Chunker, EntryKind, FileEntry, ManifestBuilder, SafePath, Shape};
use std::sync::LazyLock;

fn manifest() -> Manifest {
    manifest_of(20_000)
}

/// Small enough to be fetched again and again.
static SMALL: LazyLock<Manifest> = LazyLock::new(|| manifest_of(200));

fn manifest_of(files: u32) -> Manifest {
    let entries = (0..files).map(|n| FileEntry {
        path: SafePath::new(format!("f{n:05}")).unwrap(),
        size: 1000,
        kind: EntryKind::File { executable: false },
        private: false,
    });
    let name = SafePath::name("x").unwrap();
    let chunks = (0..files / 4).map(|n| ChunkEntry { hash: Hash::of(&n.to_be_bytes()), length: 4000 });
    ManifestBuilder {
        name,
        shape: Shape::Folder,
        chunker: Chunker::for_size(1 << 40),
        private: false,
        parent: None,
        entries: entries.collect(),
        chunks: chunks.collect(),
    }
    .build()
    .unwrap()
}

fn drain(fetch: &mut ManifestFetch) -> Vec<ManifestFetchOutput> {
    std::iter::from_fn(|| fetch.poll_output()).collect()
}

const NOW: Duration = Duration::from_secs(1);

/// Answers every request through `answer` until the fetch ends.
fn run(
    fetch: &mut ManifestFetch,
    mut answer: impl FnMut(&mut ManifestFetch, PeerId, Hash),
) -> (Vec<PeerId>, Option<ManifestFetchOutput>) {
    let mut banned = vec![];
    for _ in 0..1000 {
        let outputs = drain(fetch);
        if outputs.is_empty() {
            break;
        }
        for output in outputs {
            match output {
                ManifestFetchOutput::Request { peer, hash } => answer(fetch, peer, hash),
                ManifestFetchOutput::Ban { peer } => banned.push(peer),
                end => return (banned, Some(end)),
            }
        }
    }
    (banned, None)
}

#[test]
fn blocks_from_two_peers_make_a_manifest_although_one_lies() {
    let whole = manifest();
    let (honest, liar) = (peer(1), peer(2));
    let mut fetch = ManifestFetch::new(whole.id());
    fetch.peer_up(NOW, honest);
    fetch.peer_up(NOW, liar);
    let (banned, end) = run(&mut fetch, |fetch, peer, hash| {
        let bytes = if peer == liar { b"lie".to_vec() } else { whole.block(&hash).unwrap() };
        fetch.block(NOW, peer, hash, &bytes);
    });
    assert!(matches!(end, Some(ManifestFetchOutput::Done(got)) if got.id() == whole.id()));
    assert!(banned.is_empty() || banned == [liar]);
}

#[test]
fn a_failed_peer_rests_and_its_blocks_go_elsewhere() {
    let whole = manifest();
    let (first, second) = (peer(1), peer(2));
    let mut fetch = ManifestFetch::new(whole.id());
    fetch.peer_up(NOW, first);
    let (_, end) = run(&mut fetch, |fetch, peer, hash| fetch.failed(NOW, peer, hash, BlockFailure::NotFound));
    assert!(end.is_none());
    assert_eq!(fetch.next_timeout(), Some(NOW + REST));
    fetch.peer_up(NOW, second);
    let (_, end) =
        run(&mut fetch, |fetch, peer, hash| fetch.block(NOW, peer, hash, &whole.block(&hash).unwrap()));
    assert!(matches!(end, Some(ManifestFetchOutput::Done(_))));
}

#[test]
fn peers_that_fail_do_not_take_turns_before_one_that_was_never_asked() {
    let whole = manifest();
    let mut fetch = ManifestFetch::new(whole.id());
    let (silent, honest) = ([peer(1), peer(2)], peer(3));
    silent.into_iter().chain([honest]).for_each(|p| fetch.peer_up(NOW, p));
    let mut now = NOW;
    let mut asked = vec![];
    while !asked.contains(&honest) {
        assert!(asked.len() < 4, "{asked:?}");
        for output in drain(&mut fetch) {
            let ManifestFetchOutput::Request { peer, hash } = output else { panic!("{output:?}") };
            asked.push(peer);
            now += Duration::from_secs(20);
            fetch.failed(now, peer, hash, BlockFailure::Other);
        }
    }
}

#[test]
fn no_timeout_lies_in_the_past() {
    let whole = manifest();
    let mut fetch = ManifestFetch::new(whole.id());
    let (low, high) = (peer(1), peer(2));
    fetch.peer_up(NOW, high);
    let root = *whole.id().root_hash();
    fetch.failed(NOW, high, root, BlockFailure::NotFound);
    fetch.peer_up(NOW, low);
    assert_eq!(drain(&mut fetch).len(), 2, "both were asked, one after the other");
    let later = NOW + REST;
    fetch.timeout(later);
    assert!(fetch.next_timeout().is_some_and(|at| at > later), "the other one has yet to answer");
}

#[test]
fn a_bad_manifest_is_final() {
    let root = b"not a manifest".to_vec();
    let mut fetch = ManifestFetch::new(ContentId::from_root_hash(Hash::of(&root)));
    fetch.peer_up(NOW, peer(1));
    let (banned, end) = run(&mut fetch, |fetch, peer, hash| fetch.block(NOW, peer, hash, &root));
    assert!(matches!(end, Some(ManifestFetchOutput::Bad(_))) && banned.is_empty());
    assert!(drain(&mut fetch).is_empty());
}

/// Lines over which blocks come, and what was asked over them.
struct Lines {
    /// Bytes per second of this node's line, which all peers share.
    rate: u64,
    now: Duration,
    /// Answers on their way: when, from which peer, which block.
    coming: Vec<(Duration, PeerId, Hash)>,
    /// When the line has taken all of them.
    free: Duration,
    sent: u64,
}

impl Lines {
    fn new(rate: u64) -> Self {
        Self { rate, now: NOW, coming: vec![], free: NOW, sent: 0 }
    }

    /// Runs until the manifest is there or the time is over; silent peers never answer.
    fn run(
        &mut self,
        fetch: &mut ManifestFetch,
        whole: &Manifest,
        silent: &[PeerId],
        until: Duration,
    ) -> bool {
        loop {
            for output in drain(fetch) {
                match output {
                    ManifestFetchOutput::Request { peer, hash } if !silent.contains(&peer) => {
                        let len = whole.block(&hash).unwrap().len() as u64;
                        self.free = self.free.max(self.now) + Duration::from_millis(len * 1000 / self.rate);
                        self.sent += len;
                        self.coming.push((self.free, peer, hash));
                    }
                    ManifestFetchOutput::Request { .. } => {}
                    ManifestFetchOutput::Done(_) => return true,
                    other => panic!("{other:?}"),
                }
            }
            self.coming.sort_by_key(|(at, ..)| *at);
            let answer = self.coming.first().map(|(at, ..)| *at);
            let Some(next) = answer.into_iter().chain(fetch.next_timeout()).min().filter(|at| *at <= until)
            else {
                return false;
            };
            assert!(next > self.now || answer == Some(next), "it wakes for nothing");
            self.now = next.max(self.now);
            if answer == Some(next) {
                let (_, peer, hash) = self.coming.remove(0);
                fetch.block(self.now, peer, hash, &whole.block(&hash).unwrap());
            } else {
                fetch.timeout(self.now);
            }
        }
    }
}

fn blocks(whole: &Manifest) -> u64 {
    let root = whole.block(whole.id().root_hash()).unwrap();
    let assembler = ManifestAssembler::new(whole.id(), &root).unwrap();
    let pages: usize = assembler.missing().map(|hash| whole.block(hash).unwrap().len()).sum();
    (root.len() + pages) as u64
}

/// On a slow line nothing is thrown away, and hardly anything comes twice.
#[test]
fn on_a_slow_line_everything_comes_and_about_once() {
    let whole = manifest();
    let size = blocks(&whole);
    for (rate, peers) in [(100_000, 1), (100_000, 8), (10_000, 1), (10_000, 4), (2_000, 2)] {
        let mut fetch = ManifestFetch::new(whole.id());
        (0..peers).for_each(|n| fetch.peer_up(NOW, peer(n)));
        let mut lines = Lines::new(rate);
        let until = NOW + Duration::from_secs(3 * size / rate + 10);
        assert!(lines.run(&mut fetch, &whole, &[], until), "{rate} {peers}: {} of {size}", lines.sent);
        // At the very start nothing is known of the line.
        assert!(lines.sent <= size * 3 / 2 + 3 * (256 << 10), "{rate} {peers}: {} of {size}", lines.sent);
    }
}

/// Whoever is silent is asked no more, and ever more of the others are.
#[test]
fn many_silent_peers_are_passed_by_within_seconds() {
    let whole = manifest();
    let silent: Vec<PeerId> = (0..16).map(peer).collect();
    let mut fetch = ManifestFetch::new(whole.id());
    silent.iter().for_each(|it| fetch.peer_up(NOW, *it));
    fetch.peer_up(NOW, peer(99));
    assert!(Lines::new(12_500_000).run(&mut fetch, &whole, &silent, NOW + Duration::from_secs(60)));
}

#[test]
fn a_block_that_comes_late_is_taken_and_one_that_was_not_asked_for_is_not() {
    let whole = manifest();
    let root = *whole.id().root_hash();
    let (slow, stranger) = (peer(1), peer(2));
    let mut fetch = ManifestFetch::new(whole.id());
    fetch.peer_up(NOW, slow);
    assert_eq!(drain(&mut fetch).len(), 1);
    let later = NOW + ROOT_PATIENCE;
    fetch.timeout(later);
    assert!(drain(&mut fetch).is_empty() && !fetch.hopes_in(&slow), "nobody else is there");
    fetch.block(later, stranger, root, b"rubbish");
    fetch.peer_up(later, stranger);
    assert_eq!(drain(&mut fetch).len(), 1, "the other one is asked too");
    fetch.block(later, slow, root, &whole.block(&root).unwrap());
    assert!(fetch.hopes_in(&slow));
    let asked = drain(&mut fetch);
    assert!(!asked.is_empty() && asked.iter().all(|o| matches!(o, ManifestFetchOutput::Request { .. })));
}

proptest! {
    /// Whatever peers do, an honest one that answers in the end is enough; nobody is asked the same twice at once.
    #[test]
    fn one_honest_peer_is_enough(
        kinds in prop::collection::vec(0u8..4, 0..20), rate in 20_000u64..10_000_000,
    ) {
        let whole = &*SMALL;
        let honest = peer(100);
        let mut fetch = ManifestFetch::new(whole.id());
        (0..kinds.len()).for_each(|n| fetch.peer_up(NOW, peer(n)));
        fetch.peer_up(NOW, honest);
        let mut pending = BTreeSet::new();
        let mut lines = Lines::new(rate);
        let mut failing = vec![];
        let mut done = false;
        for _ in 0..5_000 {
            for output in drain(&mut fetch) {
                match output {
                    ManifestFetchOutput::Request { peer: asked, hash } => {
                        prop_assert!(pending.insert((asked, hash)), "asked twice");
                        let kind = (0..kinds.len()).find(|n| peer(*n) == asked).map(|n| kinds[n]);
                        match kind {
                            None => lines.coming.push((lines.now + Duration::from_millis(200_000_000 / rate), asked, hash)),
                            Some(0) => {}
                            Some(kind) => failing.push((asked, hash, kind)),
                        }
                    }
                    ManifestFetchOutput::Ban { peer: banned } => {
                        prop_assert!(banned != honest);
                        pending.retain(|(it, _)| *it != banned);
                    }
                    ManifestFetchOutput::Done(_) => done = true,
                    ManifestFetchOutput::Bad(error) => prop_assert!(false, "{error}"),
                }
            }
            if done {
                break;
            }
            for (bad, hash, kind) in std::mem::take(&mut failing) {
                pending.remove(&(bad, hash));
                match kind {
                    1 => fetch.failed(lines.now, bad, hash, BlockFailure::NotFound),
                    2 => fetch.failed(lines.now, bad, hash, BlockFailure::Other),
                    _ => fetch.block(lines.now, bad, hash, b"lie"),
                }
            }
            lines.coming.sort_by_key(|(at, ..)| *at);
            let answer = lines.coming.first().map(|(at, ..)| *at);
            let next = answer.into_iter().chain(fetch.next_timeout()).min();
            lines.now = next.unwrap_or(lines.now).max(lines.now);
            if answer.is_some_and(|at| at <= lines.now) {
                let (_, from, hash) = lines.coming.remove(0);
                pending.remove(&(from, hash));
                fetch.block(lines.now, from, hash, &whole.block(&hash).unwrap());
            } else {
                fetch.timeout(lines.now);
            }
        }
        prop_assert!(done);
    }
}
