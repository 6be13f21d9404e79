//! A node: contents, connections and streams; the library for programs that embed Shoal.
//!
//! A [`Node`] owns its contents: [`Node::serve`] and [`Node::fetch`] add one, [`Node::contents`] lists them,
//! [`ContentHandle`] pauses, resumes and removes one, [`Node::subscribe`] tells what happens. [`Node::load`],
//! [`Node::counters`], [`Node::neighbours`] and [`Node::content_detail`] say how it is, [`Node::activity`] tells every step,
//! [`Node::peer`] asks another node how that is, [`Node::set_limits`] changes limits while it runs. The folder `examples` has both
//! in twenty lines.
//!
//! One task, the `driver`, owns the libp2p `Swarm`. It composes behaviours, moves small messages
//! and hands out streams; it decides nothing and never sees a chunk. Each content has a task of its own,
//! the `job`, which carries what happens to the engine's `Member` and carries out what that says. Chunk bytes go
//! between a peer's stream and the store in tasks of their own: `fetch` for what comes, `upload` for
//! what goes.
//!
//! ```text
//!   Node ──▶ catalogue ──▶ job (one per content) ──▶ engine: Member
//!                            │        ▲   ▲
//!                    orders  │        │   └── fetch (one stream per peer, for all contents) ──▶ store
//!                            ▼        │
//!                          driver (Swarm) ──▶ upload (one per inbound stream) ──▶ store
//! ```
//!
//! What this is not: nothing here chooses a chunk or a peer, which is the engine's work, and nothing reads or writes a
//! file, which is the store's.
//!
//! What always holds: every channel and map here is bounded; a message from a peer is decoded and
//! checked before it reaches a job; no remote string is logged unescaped.

mod activity;
mod answerer;
mod behaviour;
mod best_connection;
mod catalogue;
mod clock;
mod codec;
mod config;
mod control;
mod counter;
mod detail;
mod discovery;
mod driver;
mod events;
mod explain;
mod external;
mod fetch;
mod figures;
mod handle;
mod handshakes;
mod job;
mod library;
mod listen;
mod memory;
mod meter;
mod metrics;
mod muxer;
mod neighbours;
mod node;
mod node_error;
mod observer;
mod pace;
mod parts;
mod peers;
mod reachability;
mod remote;
mod shared_error;
mod standing;
mod starting;
mod store_exchange;
pub mod streams;
mod target;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;
mod topology;
mod tracker_client;
mod traffic;
mod transport;
mod unsupported;
mod upload;

pub use activity::{Activity, ActivityKind, ActivityStream, HeardActivity};
pub use catalogue::{ContentState, ContentStatus};
pub use codec::{HeedingCodec, QueryCodec, StoreCodec};
pub use config::NodeConfig;
pub use control::QueryError;
pub use detail::{ContentDetail, ContentNeighbour};
pub use discovery::{DEFAULT_DHT_PROTOCOL, DhtMode, DhtRole, DhtStatus, DiscoveryConfig};
pub use events::{Heard, NodeEvent, Subscription};
pub use figures::{BandwidthLimits, NodeCounters, NodeLoad};
pub use handle::ContentHandle;
pub use job::{
    ContentEvent, Failure, FetchOptions, Finished, Include, IncludeError, Phase, Progress, ServeOptions,
};
pub use listen::{ListenError, try_listening};
pub use metrics::SwarmMetrics;
pub use neighbours::{MAX_AGENT, Neighbour, NeighbourTransport};
pub use node::Node;
pub use node_error::NodeError;
pub use observer::Observer;
pub use peers::DialError;
pub use remote::{AskError, ChunkPlaces, ClaimedPeer, ContentsPage, RemotePeer};
pub use shared_error::SharedError;
pub use shoal_framing::{read_frame, write_frame};
pub use shoal_wire::query::{ChunkRef, ContentClaim, CountersClaim, LoadClaim, QueryErrorCode};
pub use store_exchange::StoreQuestion;
pub use target::{PeerTarget, PeerTargetError};
pub use tls::TlsConfig;
pub use topology::{
    FindQuestion, FoundByPeers, FoundContent, MapLink, MapNode, MapOptions, NeighbourhoodConfig, NodeAnswer,
    SwarmMap,
};
pub use tracker_client::{MalformedAnswer, PeerSelection, Portion, SwarmSize, TrackerClient, TrackerError};
pub use traffic::{Exchanged, Traffic};
