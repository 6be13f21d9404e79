//! libp2p's own figures, for whoever wants to show them.

use std::fmt;
use std::sync::Arc;

use libp2p::metrics::{Metrics, Recorder, Registry};
use libp2p::ping;
use libp2p::swarm::SwarmEvent;

use crate::behaviour::BehaviourEvent;

/// Counts what happens in a node's Swarm; see [`NodeConfig::metrics`](crate::NodeConfig::metrics). Cheap to clone.
///
/// What peers say of themselves, and of the addresses at which they see this node, is not counted: its labels would be
/// theirs to choose.
#[derive(Clone)]
pub struct SwarmMetrics(Arc<Counted>);

struct Counted {
    metrics: Metrics,
    registry: Registry,
}

impl Default for SwarmMetrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        Self(Arc::new(Counted { metrics, registry }))
    }
}

impl SwarmMetrics {
    /// The figures, under `libp2p`.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Counts an event.
    pub(crate) fn count(&self, event: &SwarmEvent<BehaviourEvent>) {
        if !matches!(event, SwarmEvent::NewExternalAddrCandidate { .. }) {
            self.0.metrics.record(event);
        }
        if let SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) = event {
            Recorder::<ping::Event>::record(&self.0.metrics, event);
        }
    }
}

impl fmt::Debug for SwarmMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SwarmMetrics")
    }
}
