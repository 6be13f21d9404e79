//! The book of the node's peers, shared by the driver and the contents.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_addresses::Prefix;
use shoal_content::ContentId;
use shoal_engine::{PeerBook, PeerBookConfig, Teller};
use tokio::sync::{Notify, mpsc};

use super::mailboxes::Mailboxes;
use super::{PeerEvent, SubscriberId};
use crate::clock::Clock;

/// Events that may wait for a content.
pub(super) const MAILBOX: usize = 256;

/// The peers of a node; cheap to clone.
#[derive(Clone)]
pub(crate) struct SharedPeers(Arc<Shared>);

struct Shared {
    clock: Clock,
    state: Mutex<State>,
    /// Told when the book may have something to say.
    changed: Notify,
}

pub(super) struct State {
    pub(super) book: PeerBook<SubscriberId>,
    pub(super) mailboxes: Mailboxes,
    /// Contents that were ever attached; names them.
    attached: u64,
}

impl SharedPeers {
    /// Starts empty; `local` is this node.
    pub(crate) fn new(clock: Clock, local: PeerId, config: PeerBookConfig) -> Self {
        let book = PeerBook::new(local, config, rand::make_rng());
        let state = State { book, mailboxes: Mailboxes::default(), attached: 0 };
        Self(Arc::new(Shared { clock, state: Mutex::new(state), changed: Notify::new() }))
    }

    /// Lets a content have to do with peers, for as long as it keeps the handle.
    pub(crate) fn attach(&self, content: ContentId) -> (PeersHandle, mpsc::Receiver<PeerEvent>) {
        self.subscribe(Some(content))
    }

    /// The same for the node itself.
    pub(crate) fn attach_node(&self) -> (PeersHandle, mpsc::Receiver<PeerEvent>) {
        self.subscribe(None)
    }

    fn subscribe(&self, content: Option<ContentId>) -> (PeersHandle, mpsc::Receiver<PeerEvent>) {
        let (events, mailbox) = mpsc::channel(MAILBOX);
        let mut state = self.state();
        let id = SubscriberId(state.attached);
        state.attached += 1;
        state.mailboxes.add(id, content, events);
        (PeersHandle { id, peers: self.clone() }, mailbox)
    }

    /// Where peers can be found, as far as others may be told: addresses that led there, or that the peer itself
    /// said. Peers of which there is nothing to tell are left out.
    pub(crate) fn addresses_of(&self, peers: Vec<PeerId>) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let state = self.state();
        let known = peers.into_iter().map(|peer| (peer, state.book.addresses_of(&peer)));
        known.filter(|(_, addresses)| !addresses.is_empty()).collect()
    }

    /// The contents that use or seek a peer, by id.
    pub(crate) fn contents_with(&self, peer: &PeerId) -> Vec<ContentId> {
        let state = self.state();
        let mut contents: Vec<_> =
            state.book.contents_with(peer).filter_map(|id| state.mailboxes.content(id)).collect();
        contents.sort_unstable();
        contents
    }

    /// The public network in which each connected peer stands; `None` for those in a private one.
    pub(crate) fn networks_of(&self, peers: &[PeerId]) -> Vec<Option<Prefix>> {
        let state = self.state();
        peers.iter().map(|peer| state.book.network_of(peer)).collect()
    }

    /// Pairs of a content, or the node, and a peer that is sought or used.
    #[cfg(test)]
    pub(crate) fn sought(&self) -> usize {
        self.state().book.uses()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a content has changed something. Cancel-safe.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    fn change(&self, act: impl FnOnce(Duration, &mut State)) {
        act(self.0.clock.now(), &mut self.state());
        self.0.changed.notify_one();
    }
}

/// A content's way to the peers of its node. Dropping it gives everything back that the content used.
pub(crate) struct PeersHandle {
    id: SubscriberId,
    peers: SharedPeers,
}

impl PeersHandle {
    /// Makes a connection, or uses the one that stands. Answered by [`PeerEvent::Connected`] or
    /// [`PeerEvent::Unreachable`].
    pub(crate) fn seek(&self, peer: PeerId) {
        self.peers.change(|now, state| state.book.seek(now, self.id, peer));
    }

    /// Uses the connection that stands, and makes none. If none does: [`PeerEvent::Disconnected`].
    pub(crate) fn hold(&self, peer: PeerId) {
        self.peers.change(|_, state| state.book.hold(self.id, peer));
    }

    /// This content has no more use for the peer. Others may have.
    pub(crate) fn release(&self, peer: PeerId) {
        self.peers.change(|now, state| state.book.release(now, self.id, peer));
    }

    /// The same, of a peer that was only to be asked something: the connection ends at once if nobody else has used it.
    pub(crate) fn leave(&self, peer: PeerId) {
        self.peers.change(|now, state| state.book.leave(now, self.id, peer));
    }

    /// Looks for the peer at an address that the user named: until one answers, or at once if the address names it.
    /// Answered by [`PeerEvent::AddressAnswered`].
    pub(crate) fn seek_address(&self, address: Multiaddr) {
        self.peers.change(|now, state| state.book.name_address(now, self.id, address));
    }

    /// Ends all that the node has to do with a peer, for all contents.
    pub(crate) fn ban(&self, peer: PeerId) {
        self.peers.change(|_, state| state.book.ban(peer));
    }

    /// Lets the node know where peers are, as somebody told. Addresses that the teller may not name are left out.
    pub(crate) fn learn(&self, peer: PeerId, addresses: Vec<Multiaddr>, teller: Teller) {
        self.peers.change(|now, state| state.book.learn(now, peer, addresses, teller));
    }
}

impl Drop for PeersHandle {
    fn drop(&mut self) {
        self.peers.change(|now, state| {
            state.book.forget_content(now, self.id);
            state.mailboxes.remove(self.id);
        });
    }
}
