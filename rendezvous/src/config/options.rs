//! The options themselves, how they add up, and their defaults.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use libp2p::Multiaddr;
use serde::Deserialize;
use shoal_registry::{RegistryLimits, SPEC_MAX_TTL};

use super::relaying::RelayOptions;
use super::text::{Text, read_file};
use super::{ConfigError, LogFormat, MetricsAddress, TrackerConfig};
use crate::settings::Settings;

/// Options as they were given; what was not given is `None`.
#[derive(Args, Deserialize, Debug, Clone, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Options {
    /// Address to listen on; may be given several times [default: /ip4/0.0.0.0/tcp/6969
    /// /ip4/0.0.0.0/udp/6969/quic-v1]
    #[arg(long, value_name = "ADDR")]
    listen: Option<Vec<Text<Multiaddr>>>,
    /// Address at which peers reach the tracker, if it is another one than it listens on, such as
    /// /dns4/tracker.example.org/tcp/6969; may be given several times
    #[arg(long, value_name = "ADDR")]
    external: Option<Vec<Text<Multiaddr>>>,
    /// Folder for the tracker's key, so that its address stays the same, and for its state
    /// [default: shoal-rendezvous in your data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Serve figures for Prometheus at http://ADDR/metrics; a port alone means 127.0.0.1
    #[arg(long, value_name = "ADDR|PORT")]
    metrics: Option<Text<MetricsAddress>>,
    /// What is logged: error, warn, info, debug, trace, or a filter as in RUST_LOG [default: RUST_LOG, or warn]
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// How it is logged, on standard error [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// Most connections at once [default: 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    connections: Option<u32>,
    #[command(flatten)]
    relaying: RelayOptions,
    #[command(flatten)]
    limits: LimitOptions,
}

/// The options of the file's table `limits`.
#[derive(Args, Deserialize, Debug, Clone, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[command(next_help_heading = "Limits")]
struct LimitOptions {
    /// Most registrations in all [default: 200000]
    #[arg(long, value_name = "N")]
    total: Option<usize>,
    /// Most registrations in one namespace [default: 100000]
    #[arg(long, value_name = "N")]
    per_namespace: Option<usize>,
    /// Most registrations of one peer [default: 1000]
    #[arg(long, value_name = "N")]
    per_peer: Option<usize>,
    /// Most registrations from one public network, /24 or /48 [default: 5000]
    #[arg(long, value_name = "N")]
    per_prefix: Option<usize>,
    /// Most peers in one answer, at most 400 [default: 100]
    #[arg(long, value_name = "N")]
    page: Option<usize>,
    /// How long a registration lasts if the peer does not say [default: 1m]
    #[arg(long, value_name = "TIME")]
    default_ttl: Option<Text<humantime::Duration>>,
    /// Shortest time that a peer may ask for [default: 20s]
    #[arg(long, value_name = "TIME")]
    min_ttl: Option<Text<humantime::Duration>>,
    /// Longest time that is granted, at most 3days [default: 2h]
    #[arg(long, value_name = "TIME")]
    max_ttl: Option<Text<humantime::Duration>>,
}

impl Options {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is larger than 1 MiB, not TOML, or has an unknown or malformed option in it; then
    /// the line and the key are named.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        read_file(path)
    }

    /// These options, and where they say nothing, those.
    pub fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            external: self.external.or(other.external),
            data: self.data.or(other.data),
            metrics: self.metrics.or(other.metrics),
            log: self.log.or(other.log),
            log_format: self.log_format.or(other.log_format),
            connections: self.connections.or(other.connections),
            relaying: self.relaying.or(other.relaying),
            limits: self.limits.or(other.limits),
        }
    }

    /// With a folder for key and state, unless one was given.
    pub fn or_data(self, folder: &Path) -> Self {
        Self { data: self.data.or_else(|| Some(folder.to_owned())), ..self }
    }

    /// With the defaults for what was not given.
    ///
    /// # Errors
    /// Options contradict each other, or there is no home folder and none was given.
    pub fn complete(self) -> Result<TrackerConfig, ConfigError> {
        let plain = |addresses: Vec<Text<Multiaddr>>| addresses.into_iter().map(|text| text.0).collect();
        let data = self.data.or_else(standard_folder).ok_or(ConfigError::NoHome)?;
        let listen = self.listen.map_or_else(standard_addresses, plain);
        if listen.is_empty() {
            return Err(ConfigError::Contradiction("listen names no address".into()));
        }
        if self.connections == Some(0) {
            return Err(ConfigError::Contradiction("connections starts at 1".into()));
        }
        Ok(TrackerConfig {
            listen,
            external: self.external.map(plain).unwrap_or_default(),
            data,
            metrics: self.metrics.map(|text| text.0.0),
            log: self.log,
            log_format: self.log_format.unwrap_or_default(),
            connections: self.connections.unwrap_or(Settings::default().connections),
            relay: self.relaying.complete()?,
            limits: self.limits.complete()?,
        })
    }
}

impl LimitOptions {
    fn or(self, other: Self) -> Self {
        Self {
            total: self.total.or(other.total),
            per_namespace: self.per_namespace.or(other.per_namespace),
            per_peer: self.per_peer.or(other.per_peer),
            per_prefix: self.per_prefix.or(other.per_prefix),
            page: self.page.or(other.page),
            default_ttl: self.default_ttl.or(other.default_ttl),
            min_ttl: self.min_ttl.or(other.min_ttl),
            max_ttl: self.max_ttl.or(other.max_ttl),
        }
    }

    fn complete(self) -> Result<RegistryLimits, ConfigError> {
        /// With the longest records, more do not fit into the 1 MiB that clients read.
        const MAX_PAGE: usize = 400;
        let standard = RegistryLimits::default();
        let seconds = |time: Option<Text<humantime::Duration>>, standard: u64| {
            time.map_or(standard, |text| Duration::from(text.0).as_secs())
        };
        let limits = RegistryLimits {
            total: self.total.unwrap_or(standard.total),
            per_namespace: self.per_namespace.unwrap_or(standard.per_namespace),
            per_peer: self.per_peer.unwrap_or(standard.per_peer),
            per_prefix: self.per_prefix.unwrap_or(standard.per_prefix),
            page: self.page.unwrap_or(standard.page),
            default_ttl: seconds(self.default_ttl, standard.default_ttl),
            min_ttl: seconds(self.min_ttl, standard.min_ttl),
            max_ttl: seconds(self.max_ttl, standard.max_ttl),
            ..standard
        };
        let counts = [limits.total, limits.per_namespace, limits.per_peer, limits.per_prefix, limits.page];
        let wrong = if counts.contains(&0) {
            "limits start at 1"
        } else if limits.page > MAX_PAGE {
            "page is at most 400"
        } else if limits.min_ttl == 0 || limits.max_ttl > SPEC_MAX_TTL {
            "times are from 1s (min-ttl) to 3days (max-ttl)"
        } else if !(limits.min_ttl <= limits.default_ttl && limits.default_ttl <= limits.max_ttl) {
            "min-ttl must not exceed default-ttl, nor that max-ttl"
        } else {
            return Ok(limits);
        };
        Err(ConfigError::Contradiction(wrong.into()))
    }
}

fn standard_addresses() -> Vec<Multiaddr> {
    let addresses = ["/ip4/0.0.0.0/tcp/6969", "/ip4/0.0.0.0/udp/6969/quic-v1"];
    addresses.map(|address| address.parse().expect("an address")).into()
}

fn standard_folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    Some(etcetera::choose_base_strategy().ok()?.data_dir().join("shoal-rendezvous"))
}
