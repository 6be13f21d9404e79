//! What is taken from a tracker's answer, and what is not.

use std::collections::BTreeMap;

use libp2p::{Multiaddr, PeerId};
use shoal_addresses::{Scope, told};
use shoal_wire::query::MAX_PEERS;
use shoal_wire::rendezvous::{Discovered, PeerRecord};

/// A peer that a tracker told of, and where it can be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DiscoveredPeer {
    pub(crate) peer: PeerId,
    pub(crate) addresses: Vec<Multiaddr>,
}

/// Takes what a tracker said that stands at `standing`, within bounds: each peer once, with its newest record.
pub(super) fn read(answer: Discovered, namespace: &str, standing: Scope) -> Vec<DiscoveredPeer> {
    let mut newest: BTreeMap<PeerId, PeerRecord> = BTreeMap::new();
    let here = answer.registrations.iter().filter(|it| &*it.namespace == namespace).take(MAX_PEERS);
    for registered in here {
        match PeerRecord::open(&registered.record) {
            Ok(record) => {
                let older = newest.get(&record.peer).is_some_and(|other| other.sequence >= record.sequence);
                if !older {
                    newest.insert(record.peer, record);
                }
            }
            Err(error) => tracing::debug!(%error, "a tracker told of a peer in vain"),
        }
    }
    let peers = newest.into_values().map(|record| DiscoveredPeer {
        peer: record.peer,
        addresses: told(record.addresses, standing).usable(),
    });
    peers.filter(|it| !it.addresses.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use libp2p::identity::Keypair;
    use shoal_addresses::MAX_ADDRESSES;
    use shoal_wire::rendezvous::{RecordFormat, Registered};

    use super::*;

    const HOME: &str = "/ip4/8.8.8.8/tcp/1";

    fn record(key: &Keypair, sequence: u64, addresses: &[&str], format: RecordFormat) -> Vec<u8> {
        let addresses: Vec<Multiaddr> = addresses.iter().map(|it| it.parse().unwrap()).collect();
        PeerRecord::seal(key, sequence, &addresses, format).unwrap()
    }

    fn answer(records: Vec<Vec<u8>>) -> Discovered {
        let registered =
            |record: Vec<u8>| Registered { namespace: "a".into(), record: record.into(), ttl: u64::MAX };
        Discovered { registrations: records.into_iter().map(registered).collect(), cookie: vec![] }
    }

    #[test]
    fn both_forms_are_taken_and_forgeries_are_left_out() {
        let keys: Vec<_> = (0..3).map(|_| Keypair::generate_ed25519()).collect();
        let mut forged = record(&keys[2], 1, &[HOME], RecordFormat::Standard);
        *forged.last_mut().unwrap() ^= 1;
        let records = vec![
            vec![],
            record(&keys[0], 1, &[HOME], RecordFormat::Standard),
            forged,
            record(&keys[1], 1, &[HOME], RecordFormat::Legacy),
            vec![0xff; 100],
        ];
        let read = read(answer(records), "a", Scope::Public);
        let mut peers: Vec<_> = read.into_iter().map(|it| it.peer).collect();
        peers.sort_unstable();
        let mut expected: Vec<_> = keys[..2].iter().map(|key| key.public().to_peer_id()).collect();
        expected.sort_unstable();
        assert_eq!(peers, expected);
    }

    #[test]
    fn other_namespaces_are_left_out() {
        let one = record(&Keypair::generate_ed25519(), 1, &[HOME], RecordFormat::Standard);
        assert_eq!(read(answer(vec![one.clone()]), "a", Scope::Public).len(), 1);
        assert_eq!(read(answer(vec![one]), "b", Scope::Public), []);
    }

    #[test]
    fn each_peer_is_taken_once_with_its_newest_record() {
        let key = Keypair::generate_ed25519();
        let of = |sequence, home| record(&key, sequence, &[home], RecordFormat::Standard);
        let newest = "/ip4/9.9.9.9/tcp/1";
        let records = vec![of(1, HOME), of(3, newest), of(2, HOME)];
        let peer = key.public().to_peer_id();
        let expected = DiscoveredPeer { peer, addresses: vec![newest.parse().unwrap()] };
        assert_eq!(read(answer(records), "a", Scope::Public), [expected]);
    }

    #[test]
    fn no_more_peers_and_addresses_than_asked_for() {
        let many: Vec<String> = (1..40).map(|port| format!("/ip4/8.8.8.8/tcp/{port}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let records = (0..MAX_PEERS + 10)
            .map(|_| record(&Keypair::generate_ed25519(), 1, &many, RecordFormat::Standard))
            .collect();
        let read = read(answer(records), "a", Scope::Public);
        assert_eq!(read.len(), MAX_PEERS);
        assert!(read.iter().all(|it| it.addresses.len() == MAX_ADDRESSES));
    }

    #[test]
    fn a_tracker_elsewhere_cannot_send_this_node_into_its_own_network() {
        let all = ["/ip4/127.0.0.1/tcp/22", "/ip4/10.0.0.1/tcp/22", HOME, "/ip4/169.254.169.254/tcp/80"];
        let told = |standing| {
            let records = vec![record(&Keypair::generate_ed25519(), 1, &all, RecordFormat::Standard)];
            let read = read(answer(records), "a", standing);
            read[0].addresses.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(Scope::Public), [HOME]);
        assert_eq!(told(Scope::Private), [all[1], HOME]);
        assert_eq!(told(Scope::Loopback), all[..3]);
    }
}
