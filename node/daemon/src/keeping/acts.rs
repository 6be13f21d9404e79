//! Carrying out what the planner says: who is asked what, and what is told of the answers.

use std::sync::Arc;

use libp2p::PeerId;
use shoal_content::ContentId;
use shoal_engine::{StoreInput, StoreOutput};
use shoal_net::{AskError, QueryErrorCode};
use shoal_wire::store::{CopyState, SignedWords, StoreRecord, StoreRequest, StoreResponse};
use tokio::task::JoinSet;

use super::keeper::Keeper;

impl Keeper {
    /// Begins to do what the planner says.
    pub(super) fn act(self: &Arc<Self>, output: StoreOutput, tasks: &mut JoinSet<()>) {
        let keeper = self.clone();
        match output {
            StoreOutput::Hello(peer) => drop(tasks.spawn(async move { keeper.hello(peer).await })),
            StoreOutput::Offer { to, record, holders } => {
                drop(tasks.spawn(async move { keeper.offer(to, record, holders).await }));
            }
            StoreOutput::Status { to, content, state } => {
                drop(tasks.spawn(async move { keeper.status(to, content, state).await }));
            }
            StoreOutput::Check { peer, content } => {
                drop(tasks.spawn(async move { keeper.check(peer, content).await }));
            }
            StoreOutput::End { to, end } => {
                // Who cannot be told now hears of it when it speaks of the content.
                drop(tasks.spawn(async move { drop(keeper.ask(to, StoreRequest::End(end)).await) }));
            }
            StoreOutput::Fetch { content, size, from } => {
                drop(tasks.spawn(async move { keeper.fetch(content, size, from).await }));
            }
            StoreOutput::Verify(content) => drop(tasks.spawn(async move { keeper.verify(content).await })),
            StoreOutput::Repair { content, from } => {
                drop(tasks.spawn(async move { keeper.repair(content, from).await }));
            }
            StoreOutput::Remove(content) => drop(tasks.spawn(async move { keeper.remove(content).await })),
            StoreOutput::Save(_) | StoreOutput::SaveEnd(_) | StoreOutput::Left(_) => {
                unreachable!("the loop does those")
            }
        }
    }

    async fn hello(&self, peer: PeerId) {
        let hello = self.own_hello(Some(peer), None);
        match self.ask(peer, StoreRequest::Hello(hello)).await {
            Ok(StoreResponse::Hello(hello)) => self.heard(peer, &hello),
            Err(AskError::Refused(QueryErrorCode::Busy)) => {}
            _ => self.tell(StoreInput::Silent(peer)),
        }
    }

    async fn offer(&self, to: PeerId, record: StoreRecord, holders: Vec<PeerId>) {
        let (content, owner) = (record.content, record.owner.clone());
        let holders = self.lock().addresses(&holders);
        let (state, why) = match self.ask(to, StoreRequest::Offer { record, holders }).await {
            Ok(StoreResponse::Offered { end, why, state }) => {
                let end = end.filter(|end| end.content == content && end.owner == owner);
                let end = end.filter(|end| end.signer().is_some());
                end.into_iter().for_each(|end| self.tell(StoreInput::End(end)));
                (state, why)
            }
            Err(AskError::Refused(_)) => (CopyState::None, None),
            _ => {
                self.tell(StoreInput::Silent(to));
                (CopyState::None, None)
            }
        };
        self.tell(StoreInput::Offered { peer: to, content, state, why });
    }

    async fn status(&self, to: PeerId, content: ContentId, state: CopyState) {
        match self.ask(to, StoreRequest::Status { state, content }).await {
            Ok(StoreResponse::Status { state, holders, nearest, records }) => {
                let (holders, nearest, records) = {
                    let mut known = self.lock();
                    let (holders, nearest) = (known.book.learn_all(&holders), known.book.learn_all(&nearest));
                    let good = |record: &StoreRecord| record.content == content && known.is_signed(record);
                    (holders, nearest, records.into_iter().filter(good).collect())
                };
                self.tell(StoreInput::Status { peer: to, content, state, holders, records });
                self.tell(StoreInput::Named(nearest));
            }
            Err(AskError::Refused(_)) => {}
            _ => self.tell(StoreInput::Silent(to)),
        }
    }
}
