//! The tracker's table of registrations: it grants them, answers questions from them and ends them.
//!
//! - [`Registry`]: register, renew, unregister, discover, expire; reports of dead peers.
//! - [`Throttle`]: how often each peer may do something. [`RequestLimiter`]: and its network.
//! - [`RegistryLimits`]: quotas and times. Why not is a [`RendezvousRefusal`](shoal_wire::rendezvous::RendezvousRefusal).
//! - [`addresses_digest`]: tells whether a peer has moved.
//!
//! It follows the libp2p rendezvous specification (github.com/libp2p/specs, rendezvous, r3), and goes its own
//! way in two things. Times are shorter, so that dead peers are soon gone. Of a large swarm each question
//! gets another random sample, so that a mesh forms instead of a star around the first peers; pages
//! by cookie go on with what is new, not with what a sample left out.
//!
//! What this is not: nothing here reads a message, checks a signature, sends or sleeps. `now` is the time
//! since some start that the caller chose, and never goes back. Randomness is handed in, so the same inputs
//! give the same answers.
//!
//! What always holds: no call costs by the number of registrations, only by its answer and the logarithm of
//! the table. Every map is bounded by the [`RegistryLimits`]; renewals add
//! nothing. A registered peer may stay, however full the table is: quotas keep newcomers out and push nobody out. A
//! living peer cannot be evicted by others, whatever they report.

mod cookie;
mod digest;
mod discover;
mod everyone;
mod limiter;
mod limits;
mod quota;
mod registration;
mod report_limits;
mod reports;
mod side;
mod slab;
mod swarm;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod throttle;

pub use digest::addresses_digest;
pub use everyone::PeerListing;
pub use limiter::RequestLimiter;
pub use limits::{RegistryLimits, SPEC_MAX_TTL};
pub use registration::{Contact, Counts, DiscoveryPage, MAX_PREFIXES, Registration, RegistrationListing};
pub use table::Registry;
pub use throttle::{Throttle, WhenFull};
