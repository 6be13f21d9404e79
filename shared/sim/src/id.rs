//! Names of what is simulated.

use libp2p_identity::PeerId;
use shoal_engine::SessionId;

/// Names a virtual peer: its place among all.
pub(crate) type Number = u32;

/// The virtual peer that has a peer id. The inverse of [`numbered_peer`](shoal_engine::numbered_peer).
pub(super) fn number(peer: &PeerId) -> Number {
    let digest = peer.as_ref().digest();
    let bytes = digest.get(4..8).and_then(|b| b.try_into().ok()).unwrap_or_default();
    Number::from_be_bytes(bytes)
}

/// Names a transfer while it lasts; used again afterwards.
pub(super) type TransferId = u32;

/// The session's name at the upload queue of a peer whose neighbour is `other`.
pub(super) fn session(link: u32, other: Number) -> SessionId {
    u64::from(link) << 32 | u64::from(other)
}

/// The link and the neighbour of a session. The inverse of [`session`].
pub(super) fn of_session(session: SessionId) -> (u32, Number) {
    ((session >> 32) as u32, session as Number)
}
