//! Asking for a name on behalf of this node's user.

use libp2p::PeerId;
use rand::seq::SliceRandom;
use shoal_content::ContentId;
use shoal_wire::query::{FoundClaim, MAX_FIND_PASSES};

use super::finder::{Finder, NameSearch};
use super::visit::reach;
use crate::parts::NodeParts;
use crate::remote::{AskError, ClaimedPeer, claimed};
use crate::target::PeerTarget;

/// Neighbours that are asked.
const MOST_ASKED: usize = 32;

/// Asks peers for contents by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindQuestion {
    /// What the name contains; case does not count. At most 255 bytes. Empty: every name.
    pub name: String,
    /// Whether it has to begin with that.
    pub prefix: bool,
    /// How many connections away peers are asked at most: 1 to 8; what is beyond counts as that.
    pub hops: u8,
    /// Whom to ask; empty: all peers that are connected.
    pub peers: Vec<PeerTarget>,
}

/// A content that peers say has such a name. Nothing of it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundContent {
    /// Its id.
    pub content: ContentId,
    /// Its name, by the rules of a manifest's name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Entries.
    pub files: u32,
    /// Who is said to share it, at most four.
    pub peers: Vec<ClaimedPeer>,
}

/// What peers say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundByPeers {
    /// At most 50.
    pub found: Vec<FoundContent>,
    /// Peers that were asked by this node itself.
    pub asked: usize,
    /// Of them, those that answered in time.
    pub answered: usize,
}

/// Asks, and waits for the answers: a second for each connection that the question goes over, and one more.
///
/// # Errors
/// None of the peers that were named can be reached.
pub(crate) async fn find(
    parts: &NodeParts,
    finder: &Finder,
    question: FindQuestion,
) -> Result<FoundByPeers, AskError> {
    let FindQuestion { name, prefix, hops, peers } = question;
    let passes = hops.clamp(1, MAX_FIND_PASSES + 1) - 1;
    let visits = reach(&parts.control, &peers).await?;
    let asked: Vec<PeerId> = if peers.is_empty() {
        let mut all = parts.connections.answering();
        all.shuffle(&mut rand::rng());
        all.truncate(MOST_ASKED);
        all
    } else {
        visits.iter().map(|visit| visit.peer).collect()
    };
    let count = asked.len();
    let search = NameSearch::new(&name, prefix);
    let (found, answered) = finder.ask(&parts.control, &search, passes, asked).await;
    Ok(FoundByPeers { found: found.into_iter().map(content).collect(), asked: count, answered })
}

fn content(claim: FoundClaim) -> FoundContent {
    let peers = claimed(&claim.peers);
    FoundContent { content: claim.content, name: claim.name, size: claim.size, files: claim.files, peers }
}
