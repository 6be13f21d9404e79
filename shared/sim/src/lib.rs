//! A swarm in one thread: thousands of virtual peers that run the very [`engine`](shoal_engine).
//!
//! A seeded discrete-event simulation. Every virtual peer has a [`Member`](shoal_engine::Member) and an
//! [`UploadQueue`](shoal_engine::UploadQueue), as a content of a node has; chunks are numbers and lengths. The simulator
//! carries out what they say and decides nothing. [`run`] plays a [`Scenario`] to its end and says what came of it.
//!
//! **Lines.** A peer has an uplink and a downlink. The uplink serves the chunks under way round robin, a
//! piece at a time at line rate; a piece takes the delay and queues at the receiver's downlink. A chunk
//! has a window of pieces on the way, as TCP has, so a busy downlink holds its senders back and their
//! lines serve others. That conserves work, comes close to max-min fairness, and costs two events a piece.
//! **Messages** take the delay and a moment; they bypass the pieces, but their bytes are counted. A lost
//! one arrives a retransmission later.
//! **The tracker** is a [`Registry`](shoal_registry::Registry); it answers at once.
//!
//! [`StoreNetwork`] is another one: nodes that keep contents for each other, and come and go.
//!
//! What this is not: no payload, no congestion control, no disk and no processor; loss slows messages,
//! not pieces. Where a real swarm is held back by those, this one is not.
//!
//! What always holds: the same scenario gives the same trace on any machine; time never goes back;
//! nothing here reads a clock, draws randomness that the scenario's seed does not determine, or walks
//! through a map that has no order.

mod event;
mod id;
mod inbox;
#[cfg(test)]
mod late_seeds;
mod links;
mod manifest;
mod node;
mod outcome;
#[cfg(test)]
mod partitioned;
mod scenario;
mod simulation;
mod store;
#[cfg(test)]
mod tests;
mod tracker;
mod transfer;
#[cfg(test)]
mod vanished;

pub use outcome::{Completion, SimOutcome, SimTraffic};
pub use scenario::{Link, Partition, Scenario, Vanishing};
pub use simulation::{Invariants, Simulation};
pub use store::{StoreNetwork, StoreOutcome, StoreScenario};

/// Plays a scenario until everybody is complete, nothing can happen any more or its deadline is over.
pub fn run(scenario: &Scenario) -> SimOutcome {
    let mut simulation = Simulation::new(scenario.clone());
    while simulation.step() {}
    simulation.outcome()
}
