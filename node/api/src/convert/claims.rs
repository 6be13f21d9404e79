//! What other peers say.

use shoal_net::{ClaimedPeer, ContentClaim, CountersClaim, LoadClaim};

use crate::model::{PeerContentInfo, PeerCountersInfo, PeerLoadInfo, PeerPlaceInfo};

pub(crate) fn peer_load(claim: &LoadClaim) -> PeerLoadInfo {
    PeerLoadInfo {
        uploads: claim.active.into(),
        downloads: claim.fetching.into(),
        queued_bytes: claim.queued,
        queued_requests: claim.waiting.into(),
        rate_up: claim.rate_up,
        rate_down: claim.rate_down,
        upload_slots: claim.slots.into(),
        limit_up: claim.limit_up,
        limit_down: claim.limit_down,
    }
}

pub(crate) fn peer_counters(claim: &CountersClaim) -> PeerCountersInfo {
    PeerCountersInfo {
        uptime: claim.uptime,
        sent: claim.sent,
        received: claim.received,
        duplicate: claim.duplicate,
        chunks_sent: claim.chunks_sent,
        chunks_received: claim.chunks_received,
        chunks_corrupt: claim.corrupt,
        requests_refused: claim.refused,
        connections: claim.connections,
        sent_to_us: claim.to_you,
        received_from_us: claim.from_you,
    }
}

pub(crate) fn peer_place(claimed: &ClaimedPeer) -> PeerPlaceInfo {
    let addresses = claimed.addresses.iter().map(|address| address.to_string()).collect();
    PeerPlaceInfo { peer: claimed.peer.to_string(), addresses }
}

pub(crate) fn peer_content(claim: &ContentClaim) -> PeerContentInfo {
    PeerContentInfo {
        content: claim.content.to_string(),
        name: claim.name.clone(),
        size: claim.size,
        files: claim.files.into(),
        chunks: claim.chunks.into(),
        have: claim.have.into(),
    }
}
