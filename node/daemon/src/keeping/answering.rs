//! Answering other nodes.

use std::sync::Arc;

use libp2p::PeerId;
use shoal_content::ContentId;
use shoal_engine::StoreInput;
use shoal_net::{QueryErrorCode, StoreQuestion};
use shoal_wire::query::PeerAddresses;
use shoal_wire::store::{
    CopyState, SignedWords, StoreHello, StoreRecord, StoreRefusal, StoreRequest, StoreResponse,
};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::keeper::Keeper;

impl Keeper {
    /// Answers a question. Returns the answer and where it goes, unless that takes longer and is done in a task.
    pub(super) fn answer(
        self: &Arc<Self>,
        question: StoreQuestion,
        tasks: &mut JoinSet<()>,
    ) -> Option<(oneshot::Sender<StoreResponse>, StoreResponse)> {
        let StoreQuestion { peer, request, reply } = question;
        let answer = match request {
            StoreRequest::Hello(hello) => self.greeted(peer, &hello),
            StoreRequest::Offer { record, holders } => self.offered(peer, record, &holders),
            StoreRequest::Status { state, content } => self.asked_status(peer, content, state),
            StoreRequest::Check { chunk, nonce, content } => {
                if !self.lock().planner.can_prove(&content) {
                    let answer = StoreResponse::Error { code: QueryErrorCode::NotFound };
                    return Some((reply, answer));
                }
                let keeper = self.clone();
                tasks.spawn(async move { drop(reply.send(keeper.prove(content, chunk, nonce).await)) });
                return None;
            }
            StoreRequest::End(end) => {
                if end.signer().is_some() {
                    self.tell(StoreInput::End(end));
                }
                StoreResponse::Ok {}
            }
            StoreRequest::Bye {} => {
                self.tell(StoreInput::Bye(peer));
                StoreResponse::Ok {}
            }
            StoreRequest::Find { name } => StoreResponse::Found { records: self.lock().planner.find(&name) },
        };
        Some((reply, answer))
    }

    fn greeted(&self, peer: PeerId, hello: &StoreHello) -> StoreResponse {
        let rival = {
            let mut state = self.lock();
            if !state.is_present(peer, &hello.presence) {
                return StoreResponse::Error { code: QueryErrorCode::BadRequest };
            }
            state.presences.heard(peer, &hello.presence)
        };
        // Only in an answer it says anything.
        self.heard(peer, &StoreHello { rival: None, ..hello.clone() });
        StoreResponse::Hello(self.own_hello(Some(peer), rival))
    }

    fn offered(&self, peer: PeerId, record: StoreRecord, holders: &[PeerAddresses]) -> StoreResponse {
        let content = record.content;
        if !self.lock().is_signed(&record) {
            return StoreResponse::Offered {
                end: None,
                why: Some(StoreRefusal::Invalid),
                state: CopyState::None,
            };
        }
        let here = self.is_in_place(content);
        let known = self.core.node.addresses_of(vec![peer]);
        let now = self.now();
        let mut state = self.lock();
        known.into_iter().for_each(|(peer, addresses)| state.book.learn(peer, addresses));
        let holders = state.book.learn_all(holders);
        let answer = state.planner.offer_came(now, peer, record, holders, here);
        StoreResponse::Offered { end: answer.end, why: answer.why, state: answer.state }
    }

    fn asked_status(&self, peer: PeerId, content: ContentId, has: CopyState) -> StoreResponse {
        let now = self.now();
        let mut state = self.lock();
        let (own, holders, nearest, records) = state.planner.status_came(now, peer, content, has);
        let (holders, nearest) = (state.addresses(&holders), state.addresses(&nearest));
        StoreResponse::Status { state: own, holders, nearest, records }
    }
}
