//! Fetching chunks: one long-lived stream to each peer, on which all contents of the node ask.
//!
//! [`ChunkStreams`] is the node's; the job of each content [attaches](ChunkStreams::attach) to it and says which
//! peers it wants to ask. A stream is opened for the first content that wants it and ends after the last.
//!
//! What this is not: it does not choose chunks or peers, and knows no bans. What always holds: no content
//! disturbs another one on the same stream, unless the peer breaks the protocol; memory is bounded by
//! [`Memory`](crate::memory::Memory) and one chunk for each stream; when a [`FetchHandle`] is dropped, nothing of it is left.

mod attachment;
mod chunk_streams;
mod intake;
mod messages;
mod outlet;
mod reader;
mod requests;
mod stream;
#[cfg(test)]
mod tests;
mod write_queue;

pub(crate) use self::chunk_streams::{ChunkStreams, FetchHandle};
pub(crate) use self::intake::Intake;
pub(crate) use self::messages::{FetchEvent, FetchOrder};
