//! Which addresses are learned from which source.

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use shoal_addresses::{Scope, leads_somewhere, peer_of, told, without_peer};

use super::output::Teller;

/// Of what somebody tells of a peer, the addresses that may be dialled because of that, without the peer's id.
/// `standing`: where the teller stands. The user may name any address; what the DHT
/// and the LAN brought was judged before it came here.
pub(super) fn learnable(
    peer: &PeerId,
    addresses: impl IntoIterator<Item = Multiaddr>,
    teller: Teller,
    standing: Scope,
) -> Vec<Multiaddr> {
    let addresses = addresses.into_iter().filter(|it| peer_of(it).is_none_or(|named| named == *peer));
    match teller {
        Teller::User | Teller::Dht | Teller::Lan | Teller::Remembered => {
            addresses.filter(leads_somewhere).map(without_peer).collect()
        }
        Teller::Tracker(_) | Teller::Peer(_) => told(addresses.map(without_peer), standing).usable(),
    }
}
