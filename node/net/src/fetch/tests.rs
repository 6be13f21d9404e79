//! Contents on streams in memory, whose other end is written out in each test.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use futures::io::{ReadHalf, WriteHalf};
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::PeerId;
use shoal_content::{ChunkIndex, ContentId, Hash};
use shoal_framing::{read_frame, write_frame};
use shoal_store::WriteError;
use shoal_wire::Have;
use shoal_wire::chunks::{ChunkRefusal, ChunkReply, ChunkRequest, MAX_WAITING};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::messages::{ChunkSink, StreamError};
use super::*;
use crate::clock::Clock;
use crate::memory::Memory;
use crate::pace::Pace;
use crate::streams::OpenError;

const DEADLINE: Duration = Duration::from_secs(20);
/// Bytes of each chunk.
const LEN: u32 = 300_000;

/// What happens to the next writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Good,
    Full,
    /// Takes the call and does not come back until that changes.
    Hangs,
    Panics,
}

/// Where chunks go: chunk `n` consists of bytes `n`.
struct Sink {
    disk: Mutex<Disk>,
    changed: Condvar,
    written: Mutex<BTreeSet<ChunkIndex>>,
}

impl Sink {
    fn set(&self, disk: Disk) {
        *self.disk.lock().unwrap() = disk;
        self.changed.notify_all();
    }
}

impl ChunkSink for Sink {
    fn chunk_len(&self, chunk: ChunkIndex) -> Option<u32> {
        (chunk < 200).then_some(LEN)
    }

    fn write_each(&self, chunks: &[(ChunkIndex, &[u8])]) -> Vec<Result<Vec<ChunkIndex>, WriteError>> {
        chunks.iter().map(|(chunk, bytes)| self.write(*chunk, bytes)).collect()
    }
}

impl Sink {
    fn write(&self, chunk: ChunkIndex, bytes: &[u8]) -> Result<Vec<ChunkIndex>, WriteError> {
        if bytes.len() != LEN as usize || bytes.iter().any(|byte| *byte != chunk as u8) {
            return Err(WriteError::Corrupt(chunk));
        }
        let disk = self.disk.lock().unwrap();
        let disk = *self.changed.wait_while(disk, |disk| *disk == Disk::Hangs).unwrap();
        match disk {
            Disk::Full => {
                let source = io::ErrorKind::StorageFull.into();
                Err(WriteError::Blocked { path: "/full".into(), source })
            }
            Disk::Panics => panic!("as the test wants it"),
            _ => {
                self.written.lock().unwrap().insert(chunk);
                Ok(vec![chunk])
            }
        }
    }
}

/// A content and its job.
struct Job {
    content: ContentId,
    sink: Arc<Sink>,
    streams: FetchHandle,
    events: mpsc::Receiver<FetchEvent>,
}

/// A hanging write would hold up the end of the runtime.
impl Drop for Job {
    fn drop(&mut self) {
        self.sink.set(Disk::Full);
    }
}

impl Job {
    /// The next event that is not a hint.
    async fn event(&mut self) -> FetchEvent {
        let next = async {
            loop {
                match self.events.recv().await.expect("the sender stays") {
                    FetchEvent::Progress { .. } | FetchEvent::Begun { .. } => {}
                    other => return other,
                }
            }
        };
        tokio::time::timeout(DEADLINE, next).await.expect("an event comes")
    }

    fn no_event(&mut self) {
        let next = std::iter::from_fn(|| self.events.try_recv().ok());
        let hint = |e: &FetchEvent| matches!(e, FetchEvent::Progress { .. } | FetchEvent::Begun { .. });
        let told: Vec<_> = next.filter(|event| !hint(event)).collect();
        assert!(told.is_empty(), "{told:?}");
    }

    async fn stored(&mut self) -> (u64, ChunkIndex) {
        match self.event().await {
            FetchEvent::Stored { id, chunk, len, complete, .. } => {
                assert_eq!((len, complete), (LEN.into(), vec![chunk]));
                (id, chunk)
            }
            other => panic!("{other:?}"),
        }
    }

    async fn refused(&mut self) -> u64 {
        match self.event().await {
            FetchEvent::Refused { id, why: ChunkRefusal::Busy, .. } => id,
            other => panic!("{other:?}"),
        }
    }

    fn get(&self, peer: PeerId, chunk: ChunkIndex) {
        assert!(self.streams.order(peer, FetchOrder::Get { id: chunk.into(), chunk, len: LEN }));
    }
}

/// The node, and the other ends of its streams.
struct Rig {
    streams: ChunkStreams,
    opened: mpsc::UnboundedReceiver<DuplexStream>,
}

impl Rig {
    fn new() -> Self {
        let (sender, opened) = mpsc::unbounded_channel();
        let open = move |_| {
            let (ours, theirs) = tokio::io::duplex(64 << 10);
            sender.send(theirs).unwrap();
            async { Ok(ours.compat()) }
        };
        let clock = Clock::start();
        let pace = Arc::new(Pace::new(None, clock));
        Self { streams: ChunkStreams::new(open, pace, Arc::new(Memory::default()), clock), opened }
    }

    fn job(&self, n: u8) -> Job {
        self.job_that_lags(n, 1000)
    }

    fn job_that_lags(&self, n: u8, room: usize) -> Job {
        let content = ContentId::from_root_hash(Hash::of(&[n]));
        let sink = Sink { disk: Mutex::new(Disk::Good), changed: Condvar::new(), written: Mutex::default() };
        let sink = Arc::new(sink);
        let (sender, events) = mpsc::channel(room);
        let streams = self.streams.attach(content, sink.clone(), sender);
        Job { content, sink, streams, events }
    }

    /// Jobs that all use the stream of one peer, and its other end.
    async fn on_one_stream<const N: usize>(&mut self) -> (PeerId, [Job; N], Provider) {
        let peer = PeerId::random();
        let mut jobs = std::array::from_fn(|n| self.job(n as u8));
        for job in &mut jobs {
            job.streams.open(peer);
            let opened = job.event().await;
            assert!(matches!(opened, FetchEvent::Opened { peer: of } if of == peer), "{opened:?}");
        }
        let provider = self.provider().await;
        assert!(self.opened.try_recv().is_err(), "one stream is enough");
        (peer, jobs, provider)
    }

    async fn provider(&mut self) -> Provider {
        let (input, output) = self.opened.recv().await.unwrap().compat().split();
        Provider { input, output }
    }
}

/// The other end of a stream.
struct Provider {
    input: ReadHalf<Compat<DuplexStream>>,
    output: WriteHalf<Compat<DuplexStream>>,
}

impl Provider {
    async fn next(&mut self) -> Option<ChunkRequest> {
        let next = tokio::time::timeout(DEADLINE, read_frame(&mut self.input)).await;
        next.expect("a request comes").expect("a frame")
    }

    /// The next request: its id, chunk and content.
    async fn get(&mut self) -> (u64, ChunkIndex, ContentId) {
        match self.next().await {
            Some(ChunkRequest::Get { id, chunk, content }) => (id, chunk, content),
            other => panic!("{other:?}"),
        }
    }

    async fn send(&mut self, id: u64, chunk: ChunkIndex) {
        self.send_bytes(id, chunk, &vec![chunk as u8; LEN as usize]).await;
    }

    async fn send_bytes(&mut self, id: u64, chunk: ChunkIndex, bytes: &[u8]) {
        self.reply(ChunkReply::Data { id, len: bytes.len() as u32, chunk, queued: 0 }).await;
        let sent = async {
            self.output.write_all(bytes).await?;
            self.output.flush().await
        };
        // Err if the other side has had enough; tests see that elsewhere.
        let _ = tokio::time::timeout(DEADLINE, sent).await.expect("the bytes are read");
    }

    async fn reply(&mut self, reply: ChunkReply) {
        write_frame(&mut self.output, &reply).await.unwrap();
        self.output.flush().await.unwrap();
    }
}

#[tokio::test]
async fn two_contents_share_a_stream() {
    let (peer, [mut a, mut b], mut provider) = Rig::new().on_one_stream().await;
    a.get(peer, 1);
    b.get(peer, 1);
    b.get(peer, 2);
    let (first, ..) = provider.get().await;
    let second = provider.get().await;
    let third = provider.get().await;
    assert_eq!((second.1, second.2, third.1, third.2), (1, b.content, 2, b.content));
    provider.send(third.0, 2).await;
    provider.send(first, 1).await;
    assert_eq!((a.stored().await, b.stored().await), ((1, 1), (2, 2)));
    provider.reply(ChunkReply::Refused { id: second.0, why: ChunkRefusal::Busy }).await;
    assert_eq!(b.refused().await, 1);
    assert_eq!(*a.sink.written.lock().unwrap(), BTreeSet::from([1]));
    assert_eq!(*b.sink.written.lock().unwrap(), BTreeSet::from([2]));
}

#[tokio::test]
async fn a_choice_of_the_provider_must_exist() {
    let (peer, [mut a], mut provider) = Rig::new().on_one_stream().await;
    for id in 0..2 {
        assert!(a.streams.order(peer, FetchOrder::Any { id }));
        assert!(matches!(provider.next().await, Some(ChunkRequest::Any { .. })));
    }
    provider.send(0, 77).await;
    assert_eq!(a.stored().await, (0, 77));
    provider.send(1, 200).await;
    let lost = a.event().await;
    assert!(
        matches!(&lost, FetchEvent::Lost { error, .. } if matches!(**error, StreamError::Unasked)),
        "{lost:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_one_content_alone() {
    let (peer, [mut full, mut good], mut provider) = Rig::new().on_one_stream().await;
    full.sink.set(Disk::Full);
    for chunk in 0..4 {
        full.get(peer, chunk);
        assert_eq!(provider.get().await.0, chunk.into());
    }
    provider.send(0, 0).await;
    assert!(matches!(full.event().await, FetchEvent::Blocked { .. }));
    let mut back: Vec<u64> = vec![full.refused().await, full.refused().await, full.refused().await];
    back.sort_unstable();
    assert_eq!(back, [1, 2, 3], "all that was asked for is taken back");
    for _ in 0..3 {
        assert!(matches!(provider.next().await, Some(ChunkRequest::Cancel { .. })));
    }
    // What is on its way all the same, more than may wait for a disk, is thrown away without a word.
    for chunk in 1..4 {
        provider.send(chunk.into(), chunk).await;
    }
    full.get(peer, 9);
    assert_eq!(full.refused().await, 9);
    for chunk in 0..100 {
        good.get(peer, chunk);
        let (id, ..) = provider.get().await;
        provider.send(id, chunk).await;
        assert_eq!(good.stored().await.1, chunk);
    }
    assert!(full.sink.written.lock().unwrap().is_empty());
    full.sink.set(Disk::Good);
    loop {
        match full.event().await {
            FetchEvent::Blocked { .. } => {}
            FetchEvent::Unblocked => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(full.stored().await, (0, 0), "one chunk was kept");
    full.get(peer, 1);
    let (id, ..) = provider.get().await;
    provider.send(id, 1).await;
    assert_eq!(full.stored().await, (1, 1));
}

#[tokio::test]
async fn a_disk_that_hangs_stops_one_content_alone() {
    let (peer, [mut hangs, mut good], mut provider) = Rig::new().on_one_stream().await;
    hangs.sink.set(Disk::Hangs);
    // More than may wait for the disk.
    let many = (16 << 20) / LEN + 4;
    for chunk in 0..many.min(MAX_WAITING as u32 - 1) {
        hangs.get(peer, chunk);
        provider.get().await;
    }
    good.get(peer, 1);
    let (id, ..) = provider.get().await;
    for chunk in 0..many.min(MAX_WAITING as u32 - 1) {
        provider.send(chunk.into(), chunk).await;
    }
    provider.send(id, 1).await;
    assert_eq!(good.stored().await, (1, 1));
    let mut thrown = BTreeSet::new();
    for _ in 0..many - (16 << 20) / LEN {
        thrown.insert(hangs.refused().await);
    }
    // As long as others wait, it need not ask.
    good.get(peer, 2);
    provider.get().await;
    hangs.get(peer, 150);
    assert_eq!(hangs.refused().await, 150);
    hangs.sink.set(Disk::Good);
    for _ in 0..(16 << 20) / LEN {
        let (id, _) = hangs.stored().await;
        assert!(!thrown.contains(&id));
    }
    hangs.get(peer, 150);
    let (id, ..) = provider.get().await;
    provider.send(id, 150).await;
    assert_eq!(hangs.stored().await, (150, 150));
}

#[tokio::test]
async fn a_chunk_that_does_not_match_concerns_its_content_alone() {
    let (peer, [mut a, mut b], mut provider) = Rig::new().on_one_stream().await;
    a.get(peer, 1);
    b.get(peer, 1);
    let (first, second) = (provider.get().await.0, provider.get().await.0);
    provider.send_bytes(first, 1, &vec![7; LEN as usize]).await;
    provider.send(second, 1).await;
    assert!(matches!(a.event().await, FetchEvent::Corrupt { id: 1, chunk: 1, .. }));
    assert_eq!(b.stored().await, (1, 1));
    a.get(peer, 2);
    let (id, ..) = provider.get().await;
    provider.send(id, 2).await;
    assert_eq!(a.stored().await, (2, 2), "the job decides what follows from it");
}

#[tokio::test]
async fn a_peer_that_breaks_the_protocol_loses_the_stream_and_everybody_is_told_once() {
    let script = [
        // A wrong length, data that nobody asked for, no frame, an end.
        (Some(ChunkReply::Data { id: 0, len: LEN - 1, chunk: 1, queued: 0 }), vec![]),
        (Some(ChunkReply::Data { id: 9, len: LEN, chunk: 1, queued: 0 }), vec![]),
        (Some(ChunkReply::Data { id: 0, len: LEN, chunk: 2, queued: 0 }), vec![]),
        (None, vec![0xff; 20]),
        (None, vec![]),
    ];
    for (n, (reply, bytes)) in script.into_iter().enumerate() {
        let mut rig = Rig::new();
        let (peer, [mut a, mut b, mut idle], mut provider) = rig.on_one_stream().await;
        a.get(peer, 1);
        b.get(peer, 1);
        idle.streams.close(peer);
        provider.get().await;
        if let Some(reply) = reply {
            provider.reply(reply).await;
        }
        provider.output.write_all(&bytes).await.unwrap();
        provider.output.flush().await.unwrap();
        if n == 4 {
            provider.output.close().await.unwrap();
        }
        if n == 0 {
            assert!(matches!(a.event().await, FetchEvent::Corrupt { id: 1, chunk: 1, .. }));
        }
        for job in [&mut a, &mut b] {
            let lost = job.event().await;
            assert!(matches!(lost, FetchEvent::Lost { peer: of, .. } if of == peer), "{n}: {lost:?}");
            assert!(!job.streams.order(peer, FetchOrder::Any { id: 5 }), "{n}");
            job.no_event();
        }
        idle.no_event();
        // A new one can be opened at once.
        a.streams.open(peer);
        assert!(matches!(a.event().await, FetchEvent::Opened { .. }));
        let mut provider = rig.provider().await;
        a.get(peer, 3);
        let (id, ..) = provider.get().await;
        provider.send(id, 3).await;
        assert_eq!(a.stored().await, (3, 3));
    }
}

#[tokio::test]
async fn cancels_in_a_storm_disturb_nobody() {
    let (peer, [mut a, mut b], mut provider) = Rig::new().on_one_stream().await;
    b.get(peer, 1);
    let (kept, ..) = provider.get().await;
    let mut late = Vec::new();
    for round in 0..50 {
        for id in 0..20 {
            let id = round * 100 + id;
            assert!(a.streams.order(peer, FetchOrder::Any { id }));
            match provider.next().await {
                Some(ChunkRequest::Any { id, .. }) => late.push(id),
                other => panic!("{other:?}"),
            }
            assert!(a.streams.order(peer, FetchOrder::Cancel { id }));
            assert_eq!(provider.next().await, Some(ChunkRequest::Cancel { id: *late.last().unwrap() }));
        }
    }
    // Some were under way, the last ones and an older one.
    for id in [late[500], late[998], late[999]] {
        provider.send(id, 5).await;
    }
    provider.reply(ChunkReply::Refused { id: late[997], why: ChunkRefusal::NotFound }).await;
    provider.send(kept, 1).await;
    assert_eq!(b.stored().await, (1, 1));
    for _ in 0..3 {
        assert_eq!(a.stored().await.1, 5, "what has come is of use");
    }
    a.no_event();
}

/// Two hundred contents, more than there are places, and a provider that answers one request at a time.
#[tokio::test]
async fn however_many_contents_no_more_is_asked_than_a_provider_takes() {
    let mut rig = Rig::new();
    let peer = PeerId::random();
    let mut jobs: Vec<Job> = (0..200).map(|n| rig.job(n)).collect();
    for job in &mut jobs {
        job.streams.open(peer);
        assert!(matches!(job.event().await, FetchEvent::Opened { .. }));
        (0..3).for_each(|chunk| job.get(peer, chunk));
    }
    let mut provider = rig.provider().await;
    let mut open = std::collections::VecDeque::new();
    for _ in 0..MAX_WAITING {
        open.push_back(provider.get().await);
    }
    let mut left: BTreeSet<ContentId> = jobs.iter().map(|job| job.content).collect();
    for _ in 0..200 {
        let early =
            tokio::time::timeout(Duration::ZERO, read_frame::<ChunkRequest, _>(&mut provider.input)).await;
        assert!(early.is_err(), "{early:?}");
        let (id, chunk, content) = open.pop_front().unwrap();
        provider.reply(ChunkReply::Refused { id, why: ChunkRefusal::NotFound }).await;
        assert_eq!(chunk == 0, left.remove(&content), "everybody has one turn before anybody has two");
        open.push_back(provider.get().await);
    }
    assert!(left.is_empty());
}

#[tokio::test]
async fn a_job_that_lags_holds_nobody_up_and_misses_nothing() {
    let mut rig = Rig::new();
    let peer = PeerId::random();
    let (mut lags, mut quick) = (rig.job_that_lags(1, 1), rig.job(2));
    for job in [&mut lags, &mut quick] {
        job.streams.open(peer);
        assert!(matches!(job.event().await, FetchEvent::Opened { .. }));
    }
    let mut provider = rig.provider().await;
    for chunk in 0..30 {
        lags.get(peer, chunk);
        let (id, ..) = provider.get().await;
        match chunk % 2 {
            0 => provider.send(id, chunk).await,
            _ => provider.reply(ChunkReply::Refused { id, why: ChunkRefusal::Busy }).await,
        }
    }
    quick.get(peer, 1);
    let (id, ..) = provider.get().await;
    provider.send(id, 1).await;
    assert_eq!(quick.stored().await, (1, 1));
    let mut ended = BTreeSet::new();
    while ended.len() < 30 {
        match lags.event().await {
            FetchEvent::Stored { id, .. } | FetchEvent::Refused { id, .. } => assert!(ended.insert(id)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_stream_ends_after_its_last_user_however_that_leaves() {
    let mut rig = Rig::new();
    let (peer, [a, b, mut c], mut provider) = rig.on_one_stream().await;
    a.get(peer, 1);
    b.get(peer, 2);
    let (of_a, of_b) = (provider.get().await.0, provider.get().await.0);
    a.streams.close(peer);
    assert_eq!(provider.next().await, Some(ChunkRequest::Cancel { id: of_a }));
    assert!(!a.streams.order(peer, FetchOrder::Any { id: 3 }));
    // By a panic.
    let panicked = tokio::spawn(async move {
        let _b = b;
        panic!("as the test wants it");
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(provider.next().await, Some(ChunkRequest::Cancel { id: of_b }));
    // What they asked for is under way, and in the way of nobody.
    provider.send(of_a, 1).await;
    provider.send(of_b, 2).await;
    c.get(peer, 3);
    let (id, ..) = provider.get().await;
    provider.send(id, 3).await;
    assert_eq!(c.stored().await, (3, 3));
    drop(c);
    assert_eq!(provider.next().await, None, "the end of the stream");
    a.streams.open(peer);
    rig.provider().await;
}

#[tokio::test]
async fn every_content_that_wanted_a_stream_is_told_that_it_does_not_open() {
    let clock = Clock::start();
    let open = |_| async { Err::<Compat<DuplexStream>, _>(OpenError::Ended) };
    let pace = Arc::new(Pace::new(None, clock));
    let streams = ChunkStreams::new(open, pace, Arc::new(Memory::default()), clock);
    let rig = Rig { streams, opened: mpsc::unbounded_channel().1 };
    let (mut a, mut b) = (rig.job(1), rig.job(2));
    let peer = PeerId::random();
    for _ in 0..2 {
        a.streams.open(peer);
        b.streams.open(peer);
        assert!(!a.streams.order(peer, FetchOrder::Any { id: 1 }));
        for job in [&mut a, &mut b] {
            assert!(matches!(job.event().await, FetchEvent::OpenFailed { peer: of, .. } if of == peer));
        }
    }
}

#[tokio::test]
async fn a_panic_of_one_store_is_told_to_its_content_alone() {
    let (peer, [mut a, mut b], mut provider) = Rig::new().on_one_stream().await;
    a.sink.set(Disk::Panics);
    a.get(peer, 1);
    b.get(peer, 1);
    let (first, second) = (provider.get().await.0, provider.get().await.0);
    provider.send(first, 1).await;
    provider.send(second, 1).await;
    assert!(matches!(a.event().await, FetchEvent::Broken { .. }));
    assert_eq!(b.stored().await, (1, 1));
    // The lock that the panic poisoned is the test's own.
    std::mem::forget(a);
}

#[tokio::test]
async fn news_goes_out_with_its_content() {
    let (peer, [a, b], mut provider) = Rig::new().on_one_stream().await;
    assert!(a.streams.order(peer, FetchOrder::Have(Have::all())));
    assert!(b.streams.order(peer, FetchOrder::Have(Have::default())));
    let have = |have, job: &Job| Some(ChunkRequest::Have { have, content: job.content });
    assert_eq!(provider.next().await, have(Have::all(), &a));
    assert_eq!(provider.next().await, have(Have::default(), &b));
}

#[tokio::test]
async fn any_byte_of_a_chunk_is_progress() {
    let (peer, [mut a], mut provider) = Rig::new().on_one_stream().await;
    a.get(peer, 1);
    let (id, ..) = provider.get().await;
    provider.reply(ChunkReply::Data { id, len: LEN, chunk: 1, queued: 0 }).await;
    let trickle = async {
        loop {
            provider.output.write_all(&[1]).await.unwrap();
            provider.output.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let told = async {
        loop {
            if let FetchEvent::Progress { bytes, .. } = a.events.recv().await.unwrap() {
                return bytes;
            }
        }
    };
    let told = tokio::time::timeout(DEADLINE, async {
        tokio::select! {
            () = trickle => unreachable!("it does not end"),
            bytes = told => bytes,
        }
    });
    assert!((1..u64::from(LEN)).contains(&told.await.expect("progress is told")));
}
