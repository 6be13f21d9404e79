//! Fetching a manifest: its blocks from the peers that have them, checked one by one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use libp2p_identity::PeerId;

use crate::PeerName;
use shoal_content::{ContentId, Hash, Manifest, ManifestAssembler, ManifestError};

/// Blocks under way per peer.
const IN_FLIGHT: usize = 4;
/// A peer that failed is asked again after this long.
const REST: Duration = Duration::from_secs(2);

/// Why a block did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockFailure {
    /// The peer does not have the content's manifest (yet).
    NotFound,
    /// Timeout, a broken stream, a busy peer.
    Other,
}

/// What to do.
#[derive(Debug)]
pub enum ManifestFetchOutput<P = PeerId> {
    /// Ask a peer for a block.
    Request {
        /// Whom.
        peer: P,
        /// SHA-256 of the block.
        hash: Hash,
    },
    /// This peer sent a block that does not match the hash it was asked by: drop it for good.
    Ban {
        /// Whom.
        peer: P,
    },
    /// The manifest is whole.
    Done(Box<Manifest>),
    /// The manifest itself is bad; no peer can have a better one. Final.
    Bad(ManifestError),
}

#[derive(Debug, Default)]
struct Peer {
    pending: BTreeSet<Hash>,
    rest_until: Duration,
    /// Blocks in a row that did not come. The peer that failed least is asked first, so that peers that never
    /// answer cannot take turns for ever.
    failures: u32,
}

/// The state of the fetch.
///
/// Always holds: a block is asked of one peer at a time; what is kept has matched its hash; after
/// `Done` or `Bad` nothing more comes.
#[derive(Debug)]
pub struct ManifestFetch<P = PeerId> {
    id: ContentId,
    assembler: Option<ManifestAssembler>,
    peers: BTreeMap<P, Peer>,
    /// Blocks to be asked for.
    open: BTreeSet<Hash>,
    outputs: VecDeque<ManifestFetchOutput<P>>,
    ended: bool,
}

impl<P: PeerName> ManifestFetch<P> {
    /// Starts with the root missing.
    pub fn new(id: ContentId) -> Self {
        Self {
            id,
            assembler: None,
            peers: BTreeMap::new(),
            open: BTreeSet::from([*id.root_hash()]),
            outputs: VecDeque::new(),
            ended: false,
        }
    }

    /// A peer can be asked.
    pub fn peer_up(&mut self, now: Duration, peer: P) {
        self.peers.entry(peer).or_default();
        self.fill(now);
    }

    /// A peer is gone.
    pub fn peer_down(&mut self, now: Duration, peer: &P) {
        if let Some(gone) = self.peers.remove(peer) {
            self.open.extend(gone.pending);
        }
        self.fill(now);
    }

    /// A block came.
    pub fn block(&mut self, now: Duration, peer: P, hash: Hash, bytes: &[u8]) {
        let asked = self.peers.get_mut(&peer).is_some_and(|p| p.pending.remove(&hash));
        if self.ended || !asked {
            return;
        }
        match self.take(&hash, bytes) {
            Ok(()) => self.peers.entry(peer).or_default().failures = 0,
            Err(ManifestError::WrongHash | ManifestError::BlockTooLong(_)) => {
                self.open.insert(hash);
                self.outputs.push_back(ManifestFetchOutput::Ban { peer });
                self.peer_down(now, &peer);
            }
            Err(bad) => self.end(ManifestFetchOutput::Bad(bad)),
        }
        self.finish_if_whole();
        self.fill(now);
    }

    /// A block did not come.
    pub fn failed(&mut self, now: Duration, peer: P, hash: Hash, why: BlockFailure) {
        let Some(state) = self.peers.get_mut(&peer) else { return };
        if state.pending.remove(&hash) {
            self.open.insert(hash);
        }
        state.failures += 1;
        // A downloader may get the manifest soon, so "not found" is worth another question too.
        state.rest_until = now + if why == BlockFailure::NotFound { REST } else { REST / 2 };
        self.fill(now);
    }

    /// Time has passed; see [`next_timeout`](Self::next_timeout).
    pub fn timeout(&mut self, now: Duration) {
        self.fill(now);
    }

    /// When to call [`timeout`](Self::timeout) at the latest.
    pub fn next_timeout(&self) -> Option<Duration> {
        self.peers.values().filter(|p| p.rest_until > Duration::ZERO).map(|p| p.rest_until).min()
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<ManifestFetchOutput<P>> {
        self.outputs.pop_front()
    }

    fn take(&mut self, hash: &Hash, bytes: &[u8]) -> Result<(), ManifestError> {
        match &mut self.assembler {
            Some(assembler) => assembler.add(hash, bytes),
            None => {
                let assembler = ManifestAssembler::new(self.id, bytes)?;
                self.open.extend(assembler.missing());
                self.assembler = Some(assembler);
                Ok(())
            }
        }
    }

    fn finish_if_whole(&mut self) {
        if self.ended || self.assembler.as_ref().is_none_or(|a| a.missing().next().is_some()) {
            return;
        }
        let Some(assembler) = self.assembler.take() else { return };
        self.end(match assembler.finish() {
            Ok(manifest) => ManifestFetchOutput::Done(Box::new(manifest)),
            Err(bad) => ManifestFetchOutput::Bad(bad),
        });
    }

    fn end(&mut self, with: ManifestFetchOutput<P>) {
        self.ended = true;
        self.open.clear();
        self.outputs.push_back(with);
    }

    fn fill(&mut self, now: Duration) {
        if self.ended {
            self.peers.values_mut().for_each(|p| p.rest_until = Duration::ZERO);
            return;
        }
        let mut rested: Vec<(&P, &mut Peer)> =
            self.peers.iter_mut().filter(|(_, state)| state.rest_until <= now).collect();
        rested.sort_by_key(|(_, state)| state.failures);
        for (peer, state) in rested {
            state.rest_until = Duration::ZERO;
            while state.pending.len() < IN_FLIGHT
                && let Some(hash) = self.open.pop_first()
            {
                state.pending.insert(hash);
                self.outputs.push_back(ManifestFetchOutput::Request { peer: *peer, hash });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;
    use shoal_content::{ChunkEntry, Chunker, EntryKind, FileEntry, ManifestBuilder, SafePath, Shape};

    fn manifest() -> Manifest {
        let entries = (0..20_000).map(|n| FileEntry {
            path: SafePath::new(format!("f{n:05}")).unwrap(),
            size: 1000,
            kind: EntryKind::File { executable: false },
            private: false,
        });
        let name = SafePath::name("x").unwrap();
        let chunks = (0..5_000u32).map(|n| ChunkEntry { hash: Hash::of(&n.to_be_bytes()), length: 4000 });
        ManifestBuilder {
            name,
            shape: Shape::Folder,
            chunker: Chunker::for_size(4 << 30),
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
        let (_, end) =
            run(&mut fetch, |fetch, peer, hash| fetch.failed(NOW, peer, hash, BlockFailure::NotFound));
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
        assert_eq!(fetch.next_timeout(), None);
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
}
