//! What tests share.

use libp2p_identity::PeerId;

/// The `n`th of many different peer ids.
pub(crate) fn peer(n: usize) -> PeerId {
    crate::sim::peer_id(n as u32)
}
