//! What a content is: its chunks, its manifest, its paths, its id and its ticket.
//!
//! A *content* is a folder or a single file under a name. Its bytes are the *stream*: its files one
//! after another in canonical path order. The stream is cut into *chunks*; the *manifest* lists files
//! and chunks; the SHA-256 of the manifest's root is the [`ContentId`].
//!
//! What this is not: nothing here reads or writes a file, or knows which peers have a content. The caller brings the bytes.
//!
//! What always holds: a [`Manifest`] that exists has passed every check of this crate, whether it was
//! built here or came from a peer. Its paths are [`SafePath`]s that do not collide, its sizes add up and
//! its encoding is the canonical one.

mod chunker;
mod collisions;
mod fold;
mod geometry;
mod hash;
mod manifest;
mod path;
mod ticket;
#[cfg(test)]
mod vectors;

/// A set of chunks of one content: a bit for each chunk of the chunk table.
pub type ChunkSet = fixedbitset::FixedBitSet;

pub use fold::fold_case;

pub use chunker::{Chunker, ChunkerError, MAX_CHUNK, PACKED_BELOW};
pub use collisions::{Collision, each_collision};
pub use geometry::{ChunkIndex, FileIndex, Geometry, Span};
pub use hash::{ContentId, Hash, HashError};
pub use manifest::{
    CHUNKS_PER_PAGE, ChunkEntry, EntryKind, FileEntry, MAX_BLOCK, MAX_CHUNKS, MAX_ENTRIES, Manifest,
    ManifestAssembler, ManifestBuilder, ManifestError, Root, Shape, segments,
};
pub use path::{LinkTarget, PathError, SafePath};
pub use ticket::{MAX_TICKET, Ticket, TicketError, is_plain};
