//! Names, kinds and words of the figures.
//!
//! OpenMetrics 1.0 (prometheus.io/docs/specs/om/open_metrics_spec); counters get `_total` at their end, units stand
//! before that.

use std::fmt::{self, Error};
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// The media type of what this module writes.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Contents by what is done for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct StateCounts {
    /// Fetched.
    pub(super) fetching: u64,
    /// Served, complete.
    pub(super) serving: u64,
    /// Paused by the user, or ended.
    pub(super) resting: u64,
    /// Waiting for their files.
    pub(super) waiting: u64,
    /// Failed.
    pub(super) failed: u64,
}

/// What a node shows of itself. Counters count from its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct NodeFigures {
    /// How long it has been running.
    pub(super) uptime: Duration,
    /// Connections that stand.
    pub(super) connections: u64,
    /// Connections that ever stood.
    pub(super) connections_ever: u64,
    /// Bytes of chunks sent.
    pub(super) sent: u64,
    /// Verified bytes of chunks received.
    pub(super) received: u64,
    /// Bytes that came and were here already.
    pub(super) duplicate: u64,
    /// Chunks sent.
    pub(super) chunks_sent: u64,
    /// Verified chunks received.
    pub(super) chunks_received: u64,
    /// Chunks that came and were here already.
    pub(super) chunks_duplicate: u64,
    /// Chunks that did not match their hashes.
    pub(super) chunks_corrupt: u64,
    /// Requests for chunks that were refused.
    pub(super) requests_refused: u64,
    /// Questions answered.
    pub(super) questions_answered: u64,
    /// Questions refused.
    pub(super) questions_refused: u64,
    /// Chunks being sent.
    pub(super) uploads: u64,
    /// Chunks that may be sent at once.
    pub(super) upload_slots: u64,
    /// Contents whose chunks are being fetched.
    pub(super) downloads: u64,
    /// Bytes that peers wait for.
    pub(super) queued_bytes: u64,
    /// Requests that peers wait for.
    pub(super) queued_requests: u64,
    /// Limit for sending, in bytes per second.
    pub(super) limit_up: Option<u64>,
    /// Limit for fetching, in bytes per second.
    pub(super) limit_down: Option<u64>,
    /// Contents of the library.
    pub(super) contents: StateCounts,
}

/// Tells the figures when they are asked for; must not wait.
pub(super) type FigureSource = Arc<dyn Fn() -> NodeFigures + Send + Sync>;

/// All that is shown of a node itself.
pub(super) fn registry(source: FigureSource) -> Registry {
    let mut registry = Registry::default();
    let own = registry.sub_registry_with_prefix("shoal");
    let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
    own.register("build", "The program", build);
    own.register_collector(Box::new(Figures(source)));
    registry
}

/// The text of all that stands in these registries, which have no name in common.
pub(super) fn encode_all<'a>(registries: impl IntoIterator<Item = &'a Registry>) -> Result<String, Error> {
    use prometheus_client::encoding::text::{encode_eof, encode_registry};
    let mut text = String::new();
    registries.into_iter().try_for_each(|registry| encode_registry(&mut text, registry))?;
    encode_eof(&mut text)?;
    Ok(text)
}

struct Figures(FigureSource);

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), Error> {
        let figures = (self.0)();
        let mut lines = Lines(encoder);
        lines.exchange(&figures)?;
        lines.load(&figures)?;
        lines.limits(&figures)?;
        lines.contents(&figures.contents)
    }
}

struct Lines<'a>(DescriptorEncoder<'a>);

impl Lines<'_> {
    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: f64) -> Result<(), Error> {
        let gauge = ConstGauge::new(value);
        gauge.encode(self.0.encode_descriptor(name, help, unit, gauge.metric_type())?)
    }

    fn counter(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: u64) -> Result<(), Error> {
        let counter = ConstCounter::new(value);
        counter.encode(self.0.encode_descriptor(name, help, unit, counter.metric_type())?)
    }

    fn exchange(&mut self, figures: &NodeFigures) -> Result<(), Error> {
        for (name, help, value) in [
            ("sent", "Chunk bytes sent", figures.sent),
            ("received", "Verified chunk bytes received", figures.received),
            ("duplicate", "Chunk bytes that came twice", figures.duplicate),
        ] {
            self.counter(name, help, Some(&Unit::Bytes), value)?;
        }
        for (name, help, value) in [
            ("chunks_sent", "Chunks sent", figures.chunks_sent),
            ("chunks_received", "Verified chunks received", figures.chunks_received),
            ("chunks_duplicate", "Chunks that came twice", figures.chunks_duplicate),
            ("chunks_corrupt", "Chunks that did not match their hashes", figures.chunks_corrupt),
            ("chunk_requests_refused", "Requests for chunks refused", figures.requests_refused),
            ("questions_answered", "Questions of peers answered", figures.questions_answered),
            ("questions_refused", "Questions of peers refused", figures.questions_refused),
            ("connections_established", "Connections that ever stood", figures.connections_ever),
        ] {
            self.counter(name, help, None, value)?;
        }
        Ok(())
    }

    fn load(&mut self, figures: &NodeFigures) -> Result<(), Error> {
        self.gauge("uptime", "Time since the start", Some(&Unit::Seconds), figures.uptime.as_secs_f64())?;
        self.gauge(
            "queued",
            "Chunk bytes that peers wait for",
            Some(&Unit::Bytes),
            figures.queued_bytes as f64,
        )?;
        for (name, help, value) in [
            ("connections", "Connections that stand", figures.connections),
            ("uploads", "Chunks being sent", figures.uploads),
            ("upload_slots", "Chunks that may be sent at once", figures.upload_slots),
            ("downloads", "Contents whose chunks are being fetched", figures.downloads),
            ("queued_requests", "Requests for chunks that wait", figures.queued_requests),
        ] {
            self.gauge(name, help, None, value as f64)?;
        }
        Ok(())
    }

    /// A line for each direction that has a limit.
    fn limits(&mut self, figures: &NodeFigures) -> Result<(), Error> {
        let help = "Most chunk bytes per second; left out where there is no limit";
        let unit = Unit::Other("bytes_per_second".into());
        let mut family = self.0.encode_descriptor("limit", help, Some(&unit), MetricType::Gauge)?;
        for (direction, limit) in [("up", figures.limit_up), ("down", figures.limit_down)] {
            if let Some(limit) = limit {
                ConstGauge::new(limit as f64).encode(family.encode_family(&[("direction", direction)])?)?;
            }
        }
        Ok(())
    }

    /// A line for each state.
    fn contents(&mut self, counts: &StateCounts) -> Result<(), Error> {
        let StateCounts { fetching, serving, resting, waiting, failed } = *counts;
        let help = "Contents of the library by what is done for them";
        let mut family = self.0.encode_descriptor("contents", help, None, MetricType::Gauge)?;
        for (state, count) in [
            ("fetching", fetching),
            ("serving", serving),
            ("resting", resting),
            ("waiting", waiting),
            ("failed", failed),
        ] {
            ConstGauge::new(count as f64).encode(family.encode_family(&[("state", state)])?)?;
        }
        Ok(())
    }
}
