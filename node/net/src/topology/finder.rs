//! Answers questions for names, and passes them on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use libp2p::PeerId;
use rand::make_rng;
use shoal_content::fold_case;
use shoal_engine::{FindConfig, FindDecision, FindRelay, FoundSet};
use shoal_wire::query::{
    FindId, FoundClaim, MAX_FIND_RESULTS, PeerAddresses, QueryErrorCode, QueryRequest, QueryResponse,
};
use tokio::time::{Instant, timeout_at};

use crate::clock::Clock;
use crate::control::{Control, WeakControl};
use crate::library::Library;
use crate::neighbours::ConnectionTable;

/// Public contents of this node whose names are looked at.
const MOST_LOOKED_AT: usize = 100_000;

/// What names are looked for.
#[derive(Debug, Clone)]
pub(crate) struct NameSearch {
    /// As it was asked.
    text: String,
    folded: String,
    prefix: bool,
}

impl NameSearch {
    pub(crate) fn new(text: &str, prefix: bool) -> Self {
        Self { text: text.to_owned(), folded: fold_case(text), prefix }
    }

    fn fits(&self, name: &str) -> bool {
        let name = fold_case(name);
        if self.prefix { name.starts_with(&self.folded) } else { name.contains(&self.folded) }
    }

    fn request(&self, id: FindId, hops: u8) -> QueryRequest {
        QueryRequest::Find { id, hops, name: self.text.clone(), prefix: self.prefix }
    }
}

/// See the module. Cheap to clone; it does not keep the node alive.
#[derive(Clone)]
pub(crate) struct Finder {
    clock: Clock,
    local: PeerId,
    library: Arc<Library>,
    connections: ConnectionTable,
    control: WeakControl,
    relay: Arc<Mutex<FindRelay>>,
}

impl Finder {
    pub(crate) fn new(
        clock: Clock,
        local: PeerId,
        library: Arc<Library>,
        connections: ConnectionTable,
        control: WeakControl,
    ) -> Self {
        let relay = Arc::new(Mutex::new(FindRelay::new(FindConfig::default(), make_rng())));
        Self { clock, local, library, connections, control, relay }
    }

    /// Answers a neighbour.
    pub(crate) async fn answer(
        &self,
        asker: PeerId,
        id: FindId,
        hops: u8,
        search: NameSearch,
    ) -> Result<QueryResponse, QueryErrorCode> {
        let neighbours = self.connections.answering();
        let decision = self.relay().asked(self.clock.now(), asker, id, hops, neighbours);
        let control = self.control.upgrade().ok_or(QueryErrorCode::Busy)?;
        let mut found = FoundSet::new();
        match decision {
            FindDecision::Refuse => return Err(QueryErrorCode::Busy),
            FindDecision::Known => {}
            FindDecision::Answer => found.add(self.own(&control, &search).await),
            FindDecision::Pass { to, hops, wait } => {
                let _under_way = UnderWay(self.relay.clone());
                found.add(self.own(&control, &search).await);
                collect(&control, &search.request(id, hops), to, wait, &mut found).await;
            }
        }
        Ok(QueryResponse::Found { found: found.finish() })
    }

    /// Asks these peers, which may ask on so many times. Returns what they say, and how many of them answered.
    pub(super) async fn ask(
        &self,
        control: &Control,
        search: &NameSearch,
        hops: u8,
        peers: Vec<PeerId>,
    ) -> (Vec<FoundClaim>, usize) {
        let id = FindId(rand::random());
        let wait = self.relay().begin(self.clock.now(), id, hops);
        let mut found = FoundSet::new();
        let answered = collect(control, &search.request(id, hops), peers, wait, &mut found).await;
        (found.finish(), answered)
    }

    /// Public contents of this node.
    async fn own(&self, control: &Control, search: &NameSearch) -> Vec<FoundClaim> {
        let all = self.library.public_after(None, MOST_LOOKED_AT);
        let fits = all.into_iter().filter(|(_, store)| search.fits(store.manifest().root().name.as_str()));
        let fits: Vec<_> = fits.take(MAX_FIND_RESULTS).collect();
        if fits.is_empty() {
            return Vec::new();
        }
        let here = PeerAddresses::new(self.local, &control.addresses().await);
        let claim = |(content, store): (_, Arc<dyn shoal_store::ChunkStore>)| {
            let root = store.manifest().root();
            let (name, size, files) = (root.name.as_str().to_owned(), root.size, root.files);
            FoundClaim { name, size, files, peers: vec![here.clone()], content }
        };
        fits.into_iter().map(claim).collect()
    }

    fn relay(&self) -> MutexGuard<'_, FindRelay> {
        self.relay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that is passed on, until this is dropped.
struct UnderWay(Arc<Mutex<FindRelay>>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).finished();
    }
}

/// Asks peers at once, and takes what comes in time. Returns how many have answered.
async fn collect(
    control: &Control,
    request: &QueryRequest,
    to: Vec<PeerId>,
    wait: Duration,
    found: &mut FoundSet,
) -> usize {
    let until = Instant::now() + wait;
    let mut asked: FuturesUnordered<_> =
        to.into_iter().map(|peer| control.query(peer, request.clone())).collect();
    let mut answered = 0;
    // Err: the time is over; whoever has not answered is waited for no longer.
    while let Ok(Some(answer)) = timeout_at(until, asked.next()).await {
        if let Ok(QueryResponse::Found { found: claims }) = answer {
            answered += 1;
            found.add(claims);
        }
    }
    answered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_count() {
        let search = NameSearch::new("FiLm", false);
        assert!(search.fits("old films") && !search.fits("fil m"));
        let search = NameSearch::new("über", true);
        assert!(search.fits("ÜBER.txt") && !search.fits("an über"));
        assert!(NameSearch::new("", true).fits("anything"));
    }
}
