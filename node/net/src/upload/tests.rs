//! Sessions on streams in memory, whose other end is written out in each test.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use futures::io::{ReadHalf, WriteHalf};
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::PeerId;
use shoal_content::{
    ChunkEntry, ChunkIndex, ChunkSet, Chunker, ContentId, EntryKind, FileEntry, Hash, Manifest,
    ManifestBuilder, SafePath, Shape,
};
use shoal_engine::UploadConfig;
use shoal_framing::{read_frame, write_frame};
use shoal_store::{ChunkStore, ReadError};
use shoal_wire::Have;
use shoal_wire::chunks::{ChunkRefusal, ChunkReply, ChunkRequest};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::*;
use crate::clock::Clock;
use crate::counter::TrafficCounter;
use crate::library::{Desk, Library, LibraryPlace, Question};

const DEADLINE: Duration = Duration::from_secs(20);
const CHUNKS: u32 = 8;
/// Bytes of each chunk.
const LEN: usize = 64 << 10;

/// What happens to the next reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Good,
    /// Takes the call and does not come back until that changes.
    Hangs,
    Panics,
    /// What is asked for is in the system's memory; a read that may wait panics.
    Cached,
}

/// A content whose every byte is its number; it lacks the last chunk.
struct Store {
    number: u8,
    manifest: Arc<Manifest>,
    disk: Mutex<Disk>,
    changed: Condvar,
    doubted: Mutex<Vec<ChunkIndex>>,
}

impl Store {
    fn new(number: u8) -> Arc<Self> {
        let hash = Hash::of(&[number; LEN]);
        let name = SafePath::name("content").unwrap();
        let kind = EntryKind::File { executable: false };
        let manifest = ManifestBuilder {
            private: false,
            shape: Shape::File,
            chunker: Chunker::Fixed { size: LEN as u32 },
            parent: None,
            entries: vec![FileEntry {
                path: name.clone(),
                size: CHUNKS as u64 * LEN as u64,
                kind,
                private: false,
            }],
            chunks: vec![ChunkEntry { hash, length: LEN as u32 }; CHUNKS as usize],
            name,
        };
        let manifest = Arc::new(manifest.build().unwrap());
        let (changed, doubted) = Default::default();
        Arc::new(Self { number, manifest, disk: Mutex::new(Disk::Good), changed, doubted })
    }

    fn set(&self, disk: Disk) {
        *self.disk.lock().unwrap() = disk;
        self.changed.notify_all();
    }
}

impl ChunkStore for Store {
    fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    fn have(&self) -> ChunkSet {
        let mut have = ChunkSet::with_capacity(CHUNKS as usize);
        have.insert_range(..CHUNKS as usize - 1);
        have
    }

    fn has(&self, chunk: ChunkIndex) -> bool {
        chunk < CHUNKS - 1
    }

    fn read(&self, _: ChunkIndex, buf: &mut Vec<u8>) -> Result<(), ReadError> {
        let disk = self.disk.lock().unwrap();
        let disk = self.changed.wait_while(disk, |disk| *disk == Disk::Hangs).unwrap();
        let panics = matches!(*disk, Disk::Panics | Disk::Cached);
        drop(disk);
        assert!(!panics, "as the test wants it");
        buf.clear();
        buf.resize(LEN, self.number);
        Ok(())
    }

    fn read_cached(&self, _: ChunkIndex, buf: &mut Vec<u8>) -> bool {
        buf.clear();
        buf.resize(LEN, self.number);
        *self.disk.lock().unwrap() == Disk::Cached
    }

    fn doubt(&self, chunk: ChunkIndex) {
        self.doubted.lock().unwrap().push(chunk);
    }
}

/// A content that is served.
struct Served {
    content: ContentId,
    store: Arc<Store>,
    traffic: Arc<TrafficCounter>,
    questions: mpsc::Receiver<Question>,
    offer: Offer,
    _place: LibraryPlace,
}

/// A hanging read would hold up the end of the runtime.
impl Drop for Served {
    fn drop(&mut self) {
        self.store.set(Disk::Good);
    }
}

/// The node.
struct Rig {
    library: Arc<Library>,
    uploads: Uploads,
}

impl Rig {
    fn new(slots: Option<usize>) -> Self {
        let library = Arc::new(Library::default());
        let config = UploadConfig { slots, ..UploadConfig::default() };
        let uploads = Uploads::new(config, None, library.clone(), Arc::default(), Clock::start());
        Self { library, uploads }
    }

    fn serve(&self, number: u8) -> Served {
        let store = Store::new(number);
        // Equal but for their bytes; the ids differ with the hashes.
        let content = store.manifest.id();
        let (sender, questions) = mpsc::channel(1);
        let place = self.library.add(content, Desk::of_test(sender)).unwrap();
        let traffic = Arc::new(TrafficCounter::default());
        let offer = self.uploads.offer(&place, store.clone(), traffic.clone());
        Served { content, store, traffic, questions, offer, _place: place }
    }

    fn connect(&self, peer: PeerId) -> Getter {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        self.uploads.start(peer, None, ours.compat());
        let (input, output) = theirs.compat().split();
        Getter { input, output }
    }

    /// Waits until so many sessions are open.
    async fn sessions(&self, count: usize) {
        let wait = async {
            while self.uploads.sizes().1 != count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.expect("so many sessions");
        assert_eq!(self.uploads.sizes().2, count, "as many have a place");
    }
}

/// The other end of a stream.
struct Getter {
    input: ReadHalf<Compat<DuplexStream>>,
    output: WriteHalf<Compat<DuplexStream>>,
}

impl Getter {
    async fn say(&mut self, request: ChunkRequest) {
        write_frame(&mut self.output, &request).await.unwrap();
        self.output.flush().await.unwrap();
    }

    async fn get(&mut self, id: u64, chunk: ChunkIndex, content: ContentId) {
        self.say(ChunkRequest::Get { id, chunk, content }).await;
    }

    async fn reply(&mut self) -> Option<ChunkReply> {
        let next = tokio::time::timeout(DEADLINE, read_frame(&mut self.input)).await;
        next.expect("a reply comes").ok().flatten()
    }

    /// The id and the bytes of the next chunk.
    async fn chunk(&mut self) -> (u64, ChunkIndex, u8) {
        let Some(ChunkReply::Data { id, len, chunk, .. }) = self.reply().await else { panic!("no data") };
        assert_eq!(len as usize, LEN);
        let mut bytes = vec![0; LEN];
        let read = tokio::time::timeout(DEADLINE, self.input.read_exact(&mut bytes)).await;
        read.expect("the bytes come").unwrap();
        assert!(bytes.iter().all(|byte| *byte == bytes[0]));
        (id, chunk, bytes[0])
    }

    async fn refusal(&mut self) -> (u64, ChunkRefusal) {
        match self.reply().await {
            Some(ChunkReply::Refused { id, why }) => (id, why),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn one_stream_serves_any_number_of_contents() {
    let rig = Rig::new(None);
    let contents: Vec<Served> = (0..5).map(|n| rig.serve(n)).collect();
    let peer = PeerId::random();
    let mut getter = rig.connect(peer);
    for round in 0..3 {
        for (n, served) in contents.iter().enumerate() {
            getter.get(10 * u64::from(round) + n as u64, round, served.content).await;
        }
    }
    let mut got = Vec::new();
    for _ in 0..15 {
        let (id, chunk, byte) = getter.chunk().await;
        assert_eq!((id % 10, id / 10), (byte.into(), chunk.into()));
        got.push(id);
    }
    got.sort_unstable();
    got.dedup();
    assert_eq!(got.len(), 15);
    // The last one is counted once its last byte has been taken.
    getter.get(99, 7, contents[0].content).await;
    assert_eq!(getter.refusal().await, (99, ChunkRefusal::NotFound));
    for served in &contents {
        let sent = 3 * LEN as u64;
        let total = served.traffic.total();
        assert_eq!((total.sent, total.received), (sent, 0));
    }
    let last_sent = || contents.iter().flat_map(|served| served.offer.last_sent());
    assert_eq!(last_sent().map(|(to, _)| to).collect::<Vec<_>>(), [peer], "one stream has one last chunk");
    drop(getter);
    rig.sessions(0).await;
    assert_eq!(last_sent().count(), 0);
}

#[tokio::test]
async fn what_a_peer_asks_for_again_is_looked_at_before_it_is_sent() {
    let rig = Rig::new(None);
    let served = rig.serve(1);
    let peer = PeerId::random();
    let (mut getter, mut other) = (rig.connect(peer), rig.connect(PeerId::random()));
    for chunk in [3, 4] {
        getter.get(u64::from(chunk), chunk, served.content).await;
        other.get(u64::from(chunk), chunk, served.content).await;
        getter.chunk().await;
        other.chunk().await;
    }
    assert!(served.store.doubted.lock().unwrap().is_empty());
    // By now the first stream is known to have been served.
    getter.get(9, CHUNKS - 1, served.content).await;
    getter.refusal().await;
    let mut again = rig.connect(peer);
    again.get(1, 3, served.content).await;
    assert_eq!(again.chunk().await, (1, 3, 1));
    assert_eq!(*served.store.doubted.lock().unwrap(), [3]);
}

#[tokio::test]
async fn what_is_not_here_is_refused_at_once_and_takes_no_slot() {
    let rig = Rig::new(Some(1));
    let served = rig.serve(1);
    served.store.set(Disk::Hangs);
    let (mut first, mut second) = (rig.connect(PeerId::random()), rig.connect(PeerId::random()));
    first.get(1, 0, served.content).await;
    let wait = async {
        while rig.uploads.load().active == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.expect("the slot is taken");
    second.get(1, 0, served.content).await;
    let unknown = ContentId::from_root_hash(Hash::of(b"unknown"));
    second.get(2, 0, unknown).await;
    second.say(ChunkRequest::Any { id: 3, content: unknown }).await;
    second.get(4, CHUNKS - 1, served.content).await;
    second.get(5, u32::MAX, served.content).await;
    for id in 2..6 {
        assert_eq!(second.refusal().await, (id, ChunkRefusal::NotFound));
    }
    assert_eq!(rig.uploads.load().queued, LEN as u64, "one waits, for the slot that the first one has");
    served.store.set(Disk::Good);
    assert_eq!((first.chunk().await, second.chunk().await), ((1, 0, 1), (1, 0, 1)));
}

#[tokio::test]
async fn a_newer_stream_takes_the_place_of_the_oldest() {
    let rig = Rig::new(None);
    let served = rig.serve(1);
    let peer = PeerId::random();
    let (mut first, mut second) = (rig.connect(peer), rig.connect(peer));
    let mut other = rig.connect(PeerId::random());
    first.get(1, 0, served.content).await;
    first.chunk().await;
    let mut third = rig.connect(peer);
    assert!(first.reply().await.is_none(), "it ends");
    for getter in [&mut second, &mut third, &mut other] {
        getter.get(1, 0, served.content).await;
        assert_eq!(getter.chunk().await, (1, 0, 1));
    }
    rig.sessions(3).await;
    drop((second, third));
    rig.sessions(1).await;
    drop((first, other));
    rig.sessions(0).await;
}

#[tokio::test]
async fn nothing_is_left_of_a_content_whose_job_has_ended() {
    let rig = Rig::new(None);
    let (mut ends, stays) = (rig.serve(1), rig.serve(2));
    let content = ends.content;
    let mut getter = rig.connect(PeerId::random());
    getter.get(1, 0, content).await;
    getter.chunk().await;
    let store = Arc::downgrade(&ends.store);
    let panicked = tokio::spawn(async move {
        ends.questions.close();
        let _ends = ends;
        panic!("as the test wants it");
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(rig.uploads.sizes(), (1, 1, 1));
    assert!(store.upgrade().is_none(), "the store is closed");
    getter.get(2, 0, content).await;
    assert_eq!(getter.refusal().await, (2, ChunkRefusal::NotFound));
    getter.get(3, 0, stays.content).await;
    assert_eq!(getter.chunk().await, (3, 0, 2));
    // It can be served anew.
    let again = rig.serve(1);
    getter.get(4, 0, again.content).await;
    assert_eq!(getter.chunk().await, (4, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_too_long_is_refused_although_nothing_happens() {
    let rig = Rig::new(Some(1));
    let served = rig.serve(1);
    served.store.set(Disk::Hangs);
    let (mut first, mut second) = (rig.connect(PeerId::random()), rig.connect(PeerId::random()));
    first.get(1, 0, served.content).await;
    while rig.uploads.load().active == 0 {
        tokio::task::yield_now().await;
    }
    for id in 1..4 {
        second.get(id, 0, served.content).await;
        while rig.uploads.load().queued < id * LEN as u64 {
            tokio::task::yield_now().await;
        }
        // The reading thread keeps the clock from going on by itself.
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    for id in 1..4 {
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(second.refusal().await, (id, ChunkRefusal::Busy));
    }
    served.store.set(Disk::Good);
    assert_eq!(first.chunk().await, (1, 0, 1));
}

#[tokio::test]
async fn what_is_in_memory_is_sent_without_a_read_that_may_wait() {
    let rig = Rig::new(None);
    let served = rig.serve(7);
    served.store.set(Disk::Cached);
    let mut getter = rig.connect(PeerId::random());
    getter.get(1, 3, served.content).await;
    assert_eq!(getter.chunk().await, (1, 3, 7));
}

#[tokio::test]
async fn a_store_that_panics_concerns_its_content_alone() {
    let rig = Rig::new(None);
    let (bad, good) = (rig.serve(1), rig.serve(2));
    bad.store.set(Disk::Panics);
    let mut getter = rig.connect(PeerId::random());
    getter.get(1, 0, bad.content).await;
    assert_eq!(getter.refusal().await, (1, ChunkRefusal::Busy));
    getter.get(2, 0, good.content).await;
    assert_eq!(getter.chunk().await, (2, 0, 2));
}

#[tokio::test]
async fn a_job_that_lags_does_not_hold_up_the_stream() {
    let rig = Rig::new(None);
    let (mut lags, other) = (rig.serve(1), rig.serve(2));
    let mut getter = rig.connect(PeerId::random());
    for _ in 0..10 {
        getter.say(ChunkRequest::Have { have: Have::default(), content: lags.content }).await;
    }
    getter.get(1, 0, other.content).await;
    assert_eq!(getter.chunk().await, (1, 0, 2));
    for _ in 0..10 {
        let told = tokio::time::timeout(DEADLINE, lags.questions.recv()).await;
        assert!(told.expect("all of it is told").is_some());
    }
}

#[tokio::test]
async fn more_is_never_read_at_once_than_there_are_slots() {
    let rig = Rig::new(Some(2));
    let served = rig.serve(1);
    served.store.set(Disk::Hangs);
    // Each leaves at once; what is read for it goes on.
    for _ in 0..5 {
        let mut getter = rig.connect(PeerId::random());
        getter.get(1, 0, served.content).await;
        rig.sessions(1).await;
        let wait = async {
            while rig.uploads.load().active == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.expect("it is its turn");
        drop(getter);
        rig.sessions(0).await;
    }
    assert!(Arc::strong_count(&served.store) <= 2 + 2, "the test, the offer, and two that read");
}
