//! What a member is told and what it says.

use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_content::{ChunkIndex, ChunkSet, Hash, Manifest, ManifestError};
use shoal_wire::chunks::ChunkRefusal;
use shoal_wire::query::Load;

use crate::ChunkNews;
use crate::download::RequestId;
use crate::manifest_fetch::BlockFailure;

/// How a member came to know of a peer. Later kinds are trusted more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerSource<P = PeerId> {
    /// This peer told of it.
    Peer(P),
    /// The DHT names it.
    Dht,
    /// It is a neighbour on the LAN; nobody says that it has the content.
    Lan,
    /// It worked the last time; nobody says that it has the content.
    Remembered,
    /// The tracker at this place in the list told of it.
    Tracker(usize),
    /// The user named it.
    User,
}

impl<P> PeerSource<P> {
    /// How far it is trusted; higher is more.
    pub(super) fn trust(&self) -> u8 {
        match self {
            Self::Peer(_) | Self::Dht | Self::Lan | Self::Remembered => 0,
            Self::Tracker(_) => 1,
            Self::User => 2,
        }
    }
}

/// What happened.
#[derive(Debug, Clone)]
pub enum MemberInput<P = PeerId> {
    /// Somebody told of peers that may have the content.
    Found {
        /// Which peers; their addresses are not the member's concern.
        peers: Vec<P>,
        /// How they were found.
        source: PeerSource<P>,
    },
    /// A tracker did what it was asked, or did not.
    Tracker {
        /// Its place in the list of trackers.
        tracker: usize,
        /// What came of it.
        event: TrackerEvent,
    },
    /// Something happened to the connection to a peer.
    Connection {
        /// The peer.
        peer: P,
        /// What.
        event: ConnectionEvent,
    },
    /// A peer said something about the content.
    Neighbour {
        /// The peer.
        peer: P,
        /// What.
        event: NeighbourEvent,
    },
    /// Something happened on the stream on which chunks are asked of a peer.
    Stream {
        /// The peer.
        peer: P,
        /// What.
        event: StreamEvent,
    },
    /// A manifest block came, or did not.
    Block {
        /// The peer that was asked.
        peer: P,
        /// SHA-256 of the block.
        hash: Hash,
        /// Its bytes, unchecked, at most 256 KiB; or why there are none.
        block: Result<Vec<u8>, BlockFailure>,
    },
    /// Something happened to the place where chunks are kept.
    Store(StoreEvent),
    /// This node has got or lost an address at which others reach it.
    AddressesChanged,
    /// Time has passed; see [`Member::next_timeout`](super::Member::next_timeout).
    Timeout,
    /// The member shall leave the swarm. Nothing but its last outputs comes afterwards.
    Stop,
}

impl<P: Copy> MemberInput<P> {
    /// The peer that it is about.
    pub(super) fn peer(&self) -> Option<P> {
        match self {
            Self::Connection { peer, .. }
            | Self::Neighbour { peer, .. }
            | Self::Stream { peer, .. }
            | Self::Block { peer, .. } => Some(*peer),
            Self::Found { .. }
            | Self::Tracker { .. }
            | Self::Store(_)
            | Self::AddressesChanged
            | Self::Timeout
            | Self::Stop => None,
        }
    }
}

/// What a tracker answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackerEvent {
    /// It granted a registration for so long; `None`: it did not.
    Registered(Option<Duration>),
    /// It told what it knows, which comes as [`MemberInput::Found`]; `false`: it did not.
    Discovered(bool),
}

/// What happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionEvent {
    /// A connection that was [sought](MemberOutput::Seek) stands.
    Connected,
    /// A connection that was sought could not be made.
    Unreachable {
        /// Before this time it is of no use to seek it again.
        retry_at: Duration,
    },
    /// The last connection to the peer is gone.
    Disconnected,
}

/// What a peer said.
#[derive(Debug, Clone)]
pub enum NeighbourEvent {
    /// It answered a [`MemberOutput::Join`].
    Joined {
        /// From question to answer.
        rtt: Duration,
        /// What it has; of this content's length.
        have: Arc<ChunkSet>,
        /// How busy it says it is.
        load: Load,
    },
    /// It did not answer a [`MemberOutput::Join`] as it should.
    JoinFailed,
    /// It asked to join. It is answered with [`MemberOutput::Welcome`], or not at all if it is banned.
    JoinedBy {
        /// What it has; empty as long as the manifest is not known here.
        have: Arc<ChunkSet>,
    },
    /// It has got more chunks.
    Has(ChunkNews),
    /// A [`MemberOutput::TellByQuery`] has ended; what did not arrive is told again.
    Told {
        /// The chunks that the peer does not know of.
        lost: Option<Arc<ChunkSet>>,
    },
    /// It asked for a block of the manifest, so it takes part in this content.
    Asked,
    /// It takes no part in this content any more.
    Left,
    /// It named chunks that the content does not have.
    Invalid,
}

/// What happened on a stream.
#[derive(Debug, Clone)]
pub enum StreamEvent {
    /// The stream stands: chunks can be asked for.
    Opened,
    /// The stream could not be opened.
    Failed,
    /// The stream broke; nothing more comes of what was asked on it.
    Lost,
    /// Bytes of chunks came, whether their chunk is whole or not.
    Progress {
        /// How many.
        bytes: u64,
    },
    /// The peer begins to send a chunk.
    Begun {
        /// The request that it answers.
        id: RequestId,
        /// The chunk that was asked for, or the peer's choice.
        chunk: ChunkIndex,
        /// Bytes that all have asked of the peer and that it has not sent, as it says itself.
        queued: u64,
    },
    /// A chunk was verified and stored.
    Stored {
        /// The request that it answers.
        id: RequestId,
        /// Which.
        chunk: ChunkIndex,
        /// The chunks that can be served now and could not be before. That is not always `chunk`: where only some
        /// files are wanted, a part of it may be missing.
        servable: Vec<ChunkIndex>,
    },
    /// A chunk did not match its hash or length.
    Corrupt {
        /// The request that it answers.
        id: RequestId,
        /// Which.
        chunk: ChunkIndex,
    },
    /// The peer refused a request.
    Refused {
        /// Which request.
        id: RequestId,
        /// Why.
        why: ChunkRefusal,
    },
}

/// What happened to the place where chunks are kept.
#[derive(Debug, Clone)]
pub enum StoreEvent {
    /// It is open: after [`MemberOutput::Manifest`], the download can begin.
    Opened {
        /// Length of each chunk, in bytes.
        lengths: Arc<[u32]>,
        /// The chunks that are wanted.
        wanted: ChunkSet,
        /// Those that are stored already.
        stored: ChunkSet,
        /// Those that can be served.
        servable: ChunkSet,
    },
    /// Nothing can be stored for now, for example because the disk is full.
    Blocked,
    /// Chunks can be stored again.
    Unblocked,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberOutput<P = PeerId> {
    /// Register at a tracker, asking for [`TTL`](crate::TTL).
    Register {
        /// Its place in the list of trackers.
        tracker: usize,
    },
    /// Ask a tracker for other members.
    Discover {
        /// Its place in the list of trackers.
        tracker: usize,
    },
    /// End the registration at a tracker.
    Unregister {
        /// Its place in the list of trackers.
        tracker: usize,
    },
    /// Make a connection, or use the one that stands.
    Seek {
        /// The peer.
        peer: P,
    },
    /// This content has no more use for the connection; others may.
    Release {
        /// The peer.
        peer: P,
    },
    /// The peer sent something that no honest peer sends. Close its connections and refuse it from now on.
    Ban {
        /// The peer.
        peer: P,
        /// What it did.
        offence: Offence,
    },
    /// The peer sent a chunk that does not match its hash, after many that did: it may have a bad disk. This content has
    /// no use for the connection; the peer may be sought again after a time that doubles.
    Suspend {
        /// The peer.
        peer: P,
        /// The chunk.
        chunk: ChunkIndex,
    },
    /// Ask a peer to join: tell it what is here, learn what it has.
    Join {
        /// The peer.
        peer: P,
        /// What is here.
        have: Arc<ChunkSet>,
    },
    /// Answer a peer that asked to join.
    Welcome {
        /// The peer.
        peer: P,
        /// What is here.
        have: Arc<ChunkSet>,
    },
    /// Tell peers of chunks on the streams that stand to them.
    Tell {
        /// The peers.
        peers: Vec<P>,
        /// The chunks.
        chunks: Arc<ChunkSet>,
    },
    /// Tell a peer of chunks that has no stream; [`NeighbourEvent::Told`] says what came of it.
    TellByQuery {
        /// The peer.
        peer: P,
        /// The chunks.
        chunks: Arc<ChunkSet>,
    },
    /// Tell a joined peer that this node takes no part any more.
    Leave {
        /// The peer.
        peer: P,
    },
    /// Ask a peer for other members.
    AskForPeers {
        /// The peer.
        peer: P,
    },
    /// Open the stream on which chunks are asked for.
    OpenStream {
        /// The peer.
        peer: P,
    },
    /// No more chunks are asked of a peer, and what was asked of it is taken back.
    CloseStream {
        /// The peer.
        peer: P,
    },
    /// Ask a peer for a manifest block.
    FetchBlock {
        /// The peer.
        peer: P,
        /// SHA-256 of the block.
        hash: Hash,
    },
    /// The manifest is whole and checked. [`StoreEvent::Opened`] is expected next.
    Manifest(Arc<Manifest>),
    /// Ask a peer for a chunk.
    Request {
        /// The peer.
        peer: P,
        /// The request's id.
        id: RequestId,
        /// Which chunk; `None` leaves the choice to the peer.
        chunk: Option<ChunkIndex>,
    },
    /// Take a request back.
    Cancel {
        /// The peer.
        peer: P,
        /// Which request.
        id: RequestId,
    },
    /// For the upload queue: a peer has these chunks, and had not said so before. Without chunks when it has joined.
    PeerHas {
        /// The peer.
        peer: P,
        /// The chunks.
        chunks: ChunkNews,
    },
    /// For the upload queue: a peer is gone that had these chunks.
    PeerGone {
        /// The peer.
        peer: P,
        /// The chunks.
        had: ChunkSet,
    },
    /// So many missing chunks have been out of reach for some time. Told once each time it comes to that.
    Unavailable {
        /// How many.
        chunks: usize,
    },
    /// Every wanted chunk is stored. Comes once.
    Complete,
    /// There is nothing more to hope for. Comes once.
    GiveUp(GiveUp),
}

/// What a banned peer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offence {
    /// It sent bytes that do not match this chunk's hash or length.
    Chunk(ChunkIndex),
    /// It sent a manifest block that does not match its hash.
    Block,
    /// It claims to have chunks that the content does not have.
    Map,
}

/// Why a member gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GiveUp {
    /// Nobody was found, or nobody that was found had anything.
    NoPeers,
    /// The manifest itself is bad; no peer can have a better one.
    Manifest(ManifestError),
}
