//! How others reach this node across routers, and how it reaches them.
//!
//! - **AutoNAT v2** has trackers and relays dial this node back where others see it; what they reach is announced.
//!   It answers others alike, within [`DialBack`](shoal_guard::DialBack).
//! - **UPnP** asks the router to forward a port.
//! - **Relays** ([`relays`]): where nothing reaches this node, a relay does that the user named, or a tracker that offers it.
//! - **DCUtR** makes a direct connection out of one by way of a relay, by dialling from both sides at once.
//!
//! A circuit that carries no data is there for that alone: contents are not told of its peer before a direct connection
//! stands ([`circuits`]).
//!
//! What this is not: it does not say what is announced, which is [`external`](crate::external)'s work, and dials no peer for
//! a content. What always holds: nothing here dials on a stranger's word outside of the policy about addresses
//! ([`policies`]); reservations, circuits and what is remembered are bounded.

mod behaviour;
mod circuits;
mod keeper;
mod only_relayed;
mod patient;
mod policies;
mod relays;

pub(crate) use behaviour::{Behaviour, BehaviourEvent};
pub(crate) use circuits::{Circuits, Opened, carries_data};
pub(crate) use keeper::RelayKeeper;
pub(crate) use only_relayed::OnlyRelayed;
pub(crate) use patient::Patient;
