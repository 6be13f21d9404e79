//! What the tests of whole swarms share: real processes, made-up files, and peers that misbehave.
//!
//! - [`chain`]: nodes of which each knows only the next.
//! - [`clock`]: programs whose clock is wrong.
//! - [`process`]: starts `shoal` and `shoal-rendezvous`, reads what they print, ends them.
//! - [`disk`]: file systems of a test's own, and a loss of power.
//! - [`files`]: makes trees of files and compares them.
//! - [`gate`]: a provider in this process whose chunks are let through one by one and counted.
//! - [`false_tracker`]: a tracker that answers with whatever bytes the test likes.
//! - [`hash_table`]: peers of the distributed hash table that are libp2p's own.
//! - [`hostile_half`]: liars and nuisances around a whole swarm.
//! - [`liar`]: a provider that breaks the protocol in one chosen way.
//! - [`netns`]: networks of a test's own.
//! - [`nuisance`]: peers that fetch nothing and take what others need.
//! - [`node`]: `shoal node`, and commands that use it.
//! - [`point`]: a rendezvous point that always answers the same.
//! - [`proc`]: what the system says of a process.
//! - [`programs`]: which programs a benchmark measures.
//! - [`resident`]: a `shoal node` and its API.
//! - [`shell`]: `shoal shell`, driven line by line.
//! - [`store_network`]: a store of real nodes.
//! - [`stranger`]: a peer that sends whatever bytes the test likes.
//! - [`third_party`]: somebody who has nothing to do with a swarm, and counts what it is sent all the same.
//! - [`tracking`]: `shoal` at a tracker: sharing there, and asking it.
//! - [`visitor`]: an identity that registers at a rendezvous point and asks it.
//!
//! Nothing here sleeps to wait for something; [`eventually`] looks again and again until a deadline.

pub mod chain;
pub mod clock;
pub mod disk;
pub mod false_finder;
pub mod false_tracker;
pub mod files;
pub mod gate;
pub mod hash_table;
pub mod hostile_half;
pub mod liar;
pub mod netns;
pub mod node;
pub mod nuisance;
pub mod point;
pub mod proc;
pub mod process;
pub mod programs;
pub mod resident;
mod rogue;
pub mod routers;
pub mod shell;
pub mod store_network;
pub mod stranger;
pub mod third_party;
pub mod tracking;
pub mod visitor;

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Looks until `look` finds something; panics with `what` after [`DEADLINE`].
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    eventually_or(what, look, String::new)
}

/// Like [`eventually`]; when it gives up, it says how things are.
pub fn eventually_or<T>(
    what: &str,
    mut look: impl FnMut() -> Option<T>,
    report: impl FnOnce() -> String,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        if start.elapsed() >= DEADLINE {
            panic!("not within {DEADLINE:?}: {what}\n{}", report());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for `it`; panics with `what` after [`DEADLINE`].
pub async fn within<T>(what: &str, it: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(DEADLINE, it).await;
    result.unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"))
}
