//! What a tracker counts. All counters are since its start.

use serde::{Deserialize, Serialize};

/// The tracker's own counters. What it says of itself, so never trusted further.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Seconds since the start.
    pub uptime: u64,
    /// What there is now.
    pub current: Current,
    /// The program's version, at most 64 bytes, printable.
    pub version: String,
    /// Requests over this protocol that were refused.
    pub refusals: RefusalCounts,
    /// What has happened over `/rendezvous/1.0.0`.
    pub registry: RegistryCounts,
    /// Requests over this protocol, answered and refused, but for those that came too often.
    pub requests: RequestCounts,
}

/// What a tracker has now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    /// Peers that are registered somewhere.
    pub peers: u64,
    /// Published entries.
    pub entries: u64,
    /// Payloads.
    pub payloads: u64,
    /// Namespaces with somebody in them.
    pub namespaces: u64,
    /// Bytes of all payloads.
    pub payload_bytes: u64,
    /// Registrations.
    pub registrations: u64,
}

/// What has happened to registrations since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryCounts {
    /// Registrations that ended because the peer did not answer a probe.
    pub dead: u64,
    /// Registrations that ended because the peer went away.
    pub gone: u64,
    /// Reports that led to a probe.
    pub probes: u64,
    /// Registrations that ended because their time ran out.
    pub expired: u64,
    /// Registrations that were refused.
    pub refused: u64,
    /// Renewals.
    pub renewed: u64,
    /// Questions that were answered.
    pub discovered: u64,
    /// New registrations.
    pub registered: u64,
    /// Registrations that peers took back.
    pub unregistered: u64,
    /// Reports that were ignored.
    pub reports_limited: u64,
    /// Questions that were refused.
    pub discover_refused: u64,
}

/// What was asked, by kind of request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// `get`
    pub get: u64,
    /// `put`
    pub put: u64,
    /// `find`
    pub find: u64,
    /// `role`
    pub role: u64,
    /// `peers`
    pub peers: u64,
    /// `stats`
    pub stats: u64,
    /// `swarm`
    pub swarm: u64,
    /// `report`
    pub report: u64,
    /// `publish`
    pub publish: u64,
    /// `withdraw`
    pub withdraw: u64,
}

/// What was refused, by [`TrackerErrorCode`](super::TrackerErrorCode).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalCounts {
    /// `busy`
    pub busy: u64,
    /// `quota`
    pub quota: u64,
    /// `limited`
    pub limited: u64,
    /// `not_found`
    pub not_found: u64,
    /// `too_large`
    pub too_large: u64,
    /// `bad_request`
    pub bad_request: u64,
    /// `unsupported`
    pub unsupported: u64,
    /// `not_registered`
    pub not_registered: u64,
}
