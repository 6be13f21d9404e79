//! Which contents this node serves, and who answers for each.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use libp2p::PeerId;
use shoal_content::ContentId;
use shoal_wire::query::{ErrorCode, Request, Response};
use tokio::sync::{mpsc, oneshot};

use shoal_store::ChunkStore;

/// A question from a peer, for the job of its content.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) peer: PeerId,
    pub(super) request: Request,
    /// Dropped without an answer, it becomes "busy".
    pub(super) reply: oneshot::Sender<Response>,
}

/// A file that is not what it was when it was shared.
#[derive(Debug)]
pub(super) struct Withdrawn {
    pub(super) path: PathBuf,
    /// What happened, for people.
    pub(super) words: String,
}

struct Shelf {
    questions: mpsc::Sender<Question>,
    notices: mpsc::Sender<Withdrawn>,
    /// Set once there is something to read chunks from.
    store: Option<Arc<dyn ChunkStore>>,
}

/// The contents of a node.
#[derive(Default)]
pub(super) struct Library {
    shelves: RwLock<HashMap<ContentId, Shelf>>,
}

impl Library {
    /// Adds a content. `false` if the node has it already.
    pub(super) fn add(
        &self,
        content: ContentId,
        questions: mpsc::Sender<Question>,
        notices: mpsc::Sender<Withdrawn>,
    ) -> bool {
        let mut shelves = self.shelves.write().expect("no panic under the lock");
        let vacant = !shelves.contains_key(&content);
        if vacant {
            shelves.insert(content, Shelf { questions, notices, store: None });
        }
        vacant
    }

    pub(super) fn set_store(&self, content: ContentId, store: Arc<dyn ChunkStore>) {
        if let Some(shelf) = self.shelves.write().expect("no panic under the lock").get_mut(&content) {
            shelf.store = Some(store);
        }
    }

    pub(super) fn remove(&self, content: ContentId) {
        self.shelves.write().expect("no panic under the lock").remove(&content);
    }

    pub(super) fn store(&self, content: ContentId) -> Option<Arc<dyn ChunkStore>> {
        self.shelves.read().expect("no panic under the lock").get(&content)?.store.clone()
    }

    /// Lets the job of a content know that a file of it has changed. A job that lags misses it.
    pub(super) fn notify(&self, content: ContentId, withdrawn: Withdrawn) {
        let shelves = self.shelves.read().expect("no panic under the lock");
        if let Some(shelf) = shelves.get(&content) {
            let _ = shelf.notices.try_send(withdrawn);
        }
    }

    /// Passes on what a peer tells; waits while the job has too much to do. No answer is expected.
    pub(super) async fn tell(&self, peer: PeerId, request: Request) {
        let questions = {
            let shelves = self.shelves.read().expect("no panic under the lock");
            shelves.get(&request.content()).map(|shelf| shelf.questions.clone())
        };
        if let Some(questions) = questions {
            let (reply, _) = oneshot::channel();
            // Err only says that the job has ended.
            let _ = questions.send(Question { peer, request, reply }).await;
        }
    }

    /// Passes a question on, or says at once why not.
    pub(super) fn ask(
        &self,
        peer: PeerId,
        request: Request,
    ) -> Result<oneshot::Receiver<Response>, ErrorCode> {
        let shelves = self.shelves.read().expect("no panic under the lock");
        let shelf = shelves.get(&request.content()).ok_or(ErrorCode::NotFound)?;
        let (reply, answer) = oneshot::channel();
        let question = Question { peer, request, reply };
        shelf.questions.try_send(question).map_err(|_| ErrorCode::Busy)?;
        Ok(answer)
    }
}
