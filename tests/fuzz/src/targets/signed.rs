//! Words that nodes of the store sign: records, ends, presences.

use std::fmt::Debug;

use libp2p_identity::Keypair;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shoal_wire::store::{Presence, SignedWords, StoreEnd, StoreRecord};

use super::input::Pieces;

/// Which words, at which byte of them something is changed, how; then the words.
pub(super) fn words(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let kind = pieces.byte();
    let change = (usize::from(pieces.short()), pieces.byte());
    match kind % 3 {
        0 => check::<StoreRecord>(pieces.rest(), change, |it, owner| it.owner = owner),
        1 => check::<StoreEnd>(pieces.rest(), change, |it, owner| it.owner = owner),
        _ => check::<Presence>(pieces.rest(), change, |it, owner| it.key = owner),
    }
}

fn check<T>(body: &[u8], (at, with): (usize, u8), own: fn(&mut T, Vec<u8>))
where
    T: SignedWords + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let Ok(mut words) = shoal_cbor::decode_canonical::<T>(body) else { return };
    if let Some(signer) = words.signer() {
        assert_eq!(words.author(), Some(signer));
    }
    let key = Keypair::ed25519_from_bytes([9; 32]).expect("32 bytes are a key");
    own(&mut words, key.public().encode_protobuf());
    let signed = words.sign(&key).expect("an Ed25519 key signs");
    assert_eq!(signed.signer(), Some(key.public().to_peer_id()));
    let mut changed = shoal_cbor::encode(&signed);
    let place = at % changed.len();
    changed[place] ^= with;
    if let Ok(changed) = shoal_cbor::decode::<T>(&changed)
        && changed != signed
    {
        assert_eq!(changed.signer(), None, "changed words still count as signed: {changed:?}");
    }
}
