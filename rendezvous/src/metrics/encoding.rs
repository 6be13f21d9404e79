//! Names, kinds and words of the figures.
//!
//! OpenMetrics 1.0 (prometheus.io/docs/specs/om/open_metrics_spec); counters get `_total` at their end.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use shoal_wire::tracker::RegistryCounts;

use super::{Feed, RegistryFigures, Snapshot};
use crate::store::StoreStats;

/// The media type of what [`encode`] writes.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All that is shown of a feed.
pub(super) fn registry(feed: Feed) -> Registry {
    let mut registry = Registry::with_prefix("shoal_tracker");
    let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "The program", build);
    registry.register_collector(Box::new(feed));
    registry
}

/// The text.
pub(super) fn encode(registry: &Registry) -> Result<String, Error> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry)?;
    Ok(text)
}

impl Collector for Feed {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), Error> {
        let snapshot = self.latest();
        let mut lines = Lines(encoder);
        lines.general(&snapshot)?;
        if let Some(figures) = &snapshot.registry {
            lines.registry(figures)?;
        }
        if let Some(stats) = &snapshot.store {
            lines.store(stats)?;
        }
        lines.refusals(&snapshot)
    }
}

struct Lines<'a>(DescriptorEncoder<'a>);

impl Lines<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: f64) -> Result<(), Error> {
        let gauge = ConstGauge::new(value);
        gauge.encode(self.0.encode_descriptor(name, help, None, gauge.metric_type())?)
    }

    fn size(&mut self, name: &str, help: &str, value: usize) -> Result<(), Error> {
        self.gauge(name, help, value as f64)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        let counter = ConstCounter::new(value);
        counter.encode(self.0.encode_descriptor(name, help, None, counter.metric_type())?)
    }

    fn general(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        self.gauge(
            "uptime_seconds",
            "Time since the start, as of the last report",
            snapshot.uptime.as_secs_f64(),
        )?;
        self.size("connections", "Connections that stand", snapshot.connections as usize)?;
        self.size("pending_connections", "Connections being made", snapshot.pending_connections as usize)?;
        if let Some(payloads) = snapshot.payloads {
            self.size("payloads", "Payloads held", payloads.count)?;
            self.size("payload_bytes", "Size of the payloads held", payloads.bytes)?;
        }
        if let Some(entries) = snapshot.index_entries {
            self.size("index_entries", "Entries of the file index", entries)?;
        }
        Ok(())
    }

    fn registry(&mut self, figures: &RegistryFigures) -> Result<(), Error> {
        self.size("registrations", "Registrations held", figures.registrations)?;
        self.size("peers", "Peers registered somewhere", figures.peers)?;
        self.size("namespaces", "Namespaces with somebody in them", figures.namespaces)?;
        let RegistryCounts {
            registered,
            renewed,
            refused,
            unregistered,
            expired,
            gone,
            dead,
            discovered,
            discover_refused,
            probes,
            reports_limited,
        } = figures.counters;
        for (name, help, value) in [
            ("registered", "Newcomers let in", registered),
            ("renewed", "Renewals", renewed),
            ("register_refused", "Registrations refused", refused),
            ("unregistered", "Registrations taken back by their peer", unregistered),
            ("expired", "Registrations whose time ran out", expired),
            ("gone", "Registrations of peers that went away", gone),
            ("dead", "Registrations of peers that did not answer a probe", dead),
            ("discovered", "Discoveries answered", discovered),
            ("discover_refused", "Discoveries refused", discover_refused),
            ("probes", "Reports of dead peers that led to a probe", probes),
            ("reports_limited", "Reports of dead peers that were ignored", reports_limited),
        ] {
            self.counter(name, help, value)?;
        }
        Ok(())
    }

    fn store(&mut self, stats: &StoreStats) -> Result<(), Error> {
        self.size("store_pending", "Changes that wait to be written", stats.pending)?;
        self.size("store_pending_bytes", "Size of the changes that wait", stats.pending_bytes)?;
        self.size("store_failing", "1 if the last write failed", usize::from(stats.failing))?;
        self.counter("store_written", "Changes written", stats.written)?;
        self.counter("store_commits", "Batches written and synced", stats.commits)?;
        self.counter("store_failures", "Batches that failed", stats.failures)?;
        self.counter("store_dropped", "Changes that found no room", stats.dropped)
    }

    /// One line for each status that occurred.
    fn refusals(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let help = "Answers that refused, by status code of the rendezvous specification";
        let mut family = self.0.encode_descriptor("refusals", help, None, MetricType::Counter)?;
        for (status, count) in &snapshot.refusals {
            let labels = [("status", status.code().to_string())];
            ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
