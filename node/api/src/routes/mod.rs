//! The routes: which request does what. Each file has those of one kind.
//!
//! What always holds: a handler waits for no lock that a transfer holds, and for no task of the node longer than two seconds
//! unless waiting for others is what it is for; whatever it does, 30 seconds are the end.

mod ask;
mod contents;
mod detail;
mod find;
mod library;
mod node;
mod payload;
mod peers;
mod router;
mod store;
mod stream;
mod topology;
mod trackers;
mod why;

pub(crate) use router::build;
