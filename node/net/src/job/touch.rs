//! Getting in touch with peers and staying so: connections, joins, updates, peer exchange.

use std::collections::BTreeSet;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_content::ChunkSet;
use shoal_engine::Input;
use shoal_wire::Have;
use shoal_wire::query::{ErrorCode, Load, PeerAddresses, Request, Response};
use tokio::sync::broadcast::error::RecvError;

use super::super::control::{NetEvent, QueryError};
use super::neighbours::Link;
use super::questions::first_message;
use super::run::{Job, JobEvent, Stage};

/// How often a neighbour is asked for other peers.
pub(super) const EXCHANGE_EVERY: Duration = Duration::from_secs(30);
/// How often the job compares whom it takes for connected with who is.
pub(super) const RECONCILE_EVERY: Duration = Duration::from_secs(20);
/// How long to wait before an update that did not arrive is sent again.
const SAY_AGAIN: Duration = Duration::from_secs(1);

impl Job {
    pub(super) async fn on_net(&mut self, event: Result<NetEvent, RecvError>) {
        let now = self.shared.clock.now();
        match event {
            Ok(NetEvent::Connected { peer, address }) => {
                if let Some(address) = address {
                    self.discovery.book.connected(peer, &address);
                    // Whom this job did not look for is somebody else's, or joins by itself.
                    if !self.discovery.book.addresses(&peer).is_empty() {
                        self.meet(peer);
                    }
                }
            }
            Ok(NetEvent::Disconnected { peer }) => self.on_disconnected(now, peer),
            Ok(NetEvent::Addresses { peer, addresses }) => self.neighbours.set_addresses(peer, addresses),
            // Too slow: find out who is gone. Who is new joins, or is dialled again.
            Err(RecvError::Lagged(_)) => {
                let connected = self.shared.control.connected().await;
                self.reconcile(now, &connected);
            }
            Err(RecvError::Closed) => self.ended = true,
        }
    }

    /// Events, results of dials and questions come by different ways, so a peer may be met after the news
    /// that it is gone. Whoever is not there at the next look is let go of.
    pub(super) fn reconcile_if_due(&mut self, now: Duration) {
        if now < self.reconcile_at {
            return;
        }
        self.reconcile_at = now + RECONCILE_EVERY;
        let control = self.shared.control.clone();
        self.tasks.spawn(async move { JobEvent::Connected(control.connected().await) });
    }

    pub(super) fn reconcile(&mut self, now: Duration, connected: &[PeerId]) {
        let believed = self.neighbours.peers().chain(self.discovery.book.connected_peers());
        let gone: BTreeSet<PeerId> = believed.filter(|peer| !connected.contains(peer)).collect();
        gone.into_iter().for_each(|peer| self.on_disconnected(now, peer));
    }

    pub(super) fn on_disconnected(&mut self, now: Duration, peer: PeerId) {
        self.discovery.book.disconnected(now, &peer);
        self.forget_neighbour(&peer);
        if let Stage::Manifest(fetch) = &mut self.stage {
            fetch.peer_down(now, &peer);
        }
        self.tell_engine(Input::PeerDown { peer });
    }

    /// A peer that may have the content is connected.
    pub(super) fn meet(&mut self, peer: PeerId) {
        let now = self.shared.clock.now();
        if self.discovery.is_point(&peer) {
            return;
        }
        self.neighbours.meet(now, peer);
        if let Stage::Manifest(fetch) = &mut self.stage {
            fetch.peer_up(now, peer);
        }
    }

    pub(super) fn join(&mut self, peer: PeerId) {
        let (have, unsaid) = first_message(self.have());
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return };
        neighbour.link = Link::Busy;
        let mut said = self.have();
        said.difference_with(&unsaid);
        let control = self.shared.control.clone();
        let request = Request::Join { have, content: self.content };
        self.tasks.spawn(async move {
            let start = tokio::time::Instant::now();
            let result = match control.query(peer, request).await {
                Ok(Response::Joined { have, load }) => Ok((have, load)),
                Ok(_) => Err(QueryError::WrongKind),
                Err(error) => Err(error),
            };
            JobEvent::Joined { peer, rtt: start.elapsed(), said, result }
        });
    }

    /// Updates are sent from here on, not before: one that overtook the join would be lost.
    pub(super) fn on_joined(
        &mut self,
        now: Duration,
        peer: PeerId,
        said: &ChunkSet,
        result: Result<(Have, Load), QueryError>,
    ) {
        match result {
            Ok((have, load)) if self.neighbour_has(peer, &have) => {
                if let Some(neighbour) = self.neighbours.get_mut(&peer) {
                    neighbour.load = load;
                }
                let mut unsaid = self.have();
                unsaid.difference_with(said);
                self.neighbours.we_joined(&peer, unsaid);
                self.open_stream(peer);
                self.ask_for_peers(peer);
            }
            Ok(_) => {
                tracing::debug!(%peer, "peer claims chunks that do not exist");
                self.part_with(peer, true);
            }
            Err(QueryError::NotConnected) => self.on_disconnected(now, peer),
            Err(error) => {
                tracing::debug!(%peer, %error, "join failed");
                self.neighbours.postpone(now, &peer);
            }
        }
    }

    /// Takes what a neighbour says that it has. `false` if it named a chunk that does not exist.
    pub(super) fn neighbour_has(&mut self, peer: PeerId, have: &Have) -> bool {
        let Some(chunks) = self.neighbours.has(&peer, have) else { return false };
        self.shared.uploads.gained(self.content, peer, &chunks);
        self.tell_engine(Input::Have { peer, chunks: chunks.into() });
        true
    }

    /// Whoever joined can be asked for chunks too, without joining it in turn.
    pub(super) fn link_back(&mut self, peer: PeerId) {
        if !matches!(self.stage, Stage::Downloading(_)) {
            return;
        }
        if let Some(neighbour) = self.neighbours.get_mut(&peer)
            && matches!(neighbour.link, Link::Met { .. })
        {
            neighbour.link = Link::Busy;
            self.open_stream(peer);
        }
    }

    pub(super) fn open_stream(&mut self, peer: PeerId) {
        if let Stage::Downloading(state) = &self.stage {
            state.streams.open(peer);
        }
    }

    pub(super) fn send_updates(&mut self) {
        while let Some((peer, have)) = self.neighbours.next_update() {
            if self.tell_on_stream(&peer, have.clone()) {
                self.neighbours.update_sent(&peer, None);
                continue;
            }
            let control = self.shared.control.clone();
            let request = Request::Have { have: have.clone(), content: self.content };
            self.tasks.spawn(async move {
                match control.query(peer, request).await {
                    Ok(Response::Ok { .. }) => JobEvent::Said { peer, again: None },
                    // It knows nothing of us, so it does not want to know.
                    Err(QueryError::Refused(ErrorCode::NotFound)) => JobEvent::Said { peer, again: None },
                    _ => {
                        tokio::time::sleep(SAY_AGAIN).await;
                        JobEvent::Said { peer, again: Some(have) }
                    }
                }
            });
        }
    }

    /// Asks one neighbour after the other for further peers.
    pub(super) fn exchange(&mut self, now: Duration) {
        if now < self.exchange_at {
            return;
        }
        let turn = (now.as_secs() / EXCHANGE_EVERY.as_secs()) as usize % self.neighbours.len().max(1);
        self.exchange_at = now + EXCHANGE_EVERY;
        let asked = self.neighbours.peers().nth(turn);
        asked.into_iter().for_each(|peer| self.ask_for_peers(peer));
    }

    pub(super) fn ask_for_peers(&mut self, peer: PeerId) {
        if self.star {
            return;
        }
        let control = self.shared.control.clone();
        let request = Request::Peers { content: self.content };
        self.tasks.spawn(async move {
            match control.query(peer, request).await {
                Ok(Response::Peers { peers }) => JobEvent::Peers { peers },
                _ => JobEvent::Nothing,
            }
        });
    }

    pub(super) fn learn_peers(&mut self, now: Duration, peers: Vec<PeerAddresses>) {
        for told in peers {
            let Ok(peer) = PeerId::from_bytes(&told.id) else { continue };
            let parse = |bytes: serde_bytes::ByteBuf| Multiaddr::try_from(bytes.into_vec()).ok();
            self.discovery.book.add(now, peer, told.addresses.into_iter().filter_map(parse));
        }
    }
}
