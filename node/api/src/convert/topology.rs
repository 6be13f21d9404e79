//! Maps, rings, and what peers find.

use std::collections::BTreeMap;

use libp2p::PeerId;
use shoal_engine::{RingMember, RingSide};
use shoal_net::{FoundContent, MapLink, MapNode, SwarmMap};

use super::claims::peer_load;
use super::node::millis;
use crate::model::{FoundInfo, MapInfo, MapLinkInfo, MapNodeInfo, RingInfo};

/// Who found a content.
pub(crate) const BY_TRACKERS: &str = "trackers";
const BY_PEERS: &str = "peers";

pub(crate) fn map(map: &SwarmMap, ring: &[RingMember], own: &PeerId) -> MapInfo {
    MapInfo {
        nodes: map.nodes.iter().map(|node| map_node(node, own)).collect(),
        links: map.links.iter().map(map_link).collect(),
        ring: ring.iter().map(ring_member).collect(),
        cut: map.cut,
    }
}

fn map_node(node: &MapNode, own: &PeerId) -> MapNodeInfo {
    let said = node.answer.as_ref().and_then(|answer| answer.as_ref().ok());
    let why = node.answer.as_ref().and_then(|answer| answer.as_ref().err());
    let holds = said.and_then(|said| said.holds);
    MapNodeInfo {
        peer: node.peer.to_string(),
        own: node.peer == *own,
        hops: node.hops,
        answer_ms: said.and_then(|said| said.time).map(millis),
        load: said.map(|said| peer_load(&said.load)),
        connections: said.map(|said| said.connections),
        have: holds.map(|(have, _)| have),
        chunks: holds.map(|(_, chunks)| chunks),
        why: why.map(|error| error.to_string()),
    }
}

fn map_link(link: &MapLink) -> MapLinkInfo {
    let said = [("a", link.by_a), ("b", link.by_b)];
    MapLinkInfo {
        a: link.a.to_string(),
        b: link.b.to_string(),
        seen: link.seen,
        said_by: said.iter().filter(|(_, by)| by.is_some()).map(|(end, _)| (*end).to_owned()).collect(),
        round_trip_ms: link.by_a.flatten().into_iter().chain(link.by_b.flatten()).min().map(millis),
    }
}

pub(crate) fn ring_member(member: &RingMember) -> RingInfo {
    RingInfo {
        peer: member.peer.to_string(),
        side: match member.side {
            RingSide::Successor => "successor".into(),
            RingSide::Predecessor => "predecessor".into(),
        },
        rank: member.rank,
        connected: member.connected,
        round_trip_ms: member.rtt.map(millis),
        lost: member.lost,
    }
}

/// What trackers and peers found, by name, then id. What differs in anything that is said of a content is told apart.
pub(crate) fn found_together(trackers: Vec<FoundInfo>, peers: &[FoundContent]) -> Vec<FoundInfo> {
    let key = |it: &FoundInfo| (it.name.clone(), it.content.clone(), it.size, it.files);
    let mut all: BTreeMap<_, FoundInfo> = trackers.into_iter().map(|it| (key(&it), it)).collect();
    for told in peers {
        let addresses = told.peers.iter().flat_map(|it| {
            let full = it.addresses.iter().filter_map(|address| address.clone().with_p2p(it.peer).ok());
            full.map(|address| address.to_string())
        });
        let mut it = FoundInfo {
            name: told.name.clone(),
            size: told.size,
            files: told.files,
            content: told.content.to_string(),
            publishers: 0,
            peers: told.peers.iter().map(|it| it.peer.to_string()).collect(),
            addresses: addresses.collect(),
            told_by: vec![],
        };
        if let Some(known) = all.remove(&key(&it)) {
            it.publishers = known.publishers;
            it.peers.extend(known.peers);
            it.addresses.extend(known.addresses);
            it.told_by = known.told_by;
        }
        it.peers.sort();
        it.peers.dedup();
        it.addresses.sort();
        it.addresses.dedup();
        it.publishers = it.publishers.max(u32::try_from(it.peers.len()).unwrap_or(u32::MAX));
        if !it.told_by.iter().any(|by| by == BY_PEERS) {
            it.told_by.push(BY_PEERS.into());
        }
        all.insert(key(&it), it);
    }
    all.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shoal_content::{ContentId, Hash};
    use shoal_net::ClaimedPeer;

    #[test]
    fn what_trackers_and_peers_say_of_one_content_is_one() {
        let content = ContentId::from_root_hash(Hash::of(b"x"));
        let peer = PeerId::random();
        let by_tracker = FoundInfo {
            name: "films".into(),
            size: 7,
            files: 3,
            content: content.to_string(),
            publishers: 9,
            peers: vec![peer.to_string()],
            addresses: vec![],
            told_by: vec![BY_TRACKERS.into()],
        };
        let place = ClaimedPeer { peer, addresses: vec!["/ip4/192.0.2.1/tcp/1".parse().unwrap()] };
        let told = FoundContent { content, name: "films".into(), size: 7, files: 3, peers: vec![place] };
        let forged = FoundContent { size: 8, ..told.clone() };
        let all = found_together(vec![by_tracker], &[told.clone(), forged, told]);
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!((all[0].publishers, all[0].peers.len()), (9, 1));
        assert_eq!(all[0].addresses, [format!("/ip4/192.0.2.1/tcp/1/p2p/{peer}")]);
        assert_eq!(all[0].told_by, [BY_TRACKERS, BY_PEERS]);
        assert_eq!((all[1].size, all[1].publishers), (8, 1));
    }
}
