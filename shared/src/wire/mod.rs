//! What peers say to each other: message types, their limits and their bytes.
//!
//! Two protocols of our own, one file each, and one of libp2p's:
//!
//! - [`query`] (`/shoal/query/1`): a question, an answer, a stream for each pair. Control only.
//! - [`chunks`] (`/shoal/chunks/1`): chunk requests and chunk bytes, pipelined on one long-lived stream
//!   per peer and direction.
//!
//! - [`rendezvous`] (`/rendezvous/1.0.0`): the libp2p specification's protocol with trackers, in protobuf.
//!
//! Every message of our own is CBOR behind its length as an unsigned varint ([`frame`]). `PROTOCOL.md` describes
//! them for who writes another implementation; the tests here hold the same examples byte by byte.
//!
//! What this is not: no stream is read or written here. What always holds: a message that was decoded
//! is within its limits.

pub mod chunks;
pub mod frame;
mod have;
pub mod query;
pub mod rendezvous;
#[cfg(test)]
mod vectors;

pub use have::{Have, MAX_WINDOW_BYTES, Window};
