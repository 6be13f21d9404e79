//! What peers say to each other: message types, their limits and their bytes.
//!
//! Four protocols of our own, and one of libp2p's:
//!
//! - [`query`] (`/shoal/query/1`): a question, an answer, a stream for each pair. Control only.
//! - [`chunks`] (`/shoal/chunks/1`): chunk requests and chunk bytes, pipelined on one long-lived stream
//!   per peer and direction.
//! - [`tracker`] (`/shoal/tracker/1`): a question to a tracker, and its answer.
//! - [`store`] (`/shoal/store/1`): nodes that keep contents for others, to each other.
//!
//! - [`rendezvous`] (`/rendezvous/1.0.0`): the libp2p specification's protocol with trackers, in protobuf.
//!
//! Peers that join tell each other their [`Capabilities`], by which protocols grow; a request of a kind that is not known
//! is read as [`frame::UnknownKind`], and answered.
//!
//! Every message of our own is CBOR behind its length as an unsigned varint ([`frame`]). `PROTOCOL.md` describes
//! them for authors of other implementations; the tests here hold the same examples byte by byte.
//!
//! What this is not: no stream is read or written here. What always holds: a message that was decoded
//! is within its limits.

mod capabilities;
pub mod chunks;
pub mod frame;
mod have;
pub mod query;
pub mod rendezvous;
pub mod store;
pub mod tracker;
#[cfg(test)]
mod vectors;

use shoal_content::ContentId;

pub use capabilities::{
    Capabilities, Capability, MAX_CAPABILITIES, MAX_CAPABILITY_BYTES, MAX_CAPABILITY_DEPTH,
    MAX_CAPABILITY_NAME, MAX_CAPABILITY_VALUE,
};
pub use have::{Have, MAX_WINDOW_BYTES, Window};

/// The namespace of a content's swarm at a rendezvous point: `shoal/` and the content id as text.
pub fn swarm_namespace(content: &ContentId) -> String {
    format!("shoal/{content}")
}
