//! What must follow when a line is whole again, and how a test's own line gets between two programs.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use shoal_content::Ticket;
use shoal_tests::eventually_or;
use shoal_tests::process::Process;

/// Chunks come again so long after a line is whole again.
const GOES_ON: Duration = Duration::from_secs(30);

/// Waits until a getter stores more chunks than `before`, or has ended; fails if that takes too long after `harm`.
pub(crate) fn comes_again(getter: &mut Process, before: usize, harm: &dyn Debug) -> Result<(), String> {
    let healed = Instant::now();
    eventually_or(
        "chunks come again",
        || (!getter.is_running() || getter.count("chunk stored") > before).then_some(()),
        || format!("after {harm:?}"),
    );
    let rested = healed.elapsed();
    if rested > GOES_ON { Err(format!("it rested for {rested:?} after {harm:?}")) } else { Ok(()) }
}

/// The ticket of a seed, with the port of a line in place of the seed's own.
pub(crate) fn by_way_of(ticket: &str, seed: u16, line: u16) -> Result<String, String> {
    let mut it: Ticket = ticket.parse().map_err(|e| format!("{e}"))?;
    for peer in &mut it.peers {
        let changed = ["tcp", "udp"].into_iter().fold(peer.to_string(), |address, protocol| {
            address.replace(&format!("/{protocol}/{seed}/"), &format!("/{protocol}/{line}/"))
        });
        *peer = changed.parse().map_err(|e| format!("{e}"))?;
    }
    Ok(it.to_string())
}
