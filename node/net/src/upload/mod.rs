//! Serving chunks: one session for each inbound stream, for all contents of the node.
//!
//! Sessions bring requests to the engine's queue, which says which peer is sent which chunk next; the bytes go from the store
//! to the stream here. Reading requests and writing chunks go on side by side, because a multiplexed connection
//! whose two ends only write stands still.
//!
//! What this is not: it decides nothing about the order. What always holds: what is not here is refused at once and
//! takes no slot; as many chunks are in memory as there are slots, at most; a peer that does not read its
//! refusals, or takes nothing, loses its stream; a content is served for as long as its [`Offer`] is kept.

mod board;
mod offer;
mod places;
mod sent_lately;
mod session;
mod shared;
#[cfg(test)]
mod tests;
mod uploads;

pub(crate) use self::offer::Offer;
pub(crate) use self::uploads::Uploads;
