//! How often peers may report others, and how often a peer is probed because of that.

use libp2p_identity::PeerId;

use super::throttle::{Throttle, WhenFull};
use super::{RegistryLimits, RequestLimiter};

/// How much each peer has reported, and when each was probed last.
#[derive(Debug)]
pub(super) struct ReportLimits {
    pub(super) reporters: RequestLimiter,
    pub(super) probed: Throttle<PeerId>,
    /// Whether another probe may begin now.
    pub(super) may_probe: bool,
}

impl ReportLimits {
    pub(super) fn new(limits: &RegistryLimits) -> Self {
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
