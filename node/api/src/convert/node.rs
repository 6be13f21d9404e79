//! What the node counts, and its peers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shoal_daemon::Limits;
use shoal_net::{DhtStatus, Exchanged, Neighbour, NodeCounters, NodeLoad};

use super::limits::limits_info;
use crate::model::{CountersInfo, LoadInfo, NeighbourInfo, PeerBytesInfo, TrackerlessInfo};

/// Peers in the counters; the list of connected peers has the others.
const PEERS: usize = 100;

pub(crate) fn counters(counters: &NodeCounters) -> CountersInfo {
    let total = counters.traffic.total;
    let bytes = |exchanged: &Exchanged| exchanged.sent.saturating_add(exchanged.received);
    let mut peers: Vec<_> = counters.traffic.peers.iter().collect();
    peers.sort_by_key(|(_, exchanged)| std::cmp::Reverse(bytes(exchanged)));
    let peer = |(peer, it): (&libp2p::PeerId, &Exchanged)| PeerBytesInfo {
        peer: peer.to_string(),
        received: it.received,
        duplicate: it.duplicate,
        sent: it.sent,
    };
    CountersInfo {
        uptime: counters.uptime.as_secs(),
        sent: total.sent,
        received: total.received,
        duplicate: total.duplicate,
        chunks_sent: total.chunks_sent,
        chunks_received: total.chunks_received,
        chunks_corrupt: total.chunks_corrupt,
        chunks_duplicate: total.chunks_duplicate,
        requests_refused: total.requests_refused,
        questions_answered: counters.questions_answered,
        questions_refused: counters.questions_refused,
        connections: counters.connections as u64,
        connections_ever: counters.connections_ever,
        peers: peers.into_iter().take(PEERS).map(peer).collect(),
    }
}

/// How peers are found without a tracker.
pub(crate) fn without_tracker(status: DhtStatus) -> TrackerlessInfo {
    TrackerlessInfo {
        dht: status.role.name().into(),
        dht_peers: status.near_peers + status.wide_peers,
        own_records: status.own_records,
        other_records: status.other_records,
        lan_peers: status.lan_peers,
    }
}

/// The load, with the limits as the daemon has them.
pub(crate) fn load(load: &NodeLoad, limits: (Limits, bool)) -> LoadInfo {
    LoadInfo {
        uploads: load.uploads as u64,
        downloads: load.downloads as u64,
        queued_bytes: load.queued_bytes,
        queued_requests: load.queued_requests as u64,
        rate_up: load.rate_up,
        rate_down: load.rate_down,
        upload_slots: load.upload_slots as u64,
        limits: limits_info(limits),
    }
}

/// A connected peer, as seen at some time.
pub(crate) fn neighbour(neighbour: &Neighbour, now: SystemTime) -> NeighbourInfo {
    let since = now.checked_sub(neighbour.connected).and_then(|since| since.duration_since(UNIX_EPOCH).ok());
    NeighbourInfo {
        peer: neighbour.peer.to_string(),
        address: neighbour.address.to_string(),
        transport: neighbour.transport.name().into(),
        inbound: !neighbour.outbound,
        since: since.unwrap_or_default().as_secs(),
        round_trip_ms: neighbour.rtt.map(millis),
        agent: neighbour.agent.clone(),
        contents: neighbour.contents.iter().map(|content| content.to_string()).collect(),
        received: neighbour.exchanged.received,
        sent: neighbour.exchanged.sent,
    }
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
