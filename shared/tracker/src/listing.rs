//! Lists of registered peers: the addresses of each, and each host and port once.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::{Multiaddr, Protocol};
use serde_bytes::ByteBuf;

use shoal_addresses::{Scope, tellable};
use shoal_registry::Registry;
use shoal_wire::query::PeerAddresses;
use shoal_wire::tracker::{MAX_LISTED, TrackerErrorCode, TrackerResponse};

/// Lists registered peers: a sample, or with `after` those behind it in the order of their ids. At most `limit`, and at
/// most as many as fit; a `limit` of 0 means as many as fit. Addresses that the asker cannot reach from `standing` are
/// left out.
pub(super) fn list(
    registry: &mut Registry,
    now: Duration,
    standing: Scope,
    addresses_in: fn(&[u8]) -> Vec<Multiaddr>,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<TrackerResponse, TrackerErrorCode> {
    let limit = if limit == 0 { MAX_LISTED } else { limit.min(MAX_LISTED) };
    let mut listings = match after {
        None => registry.sample_peers(now, limit),
        Some([]) => registry.peers_after(now, None, limit),
        Some(after) => {
            let after = PeerId::from_bytes(after).map_err(|_| TrackerErrorCode::BadRequest)?;
            registry.peers_after(now, Some(&after), limit)
        }
    };
    let last = listings.last().filter(|_| after.is_some() && listings.len() == limit);
    let next = last.map(|last| ByteBuf::from(last.peer.to_bytes()));
    listings.sort_by_key(|listing| Reverse(listing.seen));
    let listed = listings.iter().map(|listing| Listed {
        peer: listing.peer,
        addresses: tellable(addresses_in(&listing.record), standing),
    });
    let peers = each_place_once(listed.collect()).into_iter().map(PeerAddresses::from).collect();
    Ok(TrackerResponse::Peers { next, peers, total: registry.peers() as u64 })
}

/// A peer and the addresses of it that may be told.
struct Listed {
    peer: PeerId,
    addresses: Vec<Multiaddr>,
}

/// Leaves out a peer whose hosts and ports are all those of a newer one as well; `newest_first` gives the newest
/// first. Such a peer is a program that was started again under another id, and its older registration has not run
/// out yet.
///
/// Peers of which no address is told stay: nothing says that they are the same.
fn each_place_once(newest_first: Vec<Listed>) -> Vec<Listed> {
    let mut taken: Vec<BTreeSet<String>> = vec![];
    let mut kept = vec![];
    for listed in newest_first {
        let places: BTreeSet<String> = listed.addresses.iter().filter_map(place).collect();
        if !places.is_empty() && taken.iter().any(|others| places.is_subset(others)) {
            continue;
        }
        taken.push(places);
        kept.push(listed);
    }
    kept
}

/// Host, transport and port of an address; none if it leads by way of a relay, which many share.
fn place(address: &Multiaddr) -> Option<String> {
    let relayed = address.iter().any(|part| matches!(part, Protocol::P2pCircuit));
    let mut parts = address.iter();
    let (host, port) = (parts.next()?, parts.next()?);
    (!relayed).then(|| format!("{host}{port}"))
}

impl From<Listed> for PeerAddresses {
    fn from(listed: Listed) -> Self {
        Self::new(listed.peer, &listed.addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::peer;

    fn listed(n: usize, addresses: &[&str]) -> Listed {
        Listed { peer: peer(n), addresses: addresses.iter().map(|a| a.parse().unwrap()).collect() }
    }

    fn kept(all: Vec<Listed>) -> Vec<PeerId> {
        each_place_once(all).into_iter().map(|listed| listed.peer).collect()
    }

    #[test]
    fn the_same_host_and_port_is_one_entry_the_newest() {
        let (a, b) = ("/ip4/8.8.8.8/tcp/1", "/ip4/8.8.8.8/udp/1/quic-v1");
        assert_eq!(kept(vec![listed(1, &[a, b]), listed(2, &[b, a]), listed(3, &[a])]), [peer(1)]);
        let with_peer = format!("{a}/p2p/{}", peer(2));
        assert_eq!(kept(vec![listed(1, &[a]), listed(2, &[&with_peer])]), [peer(1)]);
    }

    #[test]
    fn neighbours_and_guests_of_one_relay_are_several() {
        let (a, b) = ("/ip4/8.8.8.8/tcp/1", "/ip4/8.8.8.8/tcp/2");
        assert_eq!(kept(vec![listed(1, &[a]), listed(2, &[b])]).len(), 2);
        assert_eq!(
            kept(vec![listed(1, &[a]), listed(2, &[a, b])]).len(),
            2,
            "there is more to the other one"
        );
        let relayed = format!("{a}/p2p/{}/p2p-circuit", peer(9));
        assert_eq!(kept(vec![listed(1, &[&relayed]), listed(2, &[&relayed])]).len(), 2);
        assert_eq!(kept(vec![listed(1, &[]), listed(2, &[])]).len(), 2);
    }
}
