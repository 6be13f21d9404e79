//! What is kept of reports and probes, and what becomes of a report.

use libp2p_identity::PeerId;

use super::throttle::{Throttle, WhenFull};
use super::{Limits, RequestLimiter};

/// What to do about a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Ask this peer for a sign of life and tell [`Registry::probe_result`](super::Registry::probe_result).
    Probe(PeerId),
    /// Nothing: the reporter reports too much, the peer has just been probed, or there is no room for a probe.
    Limited,
    /// Nothing: no such peer is registered.
    Unknown,
}

/// How much each peer has reported, and when each was probed.
#[derive(Debug)]
pub(super) struct Reports {
    pub(super) reporters: RequestLimiter,
    pub(super) probed: Throttle<PeerId>,
    /// Whether another probe may begin now.
    pub(super) may_probe: bool,
}

impl Reports {
    pub(super) fn new(limits: &Limits) -> Self {
        let reporters = RequestLimiter::new(
            limits.report_burst,
            limits.report_interval,
            limits.reporters_per_prefix,
            limits.reporters,
        );
        // Identities are free, so limits per reporter bound nothing together; this does.
        let probed = Throttle::new(1, limits.probe_interval, limits.probes, WhenFull::Wait);
        Self { reporters, probed, may_probe: true }
    }
}
