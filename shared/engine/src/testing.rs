//! What tests share.

use libp2p_identity::PeerId;

use super::numbered_peer;

/// The `n`th of many different peer ids.
pub(crate) fn peer(n: usize) -> PeerId {
    numbered_peer(n as u32)
}
