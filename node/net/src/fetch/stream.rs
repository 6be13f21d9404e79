//! One long-lived stream to a peer, on which any number of contents fetch chunks.
//!
//! A writer sends requests, the [reader](super::reader) takes replies. This is what both share: the contents that use the stream,
//! and the requests on it. What always holds: every content that uses the stream when it ends is told so, once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::io::BufWriter;
use futures::{AsyncWrite, AsyncWriteExt};
use libp2p::PeerId;
use shoal_content::ChunkIndex;
use shoal_engine::RequestId;
use shoal_framing::write_frame;
use shoal_wire::chunks::{ChunkRefusal, ChunkRequest};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::attachment::Attachment;
use super::messages::{FetchEvent, FetchOrder, StreamError};
use super::requests::{Asked, Asking, AttachmentId, Requests};
use crate::clock::Clock;
use crate::streams::OpenError;

/// Bytes of requests that are written at once.
const BATCH: usize = 4 << 10;

/// See the module.
pub(super) struct ChunkStream {
    pub(super) peer: PeerId,
    clock: Clock,
    state: Mutex<State>,
    /// There may be something to write.
    wake: Notify,
    /// Cancelled once nobody uses it.
    pub(super) unused: CancellationToken,
}

#[derive(Default)]
struct State {
    stands: bool,
    users: BTreeMap<AttachmentId, Arc<Attachment>>,
    requests: Requests,
}

impl ChunkStream {
    pub(super) fn new(peer: PeerId, clock: Clock) -> Arc<Self> {
        let (state, wake, unused) = (Mutex::default(), Notify::new(), CancellationToken::new());
        Arc::new(Self { peer, clock, state, wake, unused })
    }

    /// A content begins to use the stream; it is told once the stream stands.
    pub(super) fn join(&self, user: &Arc<Attachment>) {
        let mut state = self.state();
        if state.users.insert(user.id, user.clone()).is_none() {
            state.requests.join(user.id, user.content);
            if state.stands {
                user.tell(FetchEvent::Opened { peer: self.peer });
            }
        }
    }

    /// A content does not use the stream any more. Whether nobody does.
    pub(super) fn leave(&self, user: AttachmentId) -> bool {
        let mut state = self.state();
        if state.users.remove(&user).is_some() {
            state.requests.leave(user);
            self.wake.notify_one();
        }
        state.users.is_empty()
    }

    /// Passes an order on. `false` if the stream does not stand, the content does not use it, or too much news
    /// waits for it.
    pub(super) fn order(&self, user: &Attachment, order: FetchOrder) -> bool {
        let mut state = self.state();
        if !state.stands || !state.users.contains_key(&user.id) {
            return false;
        }
        let requests = &mut state.requests;
        let taken = match order {
            FetchOrder::Get { id, chunk, len } => self.ask(requests, user, id, Asked::Chunk(chunk, len)),
            FetchOrder::Any { id } => self.ask(requests, user, id, Asked::Any),
            FetchOrder::Have(have) => requests.tell(user.id, have),
            FetchOrder::Cancel { id } => {
                requests.cancel(user.id, id);
                true
            }
        };
        self.wake.notify_one();
        taken
    }

    fn ask(&self, requests: &mut Requests, user: &Attachment, id: RequestId, asked: Asked) -> bool {
        let holds_others_up = user.is_behind() && requests.others_ask(user.id);
        if user.is_blocked() || holds_others_up || !requests.ask(self.clock.now(), user.id, id, asked) {
            user.refuse(self.peer, id);
        }
        true
    }

    /// Takes all requests of a content back and returns their ids.
    pub(super) fn take_back(&self, user: AttachmentId) -> Vec<RequestId> {
        let taken = self.state().requests.take_back(user);
        self.wake.notify_one();
        taken
    }

    /// The stream stands.
    pub(super) fn opened(&self) {
        let mut state = self.state();
        state.stands = true;
        let tell = |user: &Arc<Attachment>| user.tell(FetchEvent::Opened { peer: self.peer });
        state.users.values().for_each(tell);
    }

    /// The stream could not be opened.
    pub(super) fn failed(&self, error: &OpenError) {
        for user in self.end().into_values() {
            user.tell(FetchEvent::OpenFailed { peer: self.peer, error: error.clone() });
        }
    }

    /// The stream has ended.
    pub(super) fn lost(&self, error: StreamError) {
        let error = Arc::new(error);
        for user in self.end().into_values() {
            user.tell(FetchEvent::Lost { peer: self.peer, error: error.clone() });
        }
    }

    fn end(&self) -> BTreeMap<AttachmentId, Arc<Attachment>> {
        std::mem::take(&mut *self.state()).users
    }

    /// Writes what there is to write, until nobody uses the stream.
    pub(super) async fn write<W: AsyncWrite + Unpin>(&self, output: W) -> Result<(), StreamError> {
        let mut output = BufWriter::with_capacity(BATCH, output);
        loop {
            let unused = self.unused.is_cancelled();
            while let Some(request) = self.next_request() {
                write_frame(&mut output, &request).await?;
            }
            output.flush().await?;
            if unused {
                return Ok(output.close().await?);
            }
            let timeout = self.refuse_expired();
            tokio::select! {
                () = self.wake.notified() => {}
                () = self.clock.until(timeout) => {}
                () = self.unused.cancelled() => {}
            }
        }
    }

    fn next_request(&self) -> Option<ChunkRequest> {
        self.state().requests.next()
    }

    /// Refuses what has waited for too long; returns when to do that again.
    fn refuse_expired(&self) -> Option<Duration> {
        let mut state = self.state();
        for (user, id) in state.requests.expire(self.clock.now()) {
            if let Some(user) = state.users.get(&user) {
                user.refuse(self.peer, id);
            }
        }
        state.requests.next_timeout()
    }

    /// The peer refuses a request.
    pub(super) fn refused(&self, on_stream: u64, why: ChunkRefusal) {
        let mut state = self.state();
        if let Some((user, id)) = state.requests.refused(on_stream)
            && let Some(user) = state.users.get(&user)
        {
            user.tell(FetchEvent::Refused { peer: self.peer, id, why });
        }
        self.wake.notify_one();
    }

    /// The peer begins to send a chunk: what that answers, and whose it is, if it still uses the stream.
    pub(super) fn answered(
        &self,
        on_stream: u64,
        chunk: ChunkIndex,
    ) -> Result<(Asking, Option<Arc<Attachment>>), StreamError> {
        let mut state = self.state();
        let asking = state.requests.answered(on_stream, chunk).ok_or(StreamError::Unasked)?;
        self.wake.notify_one();
        Ok((asking, state.users.get(&asking.by).cloned()))
    }

    /// Whether contents other than this one have asked for something.
    pub(super) fn others_ask(&self, than: AttachmentId) -> bool {
        self.state().requests.others_ask(than)
    }

    #[cfg(test)]
    pub(super) fn users(&self) -> usize {
        self.state().users.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
