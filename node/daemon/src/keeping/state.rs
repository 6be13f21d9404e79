//! What a keeper knows, behind its lock.

use libp2p::PeerId;
use rand::seq::SliceRandom;
use shoal_engine::StorePlanner;
use shoal_wire::query::PeerAddresses;
use shoal_wire::store::{MAX_LISTED, Presence, SignedWords, StoreEnd, StoreRecord};

use super::book::AddressBook;
use super::presences::Presences;

/// What a keeper knows.
pub(super) struct State {
    pub(super) planner: StorePlanner,
    pub(super) book: AddressBook,
    pub(super) presences: Presences,
    /// What this node said last of itself, signed.
    pub(super) presence: Option<Presence>,
    /// Ends that were signed, to be written down.
    pub(super) ends: Vec<StoreEnd>,
}

impl State {
    /// Where some peers are, for a message.
    pub(super) fn addresses(&self, peers: &[PeerId]) -> Vec<PeerAddresses> {
        let of = |peer: &PeerId| {
            let known = self.book.of(peer);
            (!known.is_empty()).then(|| PeerAddresses::new(*peer, &known))
        };
        peers.iter().filter_map(of).take(MAX_LISTED).collect()
    }

    /// Whether the signature of a record is right. One that is known was checked before.
    pub(super) fn is_signed(&self, record: &StoreRecord) -> bool {
        self.planner.has_record(record) || record.signer().is_some()
    }

    /// Whether a presence is a peer's own.
    pub(super) fn is_present(&self, peer: PeerId, presence: &Presence) -> bool {
        self.presences.knows(&peer, presence) || presence.signer() == Some(peer)
    }

    /// Some of the members that take contents, others each time, but not who asks.
    pub(super) fn some_members(&self, asker: Option<PeerId>) -> Vec<PeerAddresses> {
        let willing = self.planner.members().filter(|(peer, willing)| *willing && Some(*peer) != asker);
        let mut peers: Vec<PeerId> = willing.map(|(peer, _)| peer).collect();
        peers.shuffle(&mut rand::rng());
        self.addresses(&peers)
    }
}
