//! What this node has others keep.

use std::time::Duration;

use shoal_content::ContentId;
use shoal_engine::{StoreInput, StoreView};
use shoal_wire::store::{MAX_COPIES, SignedWords, StoreEnd, StoreRecord, StoreRequest};

use super::keeper::Keeper;
use crate::DaemonError;

/// The longest time that a content may be kept.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// The store, as this node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreStatus {
    /// Bytes given to contents of others.
    pub donated: u64,
    /// Bytes of them that are used.
    pub used: u64,
    /// Members that are known to be there.
    pub members: usize,
    /// Those of them that keep contents for others.
    pub willing: usize,
    /// What is kept here, owned here, or both; by id.
    pub contents: Vec<StoreView>,
}

impl Keeper {
    /// The store, as this node sees it.
    pub(crate) fn overview(&self) -> StoreStatus {
        let now = self.now();
        let state = self.lock();
        StoreStatus {
            donated: self.settings.planner.donated,
            used: state.planner.used(),
            members: state.planner.members().count(),
            willing: state.planner.members().filter(|(_, willing)| *willing).count(),
            contents: state.planner.views(now),
        }
    }

    /// Has other nodes keep a content of the library for a while; again: for longer, or as more copies.
    pub(crate) fn store(&self, content: ContentId, copies: u8, keep: Duration) -> Result<(), DaemonError> {
        let item = self.core.contents.item(content).ok_or(DaemonError::NoSuchContent(content))?;
        let name = item.name.filter(|_| item.complete);
        let name = name
            .ok_or_else(|| DaemonError::Invalid("it is not complete here yet; store it once it is".into()))?;
        if !(1..=MAX_COPIES).contains(&copies) {
            return Err(DaemonError::Invalid(format!("copies are from 1 to {MAX_COPIES}")));
        }
        if keep.as_secs() == 0 || keep > LONGEST {
            return Err(DaemonError::Invalid("it can be kept from a second up to ten years".into()));
        }
        let owner = self.identity.public().encode_protobuf();
        let issued = self.lock().planner.next_issue(self.now(), &content, &owner);
        let expires = (self.time() + keep).max(issued + Duration::from_secs(1));
        let record = StoreRecord::new(&self.identity, content, &name, item.size, copies, [issued, expires]);
        self.tell(StoreInput::Own(signed(record, &self.identity)?));
        Ok(())
    }

    /// Ends what this node wants others to keep.
    pub(crate) async fn end(&self, content: ContentId) -> Result<(), DaemonError> {
        let owned = self.lock().planner.issued(&content, &self.identity.public().encode_protobuf());
        let issued = self.time().as_secs().max(owned.unwrap_or_default());
        let owner = self.identity.public().encode_protobuf();
        let end = StoreEnd { owner, issued, content, signature: vec![] };
        let end = signed(end, &self.identity)?;
        if owned.is_some() {
            self.tell(StoreInput::End(end));
            return Ok(());
        }
        // What was known here of it is gone; others may know.
        let found = self.locate(content).await.ok_or_else(|| {
            DaemonError::Invalid("the store knows nothing of it, or none of its nodes can be reached".into())
        })?;
        for (peer, _) in found.holders {
            drop(self.ask(peer, StoreRequest::End(end.clone())).await);
        }
        Ok(())
    }
}

fn signed<T: SignedWords>(words: T, identity: &libp2p::identity::Keypair) -> Result<T, DaemonError> {
    words.sign(identity).map_err(|error| DaemonError::Invalid(format!("the node's key cannot sign: {error}")))
}
