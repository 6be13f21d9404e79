//! The store.

use shoal_daemon::{StoreFound, StoreStatus};
use shoal_engine::StoreView;
use shoal_wire::store::CopyState;

use crate::model::{StoreFoundInfo, StoreHolderInfo, StoreInfo, StoredInfo};

pub(crate) fn store(status: &StoreStatus) -> StoreInfo {
    StoreInfo {
        donated: status.donated,
        used: status.used,
        members: status.members,
        willing: status.willing,
        contents: status.contents.iter().map(stored).collect(),
    }
}

pub(crate) fn stored(view: &StoreView) -> StoredInfo {
    StoredInfo {
        content: view.content.to_string(),
        name: view.name.clone(),
        size: view.size,
        copies: view.copies,
        expires: view.expires.as_secs(),
        state: state(view.state).to_owned(),
        owned: view.owned,
        owners: view.owners.iter().map(ToString::to_string).collect(),
        holders: view.holders.iter().map(ToString::to_string).collect(),
        proven: view.proven,
    }
}

fn state(state: CopyState) -> &'static str {
    match state {
        CopyState::None | CopyState::Ended => "none",
        CopyState::Fetching => "fetching",
        CopyState::Held => "held",
        CopyState::Leaving => "leaving",
    }
}

pub(crate) fn store_found(found: StoreFound) -> StoreFoundInfo {
    let holders = found.holders.into_iter().map(|(peer, addresses)| StoreHolderInfo {
        peer: peer.to_string(),
        addresses: addresses
            .into_iter()
            .filter_map(|address| address.with_p2p(peer).ok())
            .map(|address| address.to_string())
            .collect(),
    });
    StoreFoundInfo {
        content: found.content.to_string(),
        name: found.name,
        size: found.size,
        holders: holders.collect(),
    }
}
