//! The peers of a node: their addresses, which are connected, which are dialled and when, and for which contents.
//!
//! There is one book for all contents of a node. A content [seeks](PeerBook::seek) a peer; the book makes one
//! connection, however many contents seek it, tells each of them, and closes it some time after the last of them has
//! [released](PeerBook::release) it and the peer itself uses nothing here.
//!
//! **Dialling.** Only peers that a content seeks are dialled. Those that wait longest come first, what the user named has places
//! of its own, and peers of which there is nothing but hearsay stand a little behind. After a failure all contents
//! wait, ever longer. A content is told when a peer is out of reach, and its seeking ends: whether it seeks that one
//! again, and when, is its own decision.
//!
//! **Addresses.** Addresses are judged by where the teller stands (see [`shoal_addresses`]). Those that only
//! somebody's word speaks for are tried a bounded number of times: at one host, in one network, for one teller, in
//! all ([`PeerBookConfig`]); an attempt that leads to its peer does not count. Where room is needed, what is worth
//! least gives way: peers that failed often, then peers only heard of, then peers heard of long ago.
//!
//! **Connections.** Connections are bounded below what the Swarm enforces. Where a newcomer or a dial needs room, a
//! peer goes that no content uses and that was silent for longest; if there is none, and a content has no connection
//! at all, a content that has more than enough gives one up.
//!
//! What this is not: it opens and closes nothing, and does not know what a content is. What always holds, whatever
//! peers tell or do: everything is bounded by the configuration, by the connections that the caller reports, and by
//! what contents seek; a banned peer is never dialled; a dial that is under way is reported before another one of
//! the same peer begins.

mod addresses;
mod bans;
mod book;
mod budget;
mod config;
mod connected;
mod dialing;
mod dials;
mod leaving;
mod named;
mod output;
mod policy;
mod queue;
mod table;
#[cfg(test)]
mod tests;
mod uses;

pub use self::book::PeerBook;
pub use self::config::{Allowance, PeerBookConfig};
pub use self::output::{Connection, Dial, DialFailure, DialId, PeerBookOutput, Teller};
