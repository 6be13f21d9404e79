//! Peers that worked are written down now and then, and are what the node begins with at the next start.

use std::sync::Arc;
use std::time::Duration;

use shoal_engine::RememberedPeer;

use crate::core::Core;
use crate::library::{Change, KnownPeer};

/// How long after the start they are written down first; whoever is killed before that begins with those of before.
const FIRST: Duration = Duration::from_secs(20);
/// How often they are written down after that.
const EVERY: Duration = Duration::from_secs(300);

/// Writes down peers that worked until the daemon ends.
pub(crate) async fn run(core: Arc<Core>) {
    let mut pause = FIRST;
    loop {
        tokio::select! {
            () = core.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = EVERY,
        }
        if let Some(change) = change(&core)
            && let Err(error) = core.library.commit(vec![change]).await
        {
            tracing::debug!(%error, "peers that worked are not written down");
        }
    }
}

/// What is to be written down now, if there is anything.
pub(crate) fn change(core: &Core) -> Option<Change> {
    let peers: Vec<_> = core.node.remembered().iter().map(written).collect();
    (!peers.is_empty()).then_some(Change::Peers(peers))
}

fn written(it: &RememberedPeer) -> KnownPeer {
    let (peer, addresses) = (it.peer.to_string(), it.addresses.clone());
    KnownPeer { peer, addresses, useful: it.useful, met: it.met.as_secs() }
}

/// Those that were written down.
pub(crate) fn recall(peers: Vec<KnownPeer>) -> Vec<RememberedPeer> {
    let read = |it: KnownPeer| {
        let met = Duration::from_secs(it.met);
        Some(RememberedPeer { peer: it.peer.parse().ok()?, addresses: it.addresses, useful: it.useful, met })
    };
    peers.into_iter().filter_map(read).collect()
}
