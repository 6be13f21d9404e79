//! Behaviours of libp2p that dial where others say, held to the policy about addresses.
//!
//! An AutoNAT server dials its askers back at the addresses that they name, and DCUtR dials where the other side says that
//! it was seen. libp2p's behaviours dial whatever that is. [`Guarded`] is put around one: it lets a [`DialPolicy`] refuse
//! a dial before it begins, and keeps from the behaviour what it should not build on. [`DialBack`] is the policy of
//! AutoNAT servers, for nodes and trackers alike.
//!
//! What this is not: it dials nothing itself, and dials that other behaviours or the program order pass it untouched.
//! What always holds: a refused dial reaches no transport; what is remembered is bounded by the connections that
//! stand, and by the constants of [`DialBack`].

mod dial_back;
mod guarded;

pub use dial_back::DialBack;
pub use guarded::{DialPolicy, DialRefused, Guarded};
