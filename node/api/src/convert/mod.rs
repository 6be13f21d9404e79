//! Between what the daemon says and what the API says. Pure.

#[cfg(test)]
mod bodies;
mod claims;
mod detail;
mod item;
mod limits;
mod node;
mod request;
mod store;
mod topology;

pub(crate) use claims::{peer_content, peer_counters, peer_load, peer_place};
pub(crate) use detail::{chunk_map, content_peers};
pub(crate) use item::{content, import};
pub(crate) use limits::{limits, limits_info};
pub(crate) use node::{counters, load, millis, neighbour, without_tracker};
pub(crate) use request::{fetch_request, share_request};
pub(crate) use store::{store, store_found, stored};
pub(crate) use topology::{BY_TRACKERS, found_together, map, ring_member};
