//! What was found.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// What holds a content back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The user paused it.
    Paused,
    /// Its goal of serving is reached.
    Ended,
    /// It has failed.
    Failed,
    /// Its files are not there; a disk may not be mounted.
    WaitingForMount,
    /// The disk is full.
    DiskFull,
    /// The disk, or the folder, cannot be written to.
    DiskReadOnly,
    /// Too many files and connections are open, so that no file can be opened to write to.
    TooManyOpenFiles,
    /// The disk takes nothing for another reason.
    DiskFails,
    /// The disk takes bytes more slowly than they come.
    DiskSlow,
    /// Peers sent bytes that do not match.
    VerificationFailures,
    /// Peers are known, and none can be reached.
    PeersUnreachable,
    /// Peers are behind routers that let nobody through, and their relay carries no data.
    OnlyRelayed,
    /// The peers that were reached are too old for what is asked.
    VersionTooOld,
    /// There is no tracker and no address to begin with.
    NoSource,
    /// A tracker cannot be reached.
    TrackerUnreachable,
    /// A tracker refuses.
    TrackerRefuses,
    /// All that were asked know no peer that has it.
    NoPeersFound,
    /// No connected peer has some chunk.
    ChunkNobodyHas,
    /// Every peer that has something is busy with others.
    AllBusy,
    /// Peers were asked and send nothing.
    PeersSilent,
    /// This node's own limit.
    OwnLimit,
    /// The peers' lines or limits.
    PeersLimit,
    /// It is still looking for peers; that is normal.
    StillLooking,
    /// It is still looking at what is on disk; that is normal.
    StillChecking,
    /// It is being put into its final place; that is normal.
    StillPlacing,
    /// Nothing.
    Nothing,
}

/// What a figure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// What is missing or used on this machine.
    Path,
    /// Why it failed, as it said.
    Reason,
    /// Bytes looked at.
    Checked,
    /// Bytes to look at.
    ToCheck,
    /// What the system said.
    SystemSays,
    /// Bytes that wait for the disk.
    WaitingForDisk,
    /// How long a write has been going on.
    WritingFor,
    /// Wrong chunks.
    WrongChunks,
    /// Wrong manifest blocks.
    WrongBlocks,
    /// Addresses that were named.
    AddressesTried,
    /// Peers that were heard of.
    PeersHeardOf,
    /// Connections being made.
    Dialling,
    /// Dials that were refused by the machine.
    DialsRefused,
    /// Dials without an answer.
    DialsTimedOut,
    /// Dials for which there was no way.
    DialsNoRoute,
    /// Dials whose name was not found.
    DialsNoSuchName,
    /// Dials answered by another peer.
    DialsWrongPeer,
    /// Dials answered by something that is no peer.
    DialsHandshake,
    /// Peers that only a relay leads to which carries no data.
    DialsOnlyRelayed,
    /// Peers without an address.
    DialsNoAddress,
    /// Dials that failed otherwise.
    DialsFailed,
    /// What the network said last.
    LastFailure,
    /// A tracker and what it said.
    Tracker,
    /// Trackers that answered.
    TrackersAnswered,
    /// Trackers that have not answered yet.
    TrackersAsked,
    /// Times that peers were asked for peers.
    Exchanges,
    /// Neighbours on the LAN.
    LanPeers,
    /// Peers of the DHT.
    DhtPeers,
    /// Lookups in the DHT that have ended.
    DhtLookups,
    /// Connected peers.
    PeersConnected,
    /// Connected peers that have something that is missing.
    PeersUseful,
    /// Useful peers that refused.
    PeersRefusing,
    /// Useful peers that say that they are sending to somebody.
    PeersSending,
    /// Peers that are asked for something.
    PeersAsked,
    /// Bytes that are asked of peers.
    AskedBytes,
    /// Bytes that everybody asks of those peers.
    TheirQueue,
    /// What those peers send to everybody.
    TheirRate,
    /// Peers that do not know what is asked.
    PeersTooOld,
    /// Missing chunks.
    ChunksMissing,
    /// Missing chunks that no connected peer has.
    ChunksUnheld,
    /// A limit of this node.
    Limit,
    /// What comes, or goes.
    Rate,
    /// What is missing.
    Left,
    /// How long nothing has come.
    Idle,
}

/// How much, or what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Figure {
    /// So many.
    Count(u64),
    /// Bytes.
    Bytes(u64),
    /// Bytes per second.
    Rate(u64),
    /// A time.
    Time(Duration),
    /// Words from elsewhere; whoever shows them escapes them.
    Text(String),
}

impl Serialize for Figure {
    /// As a number (times in seconds) or a text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(n) | Self::Bytes(n) | Self::Rate(n) => serializer.serialize_u64(*n),
            Self::Time(time) => serializer.serialize_f64(time.as_secs_f64()),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

/// A figure that speaks for a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is about.
    pub measure: Measure,
    /// How much, or what.
    pub figure: Figure,
}

impl Fact {
    pub(super) fn count(measure: Measure, count: usize) -> Self {
        Self { measure, figure: Figure::Count(count as u64) }
    }

    pub(super) fn bytes(measure: Measure, bytes: u64) -> Self {
        Self { measure, figure: Figure::Bytes(bytes) }
    }

    pub(super) fn rate(measure: Measure, rate: u64) -> Self {
        Self { measure, figure: Figure::Rate(rate) }
    }

    pub(super) fn time(measure: Measure, time: Duration) -> Self {
        Self { measure, figure: Figure::Time(time) }
    }

    pub(super) fn text(measure: Measure, text: &str) -> Self {
        Self { measure, figure: Figure::Text(text.to_owned()) }
    }
}

/// A cause and what speaks for it. Its [`what`](Self::what), [`because`](Self::because) and
/// [`advice`](Self::advice) are sentences for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What holds the content back.
    pub cause: Cause,
    /// The figures; may be none.
    pub evidence: Vec<Fact>,
}

impl Finding {
    pub(super) fn new(cause: Cause, evidence: impl IntoIterator<Item = Fact>) -> Self {
        Self { cause, evidence: evidence.into_iter().collect() }
    }

    pub(super) fn bare(cause: Cause) -> Self {
        Self::new(cause, [])
    }
}
