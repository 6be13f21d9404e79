//! Reports of dead peers. A report removes nobody; it only makes the tracker look for itself.

// From `core`, which has the addresses but no sockets.
use core::net::IpAddr;
use std::time::Duration;

use libp2p_identity::PeerId;

use super::reports::Verdict;
use super::table::{Leave, Registry};

impl Registry {
    /// `reporter`, seen at `ip`, could not reach `peer`. Each report counts against its limit, whatever becomes
    /// of it.
    pub fn report(&mut self, now: Duration, reporter: PeerId, ip: Option<IpAddr>, peer: PeerId) -> Verdict {
        self.expire(now);
        let verdict = if !self.reports.reporters.allow(now, reporter, ip) {
            Verdict::Limited
        } else if !self.contains(&peer) {
            Verdict::Unknown
        } else if self.reports.may_probe && self.reports.probed.allow(now, peer) {
            Verdict::Probe(peer)
        } else {
            Verdict::Limited
        };
        self.counters.probes += u64::from(verdict == Verdict::Probe(peer));
        self.counters.reports_limited += u64::from(verdict == Verdict::Limited);
        verdict
    }

    /// Whether whoever probes has room for another one: until it has, reports that would lead to a probe are
    /// [`Verdict::Limited`]. It has at first.
    pub fn set_may_probe(&mut self, may_probe: bool) {
        self.reports.may_probe = may_probe;
    }

    /// What a probe found. A peer that did not answer loses its registrations, unless it has registered or
    /// renewed since the probe began. Returns how many it lost.
    pub fn probe_result(&mut self, now: Duration, peer: &PeerId, alive: bool) -> usize {
        self.expire(now);
        // A probe that is no longer remembered began before this.
        let earliest = now.saturating_sub(self.limits.probe_interval);
        let began = self.reports.probed.last(peer).unwrap_or(earliest);
        let spoke = self.peers.key(peer).is_some_and(|key| self.peers[key].seen > began);
        if alive || spoke { 0 } else { self.remove_all_of(peer, Leave::Dead) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::testing::peer;
    use crate::testing::{registration, registry, secs};

    #[test]
    fn only_a_failed_probe_removes() {
        let mut registry = registry(Limits::default());
        registry.register(secs(0), registration(1, "a")).unwrap();
        registry.register(secs(0), registration(1, "b")).unwrap();
        assert_eq!(registry.report(secs(1), peer(9), None, peer(1)), Verdict::Probe(peer(1)));
        assert_eq!(registry.probe_result(secs(2), &peer(1), true), 0);
        assert_eq!(registry.len(), 2, "a false report does no harm");
        assert_eq!(registry.report(secs(5), peer(9), None, peer(1)), Verdict::Limited);
        assert_eq!(registry.report(secs(11), peer(9), None, peer(1)), Verdict::Probe(peer(1)));
        assert_eq!(registry.probe_result(secs(12), &peer(1), false), 2);
        assert!(registry.is_empty());
        assert_eq!(registry.report(secs(13), peer(9), None, peer(1)), Verdict::Unknown);
        assert_eq!(registry.counters().dead, 2);
    }

    #[test]
    fn nothing_is_probed_while_there_is_no_room_and_everything_after() {
        let mut registry = registry(Limits::default());
        registry.register(secs(0), registration(1, "a")).unwrap();
        registry.set_may_probe(false);
        assert_eq!(registry.report(secs(1), peer(9), None, peer(1)), Verdict::Limited);
        assert_eq!(registry.report(secs(1), peer(9), None, peer(2)), Verdict::Unknown);
        registry.set_may_probe(true);
        assert_eq!(
            registry.report(secs(2), peer(9), None, peer(1)),
            Verdict::Probe(peer(1)),
            "it was not probed"
        );
        assert_eq!((registry.counters().probes, registry.counters().reports_limited), (1, 1));
    }

    #[test]
    fn who_renews_during_a_probe_is_alive() {
        let mut registry = registry(Limits::default());
        registry.register(secs(0), registration(1, "a")).unwrap();
        registry.report(secs(1), peer(9), None, peer(1));
        registry.register(secs(2), registration(1, "a")).unwrap();
        assert_eq!(registry.probe_result(secs(3), &peer(1), false), 0);
        assert!(registry.contains(&peer(1)));
    }

    #[test]
    fn a_probe_that_takes_long_does_not_remove_who_spoke_meanwhile() {
        let mut registry = registry(Limits::default());
        (1..=2).for_each(|n| assert!(registry.register(secs(0), registration(n, "a")).is_ok()));
        registry.report(secs(1), peer(9), None, peer(1));
        registry.report(secs(12), peer(9), None, peer(2));
        assert_eq!(registry.reports.probed.last(&peer(1)), None, "forgotten");
        registry.register(secs(13), registration(1, "a")).unwrap();
        assert_eq!(registry.probe_result(secs(14), &peer(1), false), 0);
        assert_eq!(registry.probe_result(secs(24), &peer(1), false), 1);
    }

    #[test]
    fn a_reporter_has_a_limit() {
        let limits = Limits { report_burst: 2, ..Limits::default() };
        let mut registry = registry(limits);
        (1..5).for_each(|n| assert!(registry.register(secs(0), registration(n, "a")).is_ok()));
        assert_eq!(registry.report(secs(1), peer(9), None, peer(1)), Verdict::Probe(peer(1)));
        assert_eq!(registry.report(secs(1), peer(9), None, peer(2)), Verdict::Probe(peer(2)));
        assert_eq!(registry.report(secs(1), peer(9), None, peer(3)), Verdict::Limited);
        assert_eq!(registry.report(secs(1), peer(8), None, peer(3)), Verdict::Probe(peer(3)));
        assert_eq!(registry.report(secs(4), peer(9), None, peer(4)), Verdict::Probe(peer(4)));
        assert_eq!((registry.counters().probes, registry.counters().reports_limited), (4, 1));
    }

    #[test]
    fn reporters_of_one_network_do_not_take_up_all_probes() {
        let limits = Limits { report_burst: 2, reporters_per_prefix: 3, ..Limits::default() };
        let mut registry = registry(limits);
        (0..100).for_each(|n| assert!(registry.register(secs(0), registration(n, "a")).is_ok()));
        let mut report = |reporter: usize, ip: [u8; 4], about: usize| {
            registry.report(secs(1), peer(1_000 + reporter), Some(ip.into()), peer(about))
        };
        let probes = (0..50).filter(|n| report(*n, [8, 8, 8, *n as u8], *n) == Verdict::Probe(peer(*n)));
        assert_eq!(probes.count(), 6);
        assert_eq!(report(50, [8, 8, 9, 1], 50), Verdict::Probe(peer(50)), "another network");
    }

    #[test]
    fn many_reporters_cause_few_probes_and_little_memory() {
        let limits = Limits { probes: 10, reporters: 20, ..Limits::default() };
        let mut registry = registry(limits);
        (0..100).for_each(|n| assert!(registry.register(secs(0), registration(n, "a")).is_ok()));
        let probes = (0..1_000).filter(|n| {
            registry.report(secs(1), peer(1_000 + n), None, peer(n % 100)) == Verdict::Probe(peer(n % 100))
        });
        assert_eq!(probes.count(), 10);
        assert_eq!((registry.reports.probed.len(), registry.reports.reporters.len()), (10, 20));
    }
}
