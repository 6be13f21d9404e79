//! Asking other nodes.

use libp2p::{Multiaddr, PeerId};
use shoal_addresses::is_dialable;
use shoal_engine::StoreInput;
use shoal_net::AskError;
use shoal_wire::store::{Presence, SignedWords, StoreHello, StoreRequest, StoreResponse};

use super::keeper::{Keeper, clock};

impl Keeper {
    /// Asks a peer: on the connection that stands, or at one of its addresses.
    pub(super) async fn ask(&self, peer: PeerId, request: StoreRequest) -> Result<StoreResponse, AskError> {
        let _one = self.asking.acquire().await.map_err(|_| AskError::Ended)?;
        let node = &self.core.node;
        let mut answer = node.peer(peer).store(request.clone()).await;
        if !matches!(answer, Err(AskError::NotConnected(_))) {
            return answer;
        }
        let known = self.lock().book.of(&peer);
        for address in known {
            let Ok(full) = address.clone().with_p2p(peer) else { continue };
            answer = node.peer(full).store(request.clone()).await;
            if !matches!(answer, Err(AskError::Unreachable(_))) {
                self.lock().book.led_to(peer, &address);
                return answer;
            }
        }
        answer
    }

    /// What this node says of itself; `rival`: another process with the asker's key.
    pub(super) fn own_hello(&self, to: Option<PeerId>, rival: Option<Presence>) -> StoreHello {
        let presence = Presence::new(&self.identity, self.instance, self.started, clock());
        let presence = presence.clone().sign(&self.identity).unwrap_or(presence);
        let state = self.lock();
        StoreHello {
            free: state.planner.free(),
            rival,
            members: state.some_members(to),
            willing: state.planner.is_willing(),
            presence,
        }
    }

    /// A peer has said what it takes, and whom it knows.
    pub(super) fn heard(&self, peer: PeerId, hello: &StoreHello) {
        if hello.presence.signer() != Some(peer) {
            return self.tell(StoreInput::Silent(peer));
        }
        if hello.rival.as_ref().is_some_and(|rival| self.is_outdone_by(rival)) {
            self.rival.cancel();
        }
        let known = self.core.node.addresses_of(vec![peer]);
        let members = {
            let mut state = self.lock();
            known.into_iter().for_each(|(peer, addresses)| state.book.learn(peer, addresses));
            state.book.learn_all(&hello.members)
        };
        self.tell(StoreInput::Hello { peer, willing: hello.willing, free: hello.free });
        self.tell(StoreInput::Named(members));
    }

    /// Whether these are words of another process that has this node's key, started before this one, and was there since.
    fn is_outdone_by(&self, rival: &Presence) -> bool {
        let own = Presence::new(&self.identity, self.instance, self.started, clock());
        own.gives_way_to(rival) && rival.signer() == Some(self.local)
    }

    /// Says hello at an address, whoever is there.
    pub(super) async fn meet_at(&self, address: Multiaddr) {
        if !is_dialable(&address) {
            return;
        }
        let hello = StoreRequest::Hello(self.own_hello(None, None));
        match self.core.node.peer(address.clone()).store(hello).await {
            Ok(StoreResponse::Hello(hello)) => {
                let Some(peer) = hello.presence.signer().filter(|peer| *peer != self.local) else { return };
                self.lock().book.led_to(peer, &shoal_addresses::without_peer(address));
                self.heard(peer, &hello);
            }
            Ok(_) => {}
            Err(error) => tracing::info!(%address, %error, "nobody of the store there"),
        }
    }

    /// Says to all that are known that this node goes.
    pub(super) async fn say_goodbye(&self) {
        /// Goodbyes take no longer.
        const MOST: std::time::Duration = std::time::Duration::from_secs(2);
        let all: Vec<PeerId> = self.lock().planner.members().map(|(peer, _)| peer).collect();
        let goodbyes = all.into_iter().map(|peer| async move {
            // Only who is connected; others see it by themselves.
            drop(self.core.node.peer(peer).store(StoreRequest::Bye {}).await);
        });
        drop(tokio::time::timeout(MOST, futures::future::join_all(goodbyes)).await);
    }
}
