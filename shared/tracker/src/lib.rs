//! What a tracker does beyond rendezvous: answers to `/shoal/tracker/1`.
//!
//! - [`Services`]: takes a request and the [`Registry`](shoal_registry::Registry), gives the response and
//!   [`Effect`]s.
//! - `Index`: names of contents, and their publishers.
//! - `Payloads`: small blobs, under their hash.
//! - [`ServiceLimits`]: quotas, times and rates.
//!
//! What this is not: nothing here reads a message, sends, sleeps or writes to a disk. `now` is the time since
//! some start that the caller chose, and never goes back. Registrations are the registry's.
//!
//! What always holds: every map is bounded by the [`ServiceLimits`]; a full tracker refuses what is new and keeps
//! what it has. The cost of a request does not grow with the tables: a search looks at a bounded number of names
//! and gives a cursor. Publishers are told only while they are registered in the swarm of the content. That is looked
//! up in the registry when a request is answered, so nothing has to be done when a peer leaves: its entries are dropped
//! when they are next found, or when their time runs out.

mod index;
mod limits;
mod listing;
mod payloads;
mod service;
mod stored;
mod tally;
#[cfg(test)]
mod tests;

pub use limits::ServiceLimits;
pub use service::{Asker, Effect, ServiceOutcome, Services};
pub use stored::{ServiceChange, StoredEntry, StoredPayload};
