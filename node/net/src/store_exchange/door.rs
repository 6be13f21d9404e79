//! Where what peers ask of the store goes.

use std::sync::{Arc, Mutex, PoisonError};

use libp2p::PeerId;
use shoal_wire::query::QueryErrorCode;
use shoal_wire::store::{StoreRequest, StoreResponse};
use tokio::sync::{mpsc, oneshot};

/// Questions that may wait to be looked at.
const WAITING: usize = 64;

/// A question of a peer, with the way back. Dropped without an answer, it is answered "busy".
#[derive(Debug)]
pub struct StoreQuestion {
    /// Who asks.
    pub peer: PeerId,
    /// What.
    pub request: StoreRequest,
    /// Where the answer goes.
    pub reply: oneshot::Sender<StoreResponse>,
}

/// Brings questions to whoever answers them; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoreDoor(Arc<Mutex<Option<mpsc::Sender<StoreQuestion>>>>);

impl StoreDoor {
    /// Whoever calls this last gets all questions.
    pub(crate) fn open(&self) -> mpsc::Receiver<StoreQuestion> {
        let (questions, receiver) = mpsc::channel(WAITING);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(questions);
        receiver
    }

    /// Brings a question there, or says why not.
    pub(super) fn bring(
        &self,
        peer: PeerId,
        request: StoreRequest,
    ) -> Result<oneshot::Receiver<StoreResponse>, QueryErrorCode> {
        let door = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let questions = door.as_ref().ok_or(QueryErrorCode::Unsupported)?;
        let (reply, answer) = oneshot::channel();
        match questions.try_send(StoreQuestion { peer, request, reply }) {
            Ok(()) => Ok(answer),
            Err(mpsc::error::TrySendError::Full(_)) => Err(QueryErrorCode::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(QueryErrorCode::Unsupported),
        }
    }
}
