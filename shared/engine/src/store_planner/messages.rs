//! What a planner is told, and what it says.

use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_content::ContentId;
use shoal_wire::store::{CopyState, StoreEnd, StoreRecord, StoreRefusal};

/// Something that happened. Records and ends are told only after their signatures were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreInput {
    /// These peers were named, by the user, another member or the node's connections.
    Named(Vec<PeerId>),
    /// A peer said how much it takes: it is there.
    Hello {
        /// Which.
        peer: PeerId,
        /// Whether it keeps contents for others.
        willing: bool,
        /// Bytes that it would take more.
        free: u64,
    },
    /// A peer did not answer.
    Silent(PeerId),
    /// A peer goes, and what it had is elsewhere.
    Bye(PeerId),
    /// What became of an offer.
    Offered {
        /// To whom it was made.
        peer: PeerId,
        /// Of which content.
        content: ContentId,
        /// What the peer has of it now.
        state: CopyState,
        /// Why it did not take it.
        why: Option<StoreRefusal>,
    },
    /// A peer told what it has of a content.
    Status {
        /// Which peer.
        peer: PeerId,
        /// Of which content.
        content: ContentId,
        /// What it has.
        state: CopyState,
        /// Who else has it, as it says.
        holders: Vec<PeerId>,
        /// What owners want, as it says.
        records: Vec<StoreRecord>,
    },
    /// A holder was asked to prove that it has a content.
    Checked {
        /// Which peer.
        peer: PeerId,
        /// Which content.
        content: ContentId,
        /// What it answered.
        answer: StoreProof,
    },
    /// A holder could not be asked, because the own copy cannot be read just now.
    Unchecked {
        /// Which peer.
        peer: PeerId,
        /// Which content.
        content: ContentId,
    },
    /// A content that was to be fetched is here and verified.
    Stored(ContentId),
    /// A copy is not here any more, or cannot be fetched.
    Lost(ContentId),
    /// An own copy was read and compared.
    Verified {
        /// Which content.
        content: ContentId,
        /// Whether every byte is right.
        whole: bool,
    },
    /// This node owns a content and has it: it is to be placed, or kept for longer.
    Own(StoreRecord),
    /// An owner ends a content.
    End(StoreEnd),
    /// The node is to go within this time.
    Leave(Duration),
}

/// What came of asking a holder for a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreProof {
    /// The right hash.
    Given,
    /// Another hash.
    Wrong,
    /// It says that it does not have the content.
    Denied,
    /// Nothing, within the time that an answer may take.
    Missing,
    /// It has too much to do just now.
    Busy,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreOutput {
    /// Say hello, and tell what came of it.
    Hello(PeerId),
    /// Offer a content.
    Offer {
        /// To whom.
        to: PeerId,
        /// What its owner wants.
        record: StoreRecord,
        /// Who has it.
        holders: Vec<PeerId>,
    },
    /// Tell a peer what is here of a content, and ask the same.
    Status {
        /// Whom.
        to: PeerId,
        /// Which content.
        content: ContentId,
        /// What is here.
        state: CopyState,
    },
    /// Ask a holder to prove that it has a content.
    Check {
        /// Which peer.
        peer: PeerId,
        /// Which content.
        content: ContentId,
    },
    /// Tell a peer that an owner has ended a content.
    End {
        /// Whom.
        to: PeerId,
        /// What the owner signed.
        end: StoreEnd,
    },
    /// Fetch a content and tell when it is here.
    Fetch {
        /// Which content.
        content: ContentId,
        /// Its size in bytes, which it must have.
        size: u64,
        /// Who has it.
        from: Vec<PeerId>,
    },
    /// Read an own copy and compare it.
    Verify(ContentId),
    /// Fetch again what is wrong of an own copy, and tell when it is whole.
    Repair {
        /// Which content.
        content: ContentId,
        /// Who has it.
        from: Vec<PeerId>,
    },
    /// Remove a copy from the disk.
    Remove(ContentId),
    /// Write down what is known of a content; see `StorePlanner::saved`. If that is nothing, forget it.
    Save(ContentId),
    /// Write down that an owner has ended a content.
    SaveEnd(StoreEnd),
    /// All that could be handed over is.
    Left(StoreFarewell),
}

/// How a node that goes has handed over what it had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreFarewell {
    /// Contents that as many other nodes have as their owners want.
    pub safe: usize,
    /// Contents that others have, but fewer than wanted.
    pub short: usize,
    /// Contents that nobody else has.
    pub alone: usize,
}

/// What is written down of a content.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoreSaved {
    /// What owners want.
    pub records: Vec<StoreRecord>,
    /// Whether it is kept, or being fetched, for the store.
    pub kept: bool,
    /// Whether the copy lies where the user has it, and not in the store's folder.
    pub in_place: bool,
    /// Whether this node owns it.
    pub owned: bool,
    /// Who else has it: the bytes of peer ids.
    pub holders: Vec<serde_bytes::ByteBuf>,
}

/// What is known of a content now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreView {
    /// Which.
    pub content: ContentId,
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// How many nodes shall keep it.
    pub copies: u8,
    /// Until when, since 1970.
    pub expires: Duration,
    /// What is here of it.
    pub state: CopyState,
    /// Whether this node owns it.
    pub owned: bool,
    /// Who wants it to be kept.
    pub owners: Vec<PeerId>,
    /// Who else has it now, the nearest to it first.
    pub holders: Vec<PeerId>,
    /// How many of them have proven that to this node.
    pub proven: usize,
}

/// What is answered to an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOfferAnswer {
    /// What is here of it now.
    pub state: CopyState,
    /// Why it is not taken.
    pub why: Option<StoreRefusal>,
    /// The owner has ended it.
    pub end: Option<StoreEnd>,
}
