//! The mailboxes of the contents that are attached.

use std::collections::BTreeMap;

use libp2p::PeerId;
use shoal_content::ContentId;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::{PeerEvent, SubscriberId};

/// A mailbox that is full; there is room again once this can be sent to.
pub(super) type Full = (SubscriberId, mpsc::Sender<PeerEvent>);
/// Room for one event.
pub(super) type Room = mpsc::OwnedPermit<PeerEvent>;

struct Mailbox {
    /// None: it is of the node itself.
    content: Option<ContentId>,
    events: mpsc::Sender<PeerEvent>,
    /// It was full; nothing is put into it until its content has been told so.
    lagging: bool,
}

/// All of them.
#[derive(Default)]
pub(super) struct Mailboxes(BTreeMap<SubscriberId, Mailbox>);

impl Mailboxes {
    pub(super) fn add(
        &mut self,
        id: SubscriberId,
        content: Option<ContentId>,
        events: mpsc::Sender<PeerEvent>,
    ) {
        self.0.insert(id, Mailbox { content, events, lagging: false });
    }

    pub(super) fn remove(&mut self, id: SubscriberId) {
        self.0.remove(&id);
    }

    /// Who has one.
    pub(super) fn all(&self) -> Vec<SubscriberId> {
        self.0.keys().copied().collect()
    }

    pub(super) fn content(&self, id: SubscriberId) -> Option<ContentId> {
        self.0.get(&id)?.content
    }

    /// Puts an event into a mailbox. If it was lost, and none before it: the mailbox, to wait for room in it.
    #[must_use]
    pub(super) fn tell(&mut self, id: SubscriberId, event: PeerEvent) -> Option<Full> {
        let mailbox = self.0.get_mut(&id).filter(|mailbox| !mailbox.lagging)?;
        tracing::trace!(content = ?mailbox.content, ?event, "peer event");
        let Err(TrySendError::Full(_)) = mailbox.events.try_send(event) else { return None };
        tracing::debug!(content = ?mailbox.content, "a content lags behind its peers");
        mailbox.lagging = true;
        Some((id, mailbox.events.clone()))
    }

    /// Tells the content of a mailbox that events were lost.
    pub(super) fn caught_up(&mut self, id: SubscriberId, room: Room, connected: Vec<PeerId>) {
        if let Some(mailbox) = self.0.get_mut(&id) {
            mailbox.lagging = false;
            room.send(PeerEvent::Lagged { connected });
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
