//! What a tracker has done, as plain numbers.

use shoal_wire::rendezvous::Status;
use shoal_wire::tracker::RegistryCounts;

/// What a tracker did since its start, and what it holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// What was asked by `/rendezvous/1.0.0`.
    pub requests: Requests,
    /// What became of registrations.
    pub registry: RegistryCounts,
    /// What became of probes.
    pub probes: Probes,
    /// Registrations now.
    pub registrations: usize,
    /// Peers that are registered somewhere now.
    pub peers: usize,
    /// Namespaces that have somebody now.
    pub namespaces: usize,
    /// Connections now.
    pub connections: u32,
}

/// Requests by kind, and refusals by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// To register or renew.
    pub registers: u64,
    /// To unregister.
    pub unregisters: u64,
    /// To discover.
    pub discovers: u64,
    /// That could not be read, or were out of bounds.
    pub malformed: u64,
    /// In the order of [`Status::ALL`].
    refused: [u64; Status::ALL.len()],
}

impl Requests {
    /// How many requests were refused with a status.
    pub fn refused(&self, status: Status) -> u64 {
        Status::ALL.iter().zip(self.refused).filter(|(it, _)| **it == status).map(|(_, count)| count).sum()
    }

    pub(crate) fn count_refusal(&mut self, status: Status) {
        let counts = Status::ALL.iter().zip(&mut self.refused).filter(|(it, _)| **it == status);
        counts.for_each(|(_, count)| *count += 1);
    }
}

/// Probes of peers that were reported dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Probes {
    /// Begun.
    pub started: u64,
    /// Ended with a sign of life, or without a way to look for one.
    pub alive: u64,
    /// Ended without one.
    pub dead: u64,
}
