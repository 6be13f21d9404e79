//! What kad says, made into what the zone says.

use either::Either;
use libp2p::kad::{self, QueryId, QueryResult};
use libp2p::swarm::{NotifyHandler, THandlerInEvent, ToSwarm};
use shoal_addresses::{told, without_peer};

use super::super::provider_store::ProviderStore;
use super::{Zone, ZoneEvent};

/// Providers of one lookup that are enough; it ends then.
const ENOUGH_PROVIDERS: usize = 40;
impl Zone {
    pub(super) fn take(
        &mut self,
        output: ToSwarm<kad::Event, THandlerInEvent<kad::Behaviour<ProviderStore>>>,
    ) {
        match output {
            ToSwarm::GenerateEvent(event) => self.on_event(event),
            ToSwarm::Dial { opts } => {
                if let Some(peer) = opts.get_peer_id() {
                    let addresses = self.addresses_of(peer);
                    self.say(ZoneEvent::Wanted { peer, addresses });
                }
            }
            ToSwarm::NotifyHandler { peer_id, handler, event } => {
                let connection = match handler {
                    NotifyHandler::One(id) => self.connections.has(&peer_id, id).then_some(id),
                    NotifyHandler::Any => self.connections.any(&peer_id),
                };
                if let Some(id) = connection {
                    let (handler, event) = (NotifyHandler::One(id), Either::Left(event));
                    self.queue.push_back(ToSwarm::NotifyHandler { peer_id, handler, event });
                }
            }
            // Addresses that others name are no concern of the rest of the node.
            _ => {}
        }
    }

    pub(super) fn say(&mut self, event: ZoneEvent) {
        self.queue.push_back(ToSwarm::GenerateEvent(event));
    }

    fn on_event(&mut self, event: kad::Event) {
        match event {
            kad::Event::OutboundQueryProgressed { id, result, step, .. } => {
                self.on_progress(id, result, step.last)
            }
            kad::Event::RoutingUpdated { .. } => self.say(ZoneEvent::Table),
            _ => {}
        }
    }

    fn on_progress(&mut self, query: QueryId, result: QueryResult, last: bool) {
        match result {
            QueryResult::GetProviders(Ok(kad::GetProvidersOk::FoundProviders { key, providers })) => {
                let mut peers = Vec::new();
                for peer in providers.into_iter().take(ENOUGH_PROVIDERS) {
                    if peer != self.local {
                        let mut addresses = self.addresses_of(peer);
                        addresses.extend(self.kad.store_mut().addresses(&key, &peer));
                        peers.push((peer, addresses));
                    }
                }
                if peers.len() >= ENOUGH_PROVIDERS
                    && let Some(mut query) = self.kad.query_mut(&query)
                {
                    query.finish();
                }
                self.say(ZoneEvent::Providers { query, peers });
            }
            QueryResult::GetProviders(_) => self.say(ZoneEvent::Ended { query, well: true, nearest: vec![] }),
            QueryResult::StartProviding(result) => {
                let well = result.is_ok();
                self.say(ZoneEvent::Ended { query, well, nearest: vec![] });
            }
            QueryResult::GetClosestPeers(result) if last => {
                let well = result.is_ok();
                let peers = match result {
                    Ok(found) => found.peers,
                    Err(kad::GetClosestPeersError::Timeout { peers, .. }) => peers,
                };
                let sift = |it: kad::PeerInfo| {
                    let addresses = it.addrs.into_iter().map(without_peer);
                    (it.peer_id, told(addresses, self.heard_from).direct)
                };
                let nearest = peers.into_iter().map(sift).collect();
                self.say(ZoneEvent::Ended { query, well, nearest });
            }
            _ => {}
        }
    }
}
