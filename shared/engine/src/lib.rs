//! Decisions: which chunk is asked of which peer, when to give up, which peer is dialled, when to register again.
//!
//! Each part is a state machine that is told what happened and when, and says what to do:
//!
//! - [`Member`]: one content's part in its swarm: which peers it seeks, joins, tells, asks and leaves.
//! - [`Download`]: chunks of one content from many peers.
//! - [`UploadQueue`]: which peer is sent which chunk next; [`RateLimit`] with it.
//! - [`ManifestFetch`]: the manifest, block by block, before that.
//! - [`SeedWatch`]: when serving ends by itself, as a [`SeedGoal`] says; [`ConfirmedCopies`] with it.
//! - [`PeerBook`]: the peers of a node: addresses, connections, dials, bans.
//! - [`Discovery`]: when the LAN and the DHT are asked, and whom to begin with.
//! - [`explain()`]: why a content does not come, or comes slowly.
//! - [`Ring`]: with which peers a long-lived node stays connected; [`MapWalk`]: how the map of a swarm is drawn.
//! - [`FindRelay`]: to whom a question for a name is passed on.
//! - [`StorePlanner`]: which nodes keep which content for each other.
//! - [`Announcer`]: when to register at and to ask rendezvous points.
//!
//! What this is not: nothing here sends, sleeps, reads a clock or sees a chunk's bytes. `now` is the
//! time since some start that the caller chose, and never goes back. Randomness is handed in, and every
//! map is ordered, so the same inputs give the same outputs on any machine.
//!
//! What always holds: after every input, drain the outputs to the end; memory is bounded by the
//! content's chunk count and by the limits in each part's configuration, whatever peers do.

mod announcer;
mod backoff;
mod chunk_news;
mod confirmed;
mod discovery;
mod download;
mod explain;
mod find;
mod manifest_fetch;
mod member;
mod name;
mod peer_book;
mod peer_table;
mod prefetch;
mod rate_limit;
mod seed_goal;
mod store_planner;
#[cfg(test)]
pub(crate) mod testing;
mod topology;
mod upload;

pub use announcer::{Announcer, AnnouncerOutput, TTL};
pub use backoff::{Backoff, jittered};
pub use chunk_news::ChunkNews;
pub use confirmed::{ConfirmedCopies, PeerClaim};
pub use discovery::{
    ContentWish, Discovery, DiscoveryOutput, MAX_LAN_PEERS, MAX_REMEMBERED, NotKept, PeerMemory,
    ProviderEntry, ProviderLimits, ProviderTable, RememberedPeer, Subnet,
};
pub use download::{Download, DownloadConfig, DropReason, Input, Output, PeerChoice, RequestId, Topology};
pub use explain::{
    Affairs, Cause, DialTrouble, DiskTrouble, DiskUse, Fact, Figure, Finding, LimitUse, Measure,
    NeighbourFigures, PeerSearch, Situation, TrackerStanding, TrackerState, TrackerlessSearch, WrongBytes,
    explain,
};
pub use find::{FindConfig, FindDecision, FindRelay, FoundSet};
pub use manifest_fetch::{BlockFailure, ManifestFetch, ManifestFetchOutput};
pub use member::{
    ConnectionEvent, GiveUp, KnownNeighbour, MOST_DIALLING, Member, MemberConfig, MemberInput,
    MemberObserver, MemberOutput, MemberStart, MemberStep, NeighbourEvent, Offence, PeerSource, Recording,
    SOUGHT_AT_FIRST, SOUGHT_BY_COMPLETE, StartRole, StoreEvent, StreamEvent, TrackerEvent,
};
pub use name::{PeerName, numbered_peer};
pub use peer_book::{
    Allowance, Connection, Dial, DialFailure, DialId, PeerBook, PeerBookConfig, PeerBookOutput, Teller,
};
pub use peer_table::PeerTable;
pub use prefetch::{prefetch, prefetch_around};
pub use rate_limit::RateLimit;
pub use seed_goal::{ReachedGoal, SeedGoal, SeedOutput, SeedStatus, SeedWatch};
pub use store_planner::{
    MAX_KEPT, StoreFarewell, StoreInput, StoreOfferAnswer, StoreOutput, StorePlanner, StorePlannerConfig,
    StoreProof, StoreSaved, StoreView,
};
pub use topology::{
    MapWalk, Ring, RingConfig, RingInput, RingMember, RingOutput, RingPlace, RingSide, WalkLimits,
};
pub use upload::{Fairness, Grant, SessionId, UploadConfig, UploadQueue, Wanted};

/// The random generator that decisions draw from: the same seed gives the same numbers everywhere.
pub type SeededRng = rand_chacha::ChaCha8Rng;
