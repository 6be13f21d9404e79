//! The part of the node in a script, and what must hold of the member.
//!
//! - Chunks count only after the world has checked them, and all of those that it has checked are told to others.
//! - A peer is banned only for what it did, and nothing is asked of it afterwards.
//! - Requests go to peers with a stream that say that they have the chunk, never for what is here, and not too many.
//! - What an input leads to is bounded, and each wake-up moves on.
//! - It is complete once, and only if everything is here.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rand::SeedableRng;
use shoal_content::{
    ChunkEntry, ChunkSet, Chunker, EntryKind, FileEntry, Hash, Manifest, ManifestBuilder, SafePath, Shape,
};
use shoal_engine::{Member, MemberConfig, MemberInput, MemberOutput, RequestId, SeededRng, StoreEvent};

use super::map_of;

pub(super) const CHUNKS: usize = 40;
/// No input leads to more outputs than this: some for each of seven peers, and a request in each place of a pipeline.
const MOST_OUTPUTS: usize = 600;
/// The most requests at one peer, with those that were taken back and may be answered all the same.
const MOST_ASKED: usize = shoal_wire::chunks::MAX_WAITING;

pub(super) static MANIFEST: LazyLock<Arc<Manifest>> = LazyLock::new(|| {
    let size = 16 << 10;
    let chunk = |n: usize| ChunkEntry { hash: Hash::of(&[n as u8]), length: size };
    let file = FileEntry {
        path: SafePath::name("f").expect("the name is a good one"),
        size: u64::from(size) * CHUNKS as u64,
        kind: EntryKind::File { executable: false },
        private: false,
    };
    let builder = ManifestBuilder {
        name: file.path.clone(),
        shape: Shape::File,
        chunker: Chunker::Fixed { size },
        private: false,
        parent: None,
        entries: vec![file],
        chunks: (0..CHUNKS).map(chunk).collect(),
    };
    Arc::new(builder.build().expect("the manifest is a good one"))
});

/// A request that the peer has not answered.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) chunk: Option<u32>,
    /// Once the peer has begun to send: what.
    pub(super) begun: Option<u32>,
    /// Whether it has been taken back; it may be answered all the same.
    pub(super) cancelled: bool,
}

#[derive(Debug, Default)]
pub(super) struct Peer {
    pub(super) stream: bool,
    pub(super) wants_stream: bool,
    pub(super) wants_join: bool,
    pub(super) asked: BTreeMap<RequestId, Asked>,
    /// What it ever said that it has.
    pub(super) said: ChunkSet,
    pub(super) blamed: bool,
    pub(super) banned: bool,
}

impl Peer {
    /// Nothing more comes of what was asked, but for chunks that are being written to the disk at this time. Whether there
    /// was a stream.
    pub(super) fn close_stream(&mut self) -> bool {
        self.asked.retain(|_, asked| asked.begun.is_some());
        self.asked.values_mut().for_each(|asked| asked.cancelled = true);
        self.wants_stream = false;
        std::mem::take(&mut self.stream)
    }
}

/// See the module.
pub(super) struct World {
    pub(super) member: Member<u32>,
    pub(super) now: Duration,
    pub(super) peers: BTreeMap<u32, Peer>,
    pub(super) blocks: Vec<(u32, Hash)>,
    /// Chunks whose hash was right.
    pub(super) verified: ChunkSet,
    pub(super) complete: bool,
    pub(super) ended: bool,
}

impl World {
    /// Bit 0 of the flags: the manifest is there already.
    pub(super) fn new(flags: u8) -> Self {
        let mut config = MemberConfig { trackers: 1, ..MemberConfig::default() };
        config.download.ask_any = flags & 2 == 0;
        let rng = SeededRng::seed_from_u64(flags.into());
        let knows = flags & 1 != 0;
        let member = if knows {
            Member::opening(Duration::ZERO, 0, config, rng)
        } else {
            Member::fetching(Duration::ZERO, 0, MANIFEST.id(), config, rng)
        };
        let mut world = Self {
            member,
            now: Duration::ZERO,
            peers: BTreeMap::new(),
            blocks: Vec::new(),
            verified: ChunkSet::with_capacity(CHUNKS),
            complete: false,
            ended: false,
        };
        if knows {
            world.open_store();
        }
        world
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn map(&self, more: usize) -> ChunkSet {
        map_of(CHUNKS, more)
    }

    pub(super) fn peer(&mut self, peer: u32) -> &mut Peer {
        self.peers
            .entry(peer)
            .or_insert_with(|| Peer { said: ChunkSet::with_capacity(CHUNKS), ..Peer::default() })
    }

    /// A peer did something for which it may be banned.
    pub(super) fn blame(&mut self, peer: u32) {
        self.peer(peer).blamed = true;
    }

    /// Tells the member something, and does what it says.
    pub(super) fn tell(&mut self, input: MemberInput<u32>) {
        self.member.handle(self.now, input);
        let mut count = 0;
        let mut opens = false;
        while let Some(output) = self.member.poll_output() {
            count += 1;
            assert!(count <= MOST_OUTPUTS, "one input led to more than {MOST_OUTPUTS} outputs");
            opens |= matches!(output, MemberOutput::Manifest(_));
            self.take(output);
        }
        assert!(self.member.sought().count() <= shoal_engine::MOST_DIALLING);
        assert!(
            self.member.have().ones().all(|chunk| self.verified.contains(chunk)),
            "a chunk counts that nobody checked"
        );
        if opens {
            self.open_store();
        }
    }

    fn open_store(&mut self) {
        let lengths: Vec<u32> = MANIFEST.chunks().iter().map(|chunk| chunk.length).collect();
        let (none, mut all) = (ChunkSet::with_capacity(CHUNKS), ChunkSet::with_capacity(CHUNKS));
        all.insert_range(..);
        let (wanted, stored, servable) = (all, none.clone(), none);
        self.tell(MemberInput::Store(StoreEvent::Opened {
            lengths: lengths.into(),
            wanted,
            stored,
            servable,
        }));
    }

    fn take(&mut self, output: MemberOutput<u32>) {
        match output {
            MemberOutput::Seek { peer } => assert!(!self.peer(peer).banned, "a banned peer is sought"),
            MemberOutput::Ban { peer, .. } => {
                let it = self.peer(peer);
                assert!(it.blamed, "{peer} was banned and did nothing");
                it.banned = true;
                it.close_stream();
            }
            MemberOutput::Suspend { peer, .. } => assert!(self.peer(peer).blamed),
            MemberOutput::Join { peer, .. } => self.peer(peer).wants_join = true,
            MemberOutput::OpenStream { peer } => self.peer(peer).wants_stream = true,
            MemberOutput::CloseStream { peer } | MemberOutput::Release { peer } => {
                self.peer(peer).close_stream();
            }
            MemberOutput::FetchBlock { peer, hash } => {
                assert!(!self.peer(peer).banned, "a banned peer is asked");
                self.blocks.push((peer, hash));
            }
            MemberOutput::Request { peer, id, chunk } => self.asks(peer, id, chunk),
            MemberOutput::Cancel { peer, id } => {
                self.peer(peer).asked.get_mut(&id).into_iter().for_each(|asked| asked.cancelled = true);
            }
            MemberOutput::Complete => {
                assert!(
                    !self.complete && self.verified.is_full(),
                    "complete twice, or before everything is here"
                );
                self.complete = true;
            }
            MemberOutput::GiveUp(_) => self.ended = true,
            _ => {}
        }
    }

    fn asks(&mut self, peer: u32, id: RequestId, chunk: Option<u32>) {
        if let Some(chunk) = chunk {
            assert!(!self.verified.contains(chunk as usize), "what is here is asked for again");
            assert!(
                self.peer(peer).said.contains(chunk as usize),
                "a peer is asked for what it does not have"
            );
        }
        let it = self.peer(peer);
        assert!(it.stream && !it.banned, "{peer} is asked without a stream");
        let new = it.asked.insert(id, Asked { chunk, begun: None, cancelled: false });
        assert!(new.is_none(), "an id was used twice");
        assert!(
            it.asked.values().filter(|asked| !asked.cancelled).count() <= MOST_ASKED,
            "too many requests at one peer"
        );
    }
}
