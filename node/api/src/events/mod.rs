//! What happens, told to any number of those that follow.
//!
//! A task of its own, the `pump`, looks at the library while anybody follows, finds what differs from what it told last, and adds that
//! to a ring of lines. Each follower has a place in the ring and reads from there, so a slow one keeps nothing back from others
//! and costs no memory; if the ring has moved on, it gets a `gap` and how everything is now.
//!
//! `ring`, `ration` and `told` are pure.

mod follower;
mod hub;
mod pump;
mod ration;
mod ring;
mod told;

pub(crate) use follower::follow;
pub(crate) use hub::{EventsHub, Place};
pub(crate) use pump::pump;
