//! Which contents this node has, and which task answers questions about each.
//!
//! What always holds: a content is here for as long as its [`LibraryPlace`] is kept, in whatever way that ends.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use libp2p::PeerId;
use shoal_content::ContentId;
use shoal_engine::Situation;
use shoal_wire::query::{QueryErrorCode, QueryRequest, QueryResponse};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use shoal_store::{ChunkStore, HoldingGuard, Holdings};

use crate::counter::TrafficCounter;
use crate::detail::ContentDetail;

/// A question from a peer, for the job of its content.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) peer: PeerId,
    pub(crate) request: QueryRequest,
    /// Dropped without an answer, it becomes "busy".
    pub(crate) reply: oneshot::Sender<QueryResponse>,
}

/// A file that is not what it was when it was shared.
#[derive(Debug)]
pub(crate) struct Withdrawn {
    pub(crate) path: PathBuf,
    /// What happened, for people.
    pub(crate) words: String,
}

/// A question from this node's user, for the job of its content.
#[derive(Debug)]
pub(crate) enum Inquiry {
    /// What is known of the content and its peers.
    Detail(oneshot::Sender<ContentDetail>),
    /// What is known of how it goes.
    Situation(oneshot::Sender<Situation>),
}

/// Where the job of a content is reached, and what it counts.
pub(crate) struct Desk {
    pub(crate) questions: mpsc::Sender<Question>,
    pub(crate) notices: mpsc::Sender<Withdrawn>,
    pub(crate) inquiries: mpsc::Sender<Inquiry>,
    pub(crate) traffic: Arc<TrafficCounter>,
    /// Whether peers that ask what is shared here are told of the content.
    pub(crate) public: bool,
}

#[cfg(test)]
impl Desk {
    /// Of a job that reads nothing but questions.
    pub(crate) fn of_test(questions: mpsc::Sender<Question>) -> Self {
        let (notices, inquiries) = (mpsc::channel(1).0, mpsc::channel(1).0);
        Self { questions, notices, inquiries, traffic: Arc::default(), public: false }
    }
}

struct Entry {
    desk: Desk,
    /// Once there is something to read chunks from.
    store: Option<Arc<dyn ChunkStore>>,
}

/// The contents of a node.
#[derive(Default)]
pub(crate) struct Library {
    entries: RwLock<BTreeMap<ContentId, Entry>>,
    holdings: Holdings,
}

/// A content's place in the library; it leaves when this is dropped.
pub(crate) struct LibraryPlace {
    library: Arc<Library>,
    content: ContentId,
}

impl LibraryPlace {
    /// Whose place it is.
    pub(crate) fn content(&self) -> ContentId {
        self.content
    }

    /// From now on, and while the guard is kept, chunks of the content are found by their hash.
    pub(crate) fn hold(&self, store: Arc<dyn ChunkStore>) -> HoldingGuard {
        if let Some(entry) = self.library.write().get_mut(&self.content) {
            entry.store = Some(store.clone());
        }
        self.library.holdings.add(store)
    }
}

impl Drop for LibraryPlace {
    fn drop(&mut self) {
        self.library.write().remove(&self.content);
    }
}

impl Library {
    /// Adds a content. `None` if the node has it already.
    pub(crate) fn add(self: &Arc<Self>, content: ContentId, desk: Desk) -> Option<LibraryPlace> {
        let mut entries = self.write();
        if entries.contains_key(&content) {
            return None;
        }
        entries.insert(content, Entry { desk, store: None });
        Some(LibraryPlace { library: self.clone(), content })
    }

    /// From now on peers that ask what is shared here are told of a content, or not.
    pub(crate) fn set_public(&self, content: &ContentId, public: bool) {
        if let Some(entry) = self.write().get_mut(content) {
            entry.desk.public = public;
        }
    }

    /// The first contents that peers are told of and that can be served, behind some content.
    pub(crate) fn public_after(
        &self,
        after: Option<ContentId>,
        most: usize,
    ) -> Vec<(ContentId, Arc<dyn ChunkStore>)> {
        let entries = self.read();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let public = entries.range((from, Bound::Unbounded)).filter(|(_, entry)| entry.desk.public);
        public.filter_map(|(content, entry)| Some((*content, entry.store.clone()?))).take(most).collect()
    }

    /// What chunks of a content are read from, if it can be served.
    pub(crate) fn store(&self, content: &ContentId) -> Option<Arc<dyn ChunkStore>> {
        self.read().get(content)?.store.clone()
    }

    /// What was counted for a content.
    pub(crate) fn traffic(&self, content: &ContentId) -> Option<Arc<TrafficCounter>> {
        self.read().get(content).map(|entry| entry.desk.traffic.clone())
    }

    /// Passes on what this node's user asks, and waits while the job has too much to do. `false`: the content is not
    /// here, or has just ended.
    pub(crate) async fn inquire(&self, content: &ContentId, inquiry: Inquiry) -> bool {
        let inquiries = self.read().get(content).map(|entry| entry.desk.inquiries.clone());
        match inquiries {
            Some(inquiries) => inquiries.send(inquiry).await.is_ok(),
            None => false,
        }
    }

    /// Finds chunks by their hash in all contents that have a store.
    pub(crate) fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// Lets the job of a content know that a file of it has changed. A job that lags misses it.
    pub(crate) fn notify(&self, content: ContentId, withdrawn: Withdrawn) {
        if let Some(entry) = self.read().get(&content) {
            // Err only says that the job lags or has ended.
            let _ = entry.desk.notices.try_send(withdrawn);
        }
    }

    /// Passes on what a peer tells; no answer is expected. Returns how to do that later if the job has too much to do
    /// at this moment.
    pub(crate) fn tell(
        &self,
        peer: PeerId,
        request: QueryRequest,
    ) -> Option<impl Future<Output = ()> + use<>> {
        let questions = self.read().get(&request.content()?)?.desk.questions.clone();
        let (reply, _) = oneshot::channel();
        match questions.try_send(Question { peer, request, reply }) {
            Ok(()) | Err(TrySendError::Closed(_)) => None,
            Err(TrySendError::Full(question)) => Some(async move {
                // Err only says that the job has ended.
                let _ = questions.send(question).await;
            }),
        }
    }

    /// Passes a question on, or says at once why not.
    pub(crate) fn ask(
        &self,
        peer: PeerId,
        request: QueryRequest,
    ) -> Result<oneshot::Receiver<QueryResponse>, QueryErrorCode> {
        let content = request.content().ok_or(QueryErrorCode::Unsupported)?;
        let entries = self.read();
        let entry = entries.get(&content).ok_or(QueryErrorCode::NotFound)?;
        let (reply, answer) = oneshot::channel();
        let question = Question { peer, request, reply };
        entry.desk.questions.try_send(question).map_err(|_| QueryErrorCode::Busy)?;
        Ok(answer)
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<ContentId, Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<ContentId, Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shoal_content::Hash;

    fn content() -> ContentId {
        ContentId::from_root_hash(Hash::of(b"a content"))
    }

    fn add(library: &Arc<Library>) -> Option<(LibraryPlace, mpsc::Receiver<Question>)> {
        let (questions, receiver) = mpsc::channel(1);
        library.add(content(), Desk::of_test(questions)).map(|place| (place, receiver))
    }

    #[tokio::test]
    async fn a_place_is_free_again_however_its_owner_ends() {
        let library = Arc::new(Library::default());
        let ask = || library.ask(PeerId::random(), QueryRequest::Peers { content: content() });
        assert_eq!(ask().unwrap_err(), QueryErrorCode::NotFound);
        let first = add(&library).unwrap();
        assert!(add(&library).is_none());
        assert!(ask().is_ok());
        drop(first);
        assert_eq!(ask().unwrap_err(), QueryErrorCode::NotFound);
        let second = add(&library).unwrap();
        let panicked = tokio::spawn(async move {
            let _second = second;
            panic!("as the test wants it");
        });
        assert!(panicked.await.unwrap_err().is_panic());
        let third = add(&library).unwrap();
        let cancelled = tokio::spawn(async move {
            let _third = third;
            std::future::pending::<()>().await;
        });
        cancelled.abort();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        assert!(add(&library).is_some());
    }

    #[tokio::test]
    async fn a_job_that_lags_is_told_later() {
        let library = Arc::new(Library::default());
        let (_place, mut questions) = add(&library).unwrap();
        let tell = || library.tell(PeerId::random(), QueryRequest::Leave { content: content() });
        assert!(tell().is_none());
        let later = tell().unwrap();
        let mut later = std::pin::pin!(later);
        assert!(futures::poll!(&mut later).is_pending());
        assert!(questions.recv().await.is_some());
        later.await;
        assert!(questions.recv().await.is_some());
    }
}
