//! What a node knows of one content: plain figures.

use std::collections::BTreeMap;
use std::time::Duration;

/// What is done for a content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Affairs {
    /// Looking for peers and fetching the manifest.
    #[default]
    Looking,
    /// Looking at what is on disk already.
    Checking {
        /// Bytes looked at so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Fetching chunks.
    Fetching,
    /// Syncing and renaming.
    Placing,
    /// Complete; serving others.
    Serving,
    /// Paused by the user.
    Paused,
    /// Its goal is reached.
    Ended,
    /// Its files are not there; it goes on once they are.
    Waiting {
        /// What is missing.
        path: String,
    },
    /// It has failed.
    Failed {
        /// In words.
        why: String,
    },
}

/// Why a peer could not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DialTrouble {
    /// The machine answers, and nothing listens on the port.
    Refused,
    /// No answer in time.
    TimedOut,
    /// There is no way to that network or machine.
    NoRoute,
    /// The name in the address cannot be looked up.
    NoSuchName,
    /// Somebody else answered than the one that was expected.
    WrongPeer,
    /// Something answered that does not speak the protocols of a peer.
    Handshake,
    /// Only a relay leads to it that carries no data, and no direct way was found.
    OnlyRelayed,
    /// No address of it is known, or none that may be dialled.
    NoAddress,
    /// Anything else.
    Other,
}

/// What came of a tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrackerStanding {
    /// It has not answered yet.
    Asked,
    /// It answered.
    Answered,
    /// It cannot be reached, or does not answer.
    Unreachable,
    /// It answers, and refuses or is of no use.
    Refuses,
}

/// A tracker of a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackerState {
    /// Its address.
    pub address: String,
    /// What came of it.
    pub standing: TrackerStanding,
    /// What it, or the network, said the last time it was of no use; in words.
    pub error: Option<String>,
}

/// Where peers were sought, and what came of that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerSearch {
    /// Addresses that the user or the ticket named.
    pub addresses: usize,
    /// All trackers of the content; a list that the user chose.
    pub trackers: Vec<TrackerState>,
    /// Peers that were ever heard of.
    pub heard_of: usize,
    /// Connections that are being made.
    pub dialling: usize,
    /// Dials that failed, since the content was started.
    pub failed: BTreeMap<DialTrouble, u64>,
    /// What the network said of the last one that failed; in words.
    pub last_failure: Option<String>,
    /// Times that neighbours were asked for further peers.
    pub exchanges: u64,
    /// Where peers are sought without a tracker.
    pub without_tracker: TrackerlessSearch,
}

/// Where peers are sought without a tracker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrackerlessSearch {
    /// Neighbours on the LAN that are known; `None`: the LAN is not asked.
    pub lan: Option<usize>,
    /// Peers of the DHT that are known; `None`: it is not asked.
    pub dht: Option<usize>,
    /// Lookups in the DHT that have ended.
    pub lookups: u64,
}

/// The peers that are connected for a content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NeighbourFigures {
    /// All of them.
    pub connected: usize,
    /// Those that have a chunk that is missing here.
    pub useful: usize,
    /// Useful ones that refused the last request because they are busy, or serve others first.
    pub refusing: usize,
    /// Useful ones that are asked for something and have not sent it.
    pub asked: usize,
    /// Bytes that are asked of them.
    pub asked_bytes: u64,
    /// Useful ones that said when they told of themselves last that they were sending to somebody.
    pub sending: usize,
    /// Bytes that all have asked of the useful ones, as these say.
    pub queued: u64,
    /// Bytes per second that the useful ones send to all, as they say.
    pub told_rate: u64,
    /// Peers that do not know the protocol, or the kind of question, that is needed.
    pub unsupported: usize,
}

/// A bandwidth limit of this node and what of it is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitUse {
    /// Bytes per second; `None`: no limit.
    pub limit: Option<u64>,
    /// Bytes per second of late, of all contents.
    pub rate: u64,
}

/// Why a disk takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskTrouble {
    /// It, or the user's share of it, is full.
    Full,
    /// It cannot be written to.
    ReadOnly,
    /// The user may not write there.
    Denied,
    /// The disk is well: the program, or the system, has too many files open to open another one.
    TooManyOpen,
    /// Anything else.
    Other,
}

/// What the disk does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiskUse {
    /// Why it takes nothing, and what the system says.
    pub blocked: Option<(DiskTrouble, String)>,
    /// Verified or unverified bytes that wait for it.
    pub waiting: u64,
    /// How many bytes may wait.
    pub room: u64,
    /// Since when the write has been going on that has taken longest.
    pub writing_for: Duration,
}

/// Bytes that did not match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WrongBytes {
    /// Chunks.
    pub chunks: u64,
    /// Manifest blocks.
    pub blocks: u64,
}

/// What a node knows of one content at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Situation {
    /// What is done for it.
    pub affairs: Affairs,
    /// How long it has been running.
    pub running_for: Duration,
    /// How long nothing new has come: no byte of a chunk, no manifest block.
    pub idle_for: Duration,
    /// Bytes per second of it that came of late.
    pub rate: u64,
    /// Chunks that are missing; 0 while the manifest is not known.
    pub missing: usize,
    /// Of those, chunks that no connected peer has.
    pub unheld: usize,
    /// Bytes that are missing.
    pub left: u64,
    /// Where peers were sought.
    pub search: PeerSearch,
    /// The peers that are connected.
    pub neighbours: NeighbourFigures,
    /// This node's limit for fetching.
    pub down: LimitUse,
    /// This node's limit for sending.
    pub up: LimitUse,
    /// What the disk does.
    pub disk: DiskUse,
    /// Bytes that did not match.
    pub wrong: WrongBytes,
}
