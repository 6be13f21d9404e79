//! The tracker of a simulated swarm: the very [`Registry`], asked without messages.

use std::time::Duration;

use super::id::{Number, number};
use shoal_engine::{SeededRng, TTL, numbered_peer};
use shoal_registry::{Registration, Registry, RegistryLimits};
use shoal_wire::tracker::{Role, Verdict};

/// The one namespace.
const SWARM: &str = "shoal/simulated";
/// Most peers in an answer, as a node asks for.
const ANSWER: u64 = 50;

#[derive(Debug)]
pub(super) struct Tracker(Registry);

impl Tracker {
    /// For up to `peers` that come in the course of time.
    pub(super) fn new(peers: usize, rng: SeededRng) -> Self {
        let limits = RegistryLimits { total: peers, per_namespace: peers, ..RegistryLimits::default() };
        Self(Registry::new(limits, rng))
    }

    /// A peer registers, or renews; returns the time that it is granted.
    pub(super) fn register(&mut self, now: Duration, node: Number, role: Role) -> Option<Duration> {
        let registration = Registration {
            peer: numbered_peer(node),
            namespace: SWARM.to_owned(),
            // Nobody looks into it.
            record: [0].into(),
            sequence: now.as_nanos() as u64,
            addresses: node.into(),
            observed: None,
            prefixes: Vec::new(),
            ttl: Some(TTL.as_secs()),
            role: Some(role),
        };
        self.0.register(now, registration).ok().map(Duration::from_secs)
    }

    /// The other members, as far as one answer tells.
    pub(super) fn discover(&mut self, now: Duration, node: Number) -> Vec<Number> {
        let page = self.0.discover(now, Some(SWARM), Some(ANSWER), None, Some(numbered_peer(node)));
        page.map_or_else(|_| Vec::new(), |page| page.listings.iter().map(|l| number(&l.peer)).collect())
    }

    /// A peer takes leave.
    pub(super) fn leave(&mut self, node: Number) {
        self.0.remove_peer(&numbered_peer(node));
    }

    /// A peer says that another is dead. The probe's answer comes at once.
    pub(super) fn report(&mut self, now: Duration, reporter: Number, subject: Number, alive: bool) {
        let subject = numbered_peer(subject);
        if self.0.report(now, numbered_peer(reporter), None, subject) == Verdict::Probing {
            self.0.probe_result(now, &subject, alive);
        }
    }
}
