//! A connection to a peer for as long as somebody has something to ask it.

use libp2p::{Multiaddr, PeerId};
use shoal_engine::Teller;

use crate::control::Control;
use crate::peers::{DialError, PeerEvent, PeersHandle};
use crate::remote::AskError;
use crate::target::PeerTarget;

/// Keeps the connection that a peer was asked on; what it used is given back when this is dropped.
pub(super) struct Visit {
    pub(super) peer: PeerId,
    _handle: PeersHandle,
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
            PeerEvent::Connected { .. } => return Ok(Visit { peer, _handle: handle }),
            PeerEvent::Unreachable { error, .. } => {
                return Err(error.map_or(DialError::NotDialled, DialError::Failed).into());
            }
            PeerEvent::Disconnected { .. } => break,
            PeerEvent::AddressAnswered { .. }
            | PeerEvent::AddressUnreachable { .. }
            | PeerEvent::Lagged { .. } => {}
        }
    }
    Err(AskError::Ended)
}

/// Connects to a peer that the user names.
pub(super) async fn visit_named(control: &Control, target: &PeerTarget) -> Result<Visit, AskError> {
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
                return Ok(Visit { peer, _handle: handle });
            }
            PeerEvent::AddressUnreachable { error, .. } => return Err(error.into()),
            PeerEvent::Unreachable { error, .. } => {
                return Err(error.map_or(DialError::NotDialled, DialError::Failed).into());
            }
            PeerEvent::Disconnected { .. } => break,
            PeerEvent::Connected { .. } | PeerEvent::Lagged { .. } => {}
        }
    }
    Err(AskError::Ended)
}
