//! The pure heart of Shoal: what content is, what peers say to each other, and what to do next.
//!
//! Six rooms:
//!
//! - [`content`]: chunks, manifests, safe paths, tickets. What a content *is*, on disk and on paper.
//! - [`wire`]: the messages of `/shoal/query/1`, `/shoal/chunks/1` and `/shoal/tracker/1`, their sizes and bytes.
//! - [`engine`]: decisions. Which chunk to ask of whom, when to give up, when to register again.
//! - [`sim`]: a simulated swarm that runs the engine.
//! - [`registry`]: the tracker's table. Who is registered where, and who is told of whom.
//! - [`tracker`]: what the tracker does beyond that: an index of names, payloads, counters.
//!
//! What this crate is not: it opens no socket and no file, starts no task, reads no clock and draws no
//! randomness that was not handed in. Its manifest proves it (no tokio, no `libp2p-swarm`), and CI
//! checks that. So everything here runs unchanged in a node, in a simulator and in a test.
//!
//! What always holds: every byte that comes from a peer is checked before it is believed. Counts and
//! lengths are compared with their limits before anything is allocated for them.

pub mod cbor;
pub mod content;
pub mod engine;
pub mod printable;
pub mod registry;
pub mod sim;
pub mod tracker;
pub mod wire;
