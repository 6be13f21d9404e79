//! What the engine's tests share.

use libp2p_identity::PeerId;

/// The `n`th of many different peer ids: an identity multihash around what looks like an Ed25519 key.
pub(crate) fn peer(n: usize) -> PeerId {
    let mut bytes = vec![0, 36, 8, 1, 18, 32];
    bytes.extend_from_slice(&(n as u64).to_be_bytes());
    bytes.resize(38, 0);
    PeerId::from_bytes(&bytes).expect("a well-formed multihash")
}
