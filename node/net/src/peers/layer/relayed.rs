//! The part of the peer layer that has to do with relays and with this node's own addresses.

use std::io;

use libp2p::core::transport::TransportError;
use libp2p::swarm::{ConnectionId, DialError as SwarmDialError};
use libp2p::{Multiaddr, PeerId, Swarm};

use super::super::PeerEvent;
use super::{PeerLayer, failure};
use crate::behaviour::Behaviour;
use crate::reachability::{OnlyRelayed, carries_data};
use crate::shared_error::SharedError;

impl PeerLayer {
    /// A relay has said how many bytes its circuits let through.
    pub(crate) fn relay_says(&mut self, relay: PeerId, bytes: Option<u64>) {
        self.circuits.relay_says(relay, carries_data(bytes));
    }

    /// This node has got or lost an address at which others reach it.
    pub(crate) fn addresses_changed(&mut self) {
        let subscribers = {
            let mut state = self.peers.state();
            state.book.addresses_changed(self.clock.now());
            state.mailboxes.all()
        };
        subscribers.into_iter().for_each(|id| self.tell(id, PeerEvent::AddressesChanged));
    }

    /// Closes circuits that something better has taken the place of, and those that led to nothing.
    pub(super) fn end_circuits(&mut self, swarm: &mut Swarm<Behaviour>) {
        let now = self.clock.now();
        let close = |swarm: &mut Swarm<Behaviour>, ids: Vec<ConnectionId>| {
            ids.into_iter().for_each(|id| _ = swarm.close_connection(id));
        };
        close(swarm, self.circuits.outdated(now));
        while let Some((vain, circuits)) = self.circuits.in_vain(now) {
            close(swarm, circuits);
            tracing::debug!(peer = %vain.peer, "only a relay without data leads there");
            let error = SharedError::from(only_relayed(vain.address));
            for dial in vain.dials {
                self.peers.state().book.dial_failed(now, dial, failure(&error));
                self.carry_out_after(swarm, Some(error.clone()));
            }
        }
    }
}

/// A dial that led to a relay and no further.
fn only_relayed(address: Multiaddr) -> SwarmDialError {
    SwarmDialError::Transport(vec![(address, TransportError::Other(io::Error::other(OnlyRelayed)))])
}
