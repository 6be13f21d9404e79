//! The behaviours that find peers, put together. Composition only.

use libp2p::PeerId;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;

use super::config::{DhtMode, DiscoveryConfig};
use super::lan::Lan;
use super::zone::{Reach, Zone};
use crate::clock::Clock;

/// See the module above.
#[derive(NetworkBehaviour)]
pub(crate) struct DiscoveryBehaviour {
    pub(super) lan: Toggle<Lan>,
    pub(super) near: Toggle<Zone>,
    pub(super) wide: Toggle<Zone>,
}

impl DiscoveryBehaviour {
    pub(crate) fn new(local: PeerId, clock: Clock, config: &DiscoveryConfig) -> Self {
        let zone =
            |reach| (config.dht != DhtMode::Off).then(|| Zone::new(local, clock, reach, config)).into();
        Self {
            lan: config.mdns.then(|| Lan::new(local)).into(),
            near: zone(Reach::Near),
            wide: zone(Reach::Wide),
        }
    }

    /// The table of a zone, if the node takes part in the DHT.
    pub(super) fn zone(&mut self, reach: Reach) -> Option<&mut Zone> {
        match reach {
            Reach::Near => self.near.as_mut(),
            Reach::Wide => self.wide.as_mut(),
        }
    }

    /// Peers of the DHT that are known.
    pub(super) fn table(&mut self) -> usize {
        Reach::BOTH.into_iter().filter_map(|reach| self.zone(reach).map(|zone| zone.table())).sum()
    }
}
