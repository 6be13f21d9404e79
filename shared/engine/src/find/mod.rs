//! Finding contents by name without a tracker: neighbours are asked, and they ask on.
//!
//! A question has an id, which whoever asks first draws at random, and says how many times it may yet be passed on. Who
//! gets it looks at home, passes it to some of its neighbours, waits for their answers, and answers with all that was
//! found. [`FindRelay`] decides whether and to whom it is passed on, [`FoundSet`] what becomes of the answers.
//!
//! This is flooding with a hop limit, as Gnutella 0.4 did it, with three differences: answers come back on the stream of
//! the question, so nobody keeps a table of ways back; each node passes a question to few neighbours; and what a node
//! passes on in all is bounded, whoever asks.
//!
//! What this is not: nothing is matched, sent or waited for here. What always holds: a question whose id is remembered is
//! passed on to nobody; memory is bounded by [`FindConfig`].

mod found;
mod relay;
#[cfg(test)]
mod tests;

pub use self::found::FoundSet;
pub use self::relay::{FindConfig, FindDecision, FindRelay};
