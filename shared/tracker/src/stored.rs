//! What is worth writing down, so that it outlives the program.

use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::PeerId;

use shoal_addresses::Prefix;
use shoal_content::{ContentId, Hash};
use shoal_wire::tracker::IndexEntry;

/// A change to be stored by the caller. The same thing may be put again; that replaces the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceChange {
    /// A payload came, or is kept longer.
    PutPayload(StoredPayload),
    /// A payload's time ran out.
    DropPayload(Hash),
    /// A peer publishes a content, or for longer. There is one for each peer and content.
    PutEntry(StoredEntry),
    /// It does not any more.
    DropEntry {
        /// The peer that published it.
        peer: PeerId,
        /// The content.
        content: ContentId,
    },
}

/// A payload, and whose quota it counts against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPayload {
    /// Its SHA-256.
    pub id: Hash,
    /// The payload.
    pub bytes: Arc<[u8]>,
    /// The peer that put it first.
    pub peer: PeerId,
    /// The network that this peer put it from.
    pub prefix: Option<Prefix>,
    /// How long it is kept from now on.
    pub left: Duration,
}

/// A published entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// The peer that publishes it.
    pub peer: PeerId,
    /// The entry.
    pub entry: IndexEntry,
    /// How long it is kept from now on.
    pub left: Duration,
}

/// Until when something is kept, and until when that was when it was last written down.
///
/// Renewals come every minute; each would be a write. So the later time is written only if the one on disk
/// has fallen behind by more than some slack, and that is how much of it a restart may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetime {
    pub(super) expires: Duration,
    written: Duration,
}

impl Lifetime {
    /// Of something that is written down now.
    pub(super) fn new(expires: Duration) -> Self {
        Self { expires, written: expires }
    }

    /// Makes it last for `ttl` from now; returns whether to write that down.
    pub(super) fn renew(&mut self, now: Duration, ttl: Duration, slack: Duration) -> bool {
        self.expires = now.saturating_add(ttl);
        let due = self.expires.saturating_sub(self.written) > slack;
        if due {
            self.written = self.expires;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewal_is_written_once_the_time_on_disk_has_fallen_behind() {
        let secs = Duration::from_secs;
        let mut life = Lifetime::new(secs(100));
        let written: Vec<u64> =
            (1..20).map(|n| n * 10).filter(|at| life.renew(secs(*at), secs(100), secs(50))).collect();
        assert_eq!(written, [60, 120, 180]);
        assert_eq!(life.expires, secs(290));
    }
}
