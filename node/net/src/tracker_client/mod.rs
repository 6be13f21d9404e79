//! The client of trackers: registers this node there, asks for other peers, and uses the services beyond that.
//!
//! - [`TrackerClient`]: one tracker, over `/rendezvous/1.0.0` and `/shoal/tracker/1`. It connects, asks and gives up.
//! - [`Questions`]: the side of the task that owns the Swarm: questions that are under way, and their answers.
//! - [`Behaviour`]: the two protocols, as that Swarm composes them.
//!
//! Trackers are hostile until checked. An answer is bounded in bytes and peers, and is of the kind that was asked for.
//! Each peer in it has signed its own record, in either form, or is left out; so are addresses that such a tracker may
//! not speak of. The bytes of a payload are those of its id. What is wrong with an answer ends nothing but the question.
//!
//! What this is not: it does not decide when to ask, nor which of the peers that were found are dialled. What always
//! holds: each question gets one answer or error, within 15 seconds, and touches one namespace at one tracker.

mod behaviour;
mod client;
mod codec;
mod discovered;
mod error;
mod line;
mod order;
mod questions;
mod record;
mod registration;
mod services;

pub(crate) use self::behaviour::Behaviour;
pub use self::client::TrackerClient;
pub(crate) use self::client::TrackerConnector;
pub(crate) use self::discovered::DiscoveredPeer;
pub use self::error::{MalformedAnswer, TrackerError};
pub(crate) use self::order::Order;
pub(crate) use self::questions::Questions;
pub use self::services::{PeerSelection, Portion, SwarmSize};
