//! Fetching a manifest: its blocks from the peers that have them, checked one by one.
//!
//! **How much is asked at once** follows the lines: one block at first, one more for each that came quickly, and fewer
//! again after a slow one; for each peer, and for all together, because all share this node's line. **Silence** is
//! what counts, not how long a block takes in all: a peer that has answered nothing for its patience has its blocks
//! asked of others too, of ever more at once while nobody answers. What it sends later is taken all the same.
//!
//! What this is not: it knows no time-outs of streams. Who drives it says when a question has
//! [failed](ManifestFetch::failed).

mod peer;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use libp2p_identity::PeerId;

use self::peer::Peer;
use crate::PeerName;
use shoal_content::{ContentId, Hash, Manifest, ManifestAssembler, ManifestError};

/// A peer that failed is asked again after this long.
const REST: Duration = Duration::from_secs(2);
/// A block that came within this time came quickly.
const QUICK: Duration = Duration::from_secs(1);
/// One that took longer than this came slowly.
const SLOW: Duration = Duration::from_secs(3);
/// The most blocks that are under way, of all peers.
const MOST_AT_ONCE: usize = 32;
/// The most peers of which one block is asked while nobody answers.
const MOST_ABREAST: usize = 8;
/// How long the first peer may be silent before others are asked for the root. Roots are mostly small.
const ROOT_PATIENCE: Duration = Duration::from_secs(3);
/// The least time for which a peer may be silent that is asked for a page.
const PAGE_PATIENCE: Duration = Duration::from_secs(10);

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
        /// The peer.
        peer: P,
        /// SHA-256 of the block.
        hash: Hash,
    },
    /// This peer sent a block that does not match the hash it was asked by: drop it for good.
    Ban {
        /// The peer.
        peer: P,
    },
    /// The manifest is whole.
    Done(Box<Manifest>),
    /// The manifest itself is bad; no peer can have a better one. Final.
    Bad(ManifestError),
}

/// The state of the fetch.
///
/// Always holds: a block is asked of one peer at a time, unless that one is silent or nobody answers; what is kept has
/// matched its hash; after `Done` or `Bad` nothing more comes.
#[derive(Debug)]
pub struct ManifestFetch<P = PeerId> {
    id: ContentId,
    assembler: Option<ManifestAssembler>,
    peers: BTreeMap<P, Peer>,
    /// Blocks that are known by their hash and not here.
    missing: BTreeSet<Hash>,
    /// Those of them that are asked of nobody, silent peers aside.
    open: BTreeSet<Hash>,
    /// How many blocks may be under way.
    at_once: usize,
    /// Of how many peers a block is asked: more than one while nobody answers.
    abreast: usize,
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
            missing: BTreeSet::from([*id.root_hash()]),
            open: BTreeSet::from([*id.root_hash()]),
            at_once: 1,
            abreast: 1,
            outputs: VecDeque::new(),
            ended: false,
        }
    }

    /// A peer can be asked. One that was known already may have more than when it was asked last.
    pub fn peer_up(&mut self, now: Duration, peer: P) {
        self.peers.entry(peer).or_insert_with(|| Peer::new(ROOT_PATIENCE)).rest_until = Duration::ZERO;
        self.fill(now);
    }

    /// A peer is gone.
    pub fn peer_down(&mut self, now: Duration, peer: &P) {
        if let Some(gone) = self.peers.remove(peer) {
            self.reopen(gone.hashes());
        }
        self.fill(now);
    }

    /// A block came. One that was asked for long ago is as good as any; one that was not asked for is ignored.
    pub fn block(&mut self, now: Duration, peer: P, hash: Hash, bytes: &[u8]) {
        let least = self.least_patience();
        let Some(took) = self.peers.get_mut(&peer).and_then(|state| state.answered(now, &hash, least)) else {
            return;
        };
        self.speaks_again(&peer);
        if self.ended {
            return;
        }
        match self.take(&hash, bytes) {
            Ok(()) => self.came(&peer, &hash, took),
            Err(ManifestError::WrongHash | ManifestError::BlockTooLong(_)) => {
                self.reopen([hash]);
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
        // A downloader may get the manifest soon, so "not found" is worth another question too.
        state.failed(now, &hash, now + if why == BlockFailure::NotFound { REST } else { REST / 2 });
        self.speaks_again(&peer);
        self.reopen([hash]);
        self.fill(now);
    }

    /// Whether something may be hoped for from a peer: it answered its last question with a block, or has yet to answer
    /// its first.
    pub fn hopes_in(&self, peer: &P) -> bool {
        self.peers.get(peer).is_some_and(|state| state.failures == 0)
    }

    /// Whether a block is on its way from a peer that gave one before and has not failed twice since.
    pub fn expects_something(&self) -> bool {
        self.peers.values().any(Peer::is_expected_to_answer)
    }

    /// Time has passed; see [`next_timeout`](Self::next_timeout).
    pub fn timeout(&mut self, now: Duration) {
        self.fill(now);
    }

    /// When to call [`timeout`](Self::timeout) at the latest.
    pub fn next_timeout(&self) -> Option<Duration> {
        self.peers.values().filter_map(Peer::due).min().filter(|_| !self.ended)
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<ManifestFetchOutput<P>> {
        self.outputs.pop_front()
    }

    fn least_patience(&self) -> Duration {
        if self.assembler.is_some() { PAGE_PATIENCE } else { ROOT_PATIENCE }
    }

    fn take(&mut self, hash: &Hash, bytes: &[u8]) -> Result<(), ManifestError> {
        match &mut self.assembler {
            Some(assembler) => assembler.add(hash, bytes),
            None => {
                let assembler = ManifestAssembler::new(self.id, bytes)?;
                self.missing = assembler.missing().copied().collect();
                self.open.clone_from(&self.missing);
                self.assembler = Some(assembler);
                self.peers.values_mut().for_each(|state| state.grant(PAGE_PATIENCE));
                Ok(())
            }
        }
    }

    /// A block is here, so many seconds after it was asked for.
    fn came(&mut self, peer: &P, hash: &Hash, took: Duration) {
        self.missing.remove(hash);
        self.open.remove(hash);
        self.abreast = 1;
        let slower = took > SLOW;
        if took <= QUICK {
            self.at_once = (self.at_once + 1).min(MOST_AT_ONCE);
        } else if slower {
            self.at_once = (self.at_once / 2).max(1);
        }
        if let Some(state) = self.peers.get_mut(peer) {
            state.widen(took <= QUICK, slower);
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
        self.missing.clear();
        self.open.clear();
        self.outputs.push_back(with);
    }

    /// Lets blocks be asked for again that are missing and that no other peer is about to send.
    fn reopen(&mut self, hashes: impl IntoIterator<Item = Hash>) {
        for hash in hashes {
            let asked = self.peers.values().any(|state| !state.silent && state.has_pending(&hash));
            if self.missing.contains(&hash) && !asked {
                self.open.insert(hash);
            }
        }
    }

    /// A peer has answered: what else it was asked for is on its way again.
    fn speaks_again(&mut self, peer: &P) {
        let pending = self.peers.get(peer).into_iter().flat_map(Peer::asked_for);
        pending.for_each(|hash| {
            self.open.remove(hash);
        });
    }

    /// What silent peers were asked for is asked of others too.
    fn notice_silence(&mut self, now: Duration) {
        let silent: Vec<Hash> =
            self.peers.values_mut().filter_map(|state| state.falls_silent(now)).flatten().collect();
        if !silent.is_empty() {
            self.abreast = (self.abreast * 2).min(MOST_ABREAST);
            self.reopen(silent);
        }
    }

    fn fill(&mut self, now: Duration) {
        if self.ended {
            return;
        }
        self.notice_silence(now);
        self.peers.values_mut().for_each(|state| state.wake(now));
        while let Some(hash) = self.open.first().copied()
            && self.under_way() < self.at_once.max(self.abreast)
        {
            let mut ready: Vec<(&P, &mut Peer)> =
                self.peers.iter_mut().filter(|(_, state)| state.may_be_asked()).collect();
            if ready.is_empty() {
                return;
            }
            // The peer that failed least is asked first, so that peers that never answer cannot take turns for ever.
            ready.sort_by_key(|(_, state)| state.burden());
            for (peer, state) in ready.into_iter().take(self.abreast) {
                state.ask(now, hash);
                self.outputs.push_back(ManifestFetchOutput::Request { peer: *peer, hash });
            }
            self.open.remove(&hash);
        }
    }

    /// Blocks that are missing, were asked for and not answered, of peers that are not silent.
    fn under_way(&self) -> usize {
        let asked = self.peers.values().filter(|state| !state.silent).flat_map(Peer::asked_for);
        asked.filter(|hash| self.missing.contains(hash)).count()
    }
}
