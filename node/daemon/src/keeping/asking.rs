//! Asking other nodes.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_addresses::is_dialable;
use shoal_engine::StoreInput;
use shoal_net::AskError;
use shoal_wire::store::{Presence, SignedWords, StoreHello, StoreRequest, StoreResponse};

use super::keeper::Keeper;
use super::state::State;

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
        let mut state = self.lock();
        let presence = self.presence(&mut state);
        StoreHello {
            free: state.planner.free(),
            rival,
            members: state.some_members(to),
            willing: state.planner.is_willing(),
            presence,
        }
    }

    /// What this process says of itself; signed anew only now and then, since that is the most costly part of a hello.
    fn presence(&self, state: &mut State) -> Presence {
        let now = self.time();
        let lasts = self.settings.planner.members * 2;
        let is_fresh = |it: &&Presence| Duration::from_millis(it.at) + lasts > now;
        if let Some(known) = state.presence.as_ref().filter(is_fresh) {
            return known.clone();
        }
        let presence = Presence::new(&self.identity, self.instance, self.started, now);
        let presence = presence.clone().sign(&self.identity).unwrap_or(presence);
        state.presence = Some(presence.clone());
        presence
    }

    /// A peer has said what it takes, and whom it knows.
    pub(super) fn heard(&self, peer: PeerId, hello: &StoreHello) {
        {
            let mut state = self.lock();
            if !state.is_present(peer, &hello.presence) {
                drop(state);
                return self.tell(StoreInput::Silent(peer));
            }
            state.presences.heard(peer, &hello.presence);
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
        let own = Presence::new(&self.identity, self.instance, self.started, self.time());
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

    /// Asks the DHT for nodes near to what is kept or placed from here, and near to this node. Most of them may have nothing
    /// to do with the store; the planner finds that out by a hello.
    pub(super) async fn search_the_dht(&self) {
        /// Contents that are looked for each time.
        const AT_ONCE: usize = 3;
        let Ok(_only) = self.searching.try_lock() else { return };
        let mut views = self.lock().planner.views(self.now());
        if views.is_empty() && self.settings.planner.donated == 0 {
            return;
        }
        views.sort_by_key(|view| view.holders.len());
        let contents = views.iter().take(AT_ONCE).map(|view| view.content.root_hash().as_bytes().to_vec());
        for key in contents.chain([self.local.to_bytes()]) {
            let found = self.core.node.closest_peers(key).await;
            let found: Vec<_> = found.into_iter().filter(|(peer, _)| *peer != self.local).collect();
            let near: Vec<PeerId> = found.iter().map(|(peer, _)| *peer).collect();
            let now = self.now();
            let mut state = self.lock();
            found.into_iter().for_each(|(peer, addresses)| state.book.learn(peer, addresses));
            state.planner.handle(now, StoreInput::Named(near));
        }
    }

    /// Says to all that are known that this node goes.
    pub(super) async fn say_goodbye(&self) {
        /// Goodbyes take no longer.
        const MOST: Duration = Duration::from_secs(2);
        let all: Vec<PeerId> = self.lock().planner.members().map(|(peer, _)| peer).collect();
        let goodbyes = all.into_iter().map(|peer| async move {
            // Only who is connected; others see it by themselves.
            drop(self.core.node.peer(peer).store(StoreRequest::Bye {}).await);
        });
        drop(tokio::time::timeout(MOST, futures::future::join_all(goodbyes)).await);
    }
}
