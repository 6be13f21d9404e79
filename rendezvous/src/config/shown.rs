//! The configuration as it is shown.

use std::time::Duration;

use libp2p::Multiaddr;
use serde::Serialize;

use crate::settings::RelaySettings;

use super::{LogFormat, TrackerConfig};

impl TrackerConfig {
    /// As a file that says all of it.
    pub fn to_toml(&self) -> String {
        let text = toml::to_string(&Effective::of(self));
        text.expect("text, numbers and lists of text are TOML")
    }
}

/// What is shown: the names and values of a file.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Effective<'a> {
    listen: Vec<String>,
    external: Vec<String>,
    data: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a str>,
    log_format: LogFormat,
    connections: u32,
    relaying: EffectiveRelaying,
    limits: EffectiveLimits,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct EffectiveRelaying {
    relay: bool,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    bounds: Option<EffectiveBounds>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct EffectiveBounds {
    relay_peers: usize,
    relay_connections: usize,
    relay_connections_per_peer: usize,
    relay_bytes: u64,
    relay_time: String,
}

impl EffectiveRelaying {
    fn of(relay: Option<&RelaySettings>) -> Self {
        let bounds = relay.map(|relay| EffectiveBounds {
            relay_peers: relay.reservations,
            relay_connections: relay.circuits,
            relay_connections_per_peer: relay.circuits_per_peer,
            relay_bytes: relay.circuit_bytes,
            relay_time: humantime::format_duration(relay.circuit_time).to_string(),
        });
        Self { relay: relay.is_some(), bounds }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct EffectiveLimits {
    total: usize,
    per_namespace: usize,
    per_peer: usize,
    per_prefix: usize,
    page: usize,
    default_ttl: String,
    min_ttl: String,
    max_ttl: String,
}

impl<'a> Effective<'a> {
    fn of(config: &'a TrackerConfig) -> Self {
        let text = |addresses: &[Multiaddr]| addresses.iter().map(Multiaddr::to_string).collect();
        let time = |seconds| humantime::format_duration(Duration::from_secs(seconds)).to_string();
        let limits = &config.limits;
        Self {
            listen: text(&config.listen),
            external: text(&config.external),
            data: config.data.display().to_string(),
            metrics: config.metrics.map(|address| address.to_string()),
            log: config.log.as_deref(),
            log_format: config.log_format,
            connections: config.connections,
            relaying: EffectiveRelaying::of(config.relay.as_ref()),
            limits: EffectiveLimits {
                total: limits.total,
                per_namespace: limits.per_namespace,
                per_peer: limits.per_peer,
                per_prefix: limits.per_prefix,
                page: limits.page,
                default_ttl: time(limits.default_ttl),
                min_ttl: time(limits.min_ttl),
                max_ttl: time(limits.max_ttl),
            },
        }
    }
}
