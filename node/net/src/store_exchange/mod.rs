//! `/shoal/store/1` on the wire: matches answers with questions, in both directions.
//!
//! What this is not: it knows no answer. Who took the door ([`StoreDoor`]) gives it. What always holds: questions under way
//! are bounded, in all and for each peer and network; addresses pass the policy in both directions.

mod door;
mod exchange;
mod sift;

pub(crate) use self::door::StoreDoor;
pub use self::door::StoreQuestion;
pub(crate) use self::exchange::StoreExchange;
