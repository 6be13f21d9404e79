//! A connection to a peer for as long as somebody has something to ask it.

use std::time::Duration;

use futures::future::join_all;
use libp2p::{Multiaddr, PeerId};
use shoal_engine::Teller;

use crate::control::Control;
use crate::peers::{DialError, PeerEvent, PeersHandle};
use crate::remote::AskError;
use crate::target::PeerTarget;

/// A peer is connected to within this time; the map's questions have as long for connecting and answering.
pub(super) const PER_PEER: Duration = Duration::from_secs(5);

/// Keeps the connection that a peer was asked on; what it used is given back when this is dropped.
pub(super) struct Visit {
    pub(super) peer: PeerId,
    handle: PeersHandle,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.handle.leave(self.peer);
    }
}

/// Connects to a peer, by what is known of it and by what somebody tells. Dials are bounded by the book of peers.
pub(super) async fn visit(
    control: &Control,
    peer: PeerId,
    told: Option<(PeerId, Vec<Multiaddr>)>,
) -> Result<Visit, AskError> {
    let (handle, mut events) = control.attach_node();
    if let Some((teller, addresses)) = told {
        handle.learn(peer, addresses, Teller::Peer(teller));
    }
    handle.seek(peer);
    while let Some(event) = events.recv().await {
        match event {
            PeerEvent::Connected { .. } => return Ok(Visit { peer, handle }),
            PeerEvent::Unreachable { error, .. } => {
                return Err(error.map_or(DialError::NotDialled, DialError::Failed).into());
            }
            PeerEvent::Disconnected { .. } => break,
            PeerEvent::AddressAnswered { .. }
            | PeerEvent::AddressUnreachable { .. }
            | PeerEvent::AddressesChanged
            | PeerEvent::Lagged { .. } => {}
        }
    }
    Err(AskError::Ended)
}

/// Connects to as many of the peers that the user names as can be reached.
///
/// # Errors
/// None of them can be.
pub(super) async fn reach(control: &Control, peers: &[PeerTarget]) -> Result<Vec<Visit>, AskError> {
    let visits = peers.iter().map(|target| tokio::time::timeout(PER_PEER, visit_named(control, target)));
    let (mut reached, mut error) = (Vec::new(), None);
    for visit in join_all(visits).await {
        match visit.unwrap_or(Err(AskError::Timeout)) {
            Ok(visit) => reached.push(visit),
            Err(failed) => error = Some(failed),
        }
    }
    match error {
        Some(error) if reached.is_empty() => Err(error),
        _ => Ok(reached),
    }
}

/// Connects to a peer that the user names.
async fn visit_named(control: &Control, target: &PeerTarget) -> Result<Visit, AskError> {
    let address = match target {
        PeerTarget::Connected(peer) => return visit(control, *peer, None).await,
        PeerTarget::Address(address) => address,
    };
    let (handle, mut events) = control.attach_node();
    handle.seek_address(address.clone());
    let mut sought = None;
    while let Some(event) = events.recv().await {
        match event {
            PeerEvent::AddressAnswered { peer, .. } => {
                sought = Some(peer);
                handle.seek(peer);
            }
            PeerEvent::Connected { peer } if sought == Some(peer) => {
                return Ok(Visit { peer, handle });
            }
            PeerEvent::AddressUnreachable { error, .. } => return Err(error.into()),
            PeerEvent::Unreachable { error, .. } => {
                return Err(error.map_or(DialError::NotDialled, DialError::Failed).into());
            }
            PeerEvent::Disconnected { .. } => break,
            PeerEvent::Connected { .. } | PeerEvent::AddressesChanged | PeerEvent::Lagged { .. } => {}
        }
    }
    Err(AskError::Ended)
}
