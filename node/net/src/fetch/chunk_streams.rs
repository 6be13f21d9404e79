//! The streams of a node, and the contents that are attached to them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, FutureExt};
use libp2p::PeerId;
use shoal_content::ContentId;
use shoal_engine::{DiskUse, RequestId};
use tokio::sync::mpsc;
use tracing::Instrument;

use super::attachment::Attachment;
use super::intake::Intake;
use super::messages::{ChunkSink, FetchEvent, FetchOrder, StreamError};
use super::reader::Reader;
use super::requests::AttachmentId;
use super::stream::ChunkStream;
use crate::clock::Clock;
use crate::memory::Memory;
use crate::pace::Pace;
use crate::streams::OpenError;

/// How long the end of a stream may take to be written.
const GRACE: Duration = Duration::from_secs(1);

/// Both directions of a stream.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Duplex for T {}

type Opened = Result<Box<dyn Duplex>, OpenError>;

/// The fetching streams of a node; cheap to clone.
#[derive(Clone)]
pub(crate) struct ChunkStreams(Arc<Shared>);

struct Shared {
    open: Box<dyn Fn(PeerId) -> BoxFuture<'static, Opened> + Send + Sync>,
    intake: Arc<Intake>,
    memory: Arc<Memory>,
    clock: Clock,
    streams: Mutex<BTreeMap<PeerId, Arc<ChunkStream>>>,
    /// Contents that were ever attached; names them.
    attached: AtomicU64,
}

impl ChunkStreams {
    /// `open` opens a stream to a connected peer.
    pub(crate) fn new<F, S>(
        open: impl Fn(PeerId) -> F + Send + Sync + 'static,
        pace: Arc<Pace>,
        memory: Arc<Memory>,
        clock: Clock,
    ) -> Self
    where
        F: Future<Output = Result<S, OpenError>> + Send + 'static,
        S: Duplex,
    {
        let open = move |peer| {
            let opened = open(peer);
            async { Ok(Box::new(opened.await?) as Box<dyn Duplex>) }.boxed()
        };
        Self(Arc::new(Shared {
            open: Box::new(open),
            intake: Arc::new(Intake::new(pace, clock)),
            memory,
            clock,
            streams: Mutex::default(),
            attached: AtomicU64::new(0),
        }))
    }

    /// Attaches a content, whose verified chunks go to `sink`; what comes of it is told to `events`. As long as the
    /// handle is kept.
    pub(crate) fn attach(
        &self,
        content: ContentId,
        sink: Arc<dyn ChunkSink>,
        events: mpsc::Sender<FetchEvent>,
    ) -> FetchHandle {
        let id = self.0.attached.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::downgrade(&self.0);
        let take_back = Box::new(move |id| shared.upgrade().map(|s| s.take_back(id)).unwrap_or_default());
        let attachment = Attachment::new(id, content, sink, events, self.0.memory.clone(), take_back);
        self.0.intake.attaches();
        FetchHandle { shared: self.0.clone(), attachment }
    }

    /// What comes in, over all streams.
    pub(crate) fn intake(&self) -> &Arc<Intake> {
        &self.0.intake
    }

    /// How many contents use the stream of each peer.
    #[cfg(test)]
    pub(crate) fn users(&self) -> Vec<usize> {
        self.0.streams().values().map(|stream| stream.users()).collect()
    }
}

/// A content's place among the node's streams. Dropping it takes back what was asked and leaves the streams.
pub(crate) struct FetchHandle {
    shared: Arc<Shared>,
    attachment: Arc<Attachment>,
}

impl FetchHandle {
    /// The content wants to ask a peer. Answered by [`FetchEvent::Opened`] or [`FetchEvent::OpenFailed`], unless it
    /// was wanted before.
    pub(crate) fn open(&self, peer: PeerId) {
        let mut streams = self.shared.streams();
        if let Some(stream) = streams.get(&peer) {
            return stream.join(&self.attachment);
        }
        let stream = ChunkStream::new(peer, self.shared.clock);
        stream.join(&self.attachment);
        streams.insert(peer, stream.clone());
        let serving = serve(Ending { shared: self.shared.clone(), stream, how: How::Broken });
        tokio::spawn(serving.instrument(tracing::error_span!("peer", id = %peer)));
    }

    /// The content has no use for a peer any more. What it asked there is taken back, without an event.
    pub(crate) fn close(&self, peer: PeerId) {
        let mut streams = self.shared.streams();
        if let Some(stream) = streams.get(&peer)
            && stream.leave(self.attachment.id)
        {
            stream.unused.cancel();
            streams.remove(&peer);
        }
    }

    /// Passes an order on. `false` if the stream does not stand for this content, or, for news, if too much of it
    /// waits already. A request that is one too many is refused as busy, by an event.
    pub(crate) fn order(&self, peer: PeerId, order: FetchOrder) -> bool {
        let stream = self.shared.streams().get(&peer).cloned();
        stream.is_some_and(|stream| stream.order(&self.attachment, order))
    }
}

impl FetchHandle {
    /// What waits for the content's disk.
    pub(crate) fn disk(&self) -> DiskUse {
        self.attachment.disk()
    }
}

impl Drop for FetchHandle {
    fn drop(&mut self) {
        self.attachment.detach();
        self.shared.intake.detaches();
        self.shared.streams().retain(|_, stream| {
            let unused = stream.leave(self.attachment.id);
            if unused {
                stream.unused.cancel();
            }
            !unused
        });
    }
}

impl Shared {
    fn take_back(&self, attachment: AttachmentId) -> Vec<(PeerId, RequestId)> {
        let streams: Vec<_> = self.streams().values().cloned().collect();
        let of = |stream: Arc<ChunkStream>| {
            let taken = stream.take_back(attachment);
            taken.into_iter().map(move |id| (stream.peer, id))
        };
        streams.into_iter().flat_map(of).collect()
    }

    fn streams(&self) -> MutexGuard<'_, BTreeMap<PeerId, Arc<ChunkStream>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum How {
    NotOpened(OpenError),
    Lost(StreamError),
    /// By a panic.
    Broken,
}

/// Takes a stream from the node's when it ends, however that comes, and tells its contents.
struct Ending {
    shared: Arc<Shared>,
    stream: Arc<ChunkStream>,
    how: How,
}

impl Drop for Ending {
    fn drop(&mut self) {
        {
            let mut streams = self.shared.streams();
            let peer = self.stream.peer;
            if streams.get(&peer).is_some_and(|stream| Arc::ptr_eq(stream, &self.stream)) {
                streams.remove(&peer);
            }
        }
        match std::mem::replace(&mut self.how, How::Broken) {
            How::NotOpened(error) => self.stream.failed(&error),
            How::Lost(error) => self.stream.lost(error),
            How::Broken => self.stream.lost(StreamError::Broken),
        }
    }
}

/// Opens a stream and serves it to its end.
async fn serve(mut ending: Ending) {
    let (shared, stream) = (ending.shared.clone(), ending.stream.clone());
    let opened = tokio::select! {
        opened = (shared.open)(stream.peer) => opened,
        () = stream.unused.cancelled() => return,
    };
    let (input, output) = match opened {
        Ok(both) => both.split(),
        Err(error) => return ending.how = How::NotOpened(error),
    };
    stream.opened();
    let reader = Reader::new(&stream, input, &shared.intake, &shared.memory);
    let unused = async {
        stream.unused.cancelled().await;
        tokio::time::sleep(GRACE).await;
        Ok(())
    };
    let ended = tokio::select! {
        ended = reader.run() => ended,
        ended = stream.write(output) => ended,
        ended = unused => ended,
    };
    // Without an error, nobody used it any more.
    ending.how = How::Lost(ended.err().unwrap_or(StreamError::Closed));
}
