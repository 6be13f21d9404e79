//! The options of relaying, how they add up, and their defaults.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::ConfigError;
use super::text::Text;
use crate::settings::RelaySettings;

/// The longest time of one connection that the protocol can say, in seconds.
const MAX_TIME: u64 = u32::MAX as u64;

/// The options of the file's table `relaying`.
#[derive(Args, Deserialize, Debug, Clone, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[command(next_help_heading = "Relaying")]
pub(super) struct RelayOptions {
    /// Relay between peers that routers keep apart; within the limits below they find a direct way, and move no data
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    relay: Option<bool>,
    /// Most peers to relay to [default: 1024]
    #[arg(long, value_name = "N")]
    relay_peers: Option<usize>,
    /// Most connections to relay at once [default: 256]
    #[arg(long, value_name = "N")]
    relay_connections: Option<usize>,
    /// Of those, most of one peer [default: 8]
    #[arg(long, value_name = "N")]
    relay_connections_per_peer: Option<usize>,
    /// Most bytes over one relayed connection; 0 for no limit: peers then move data over it [default: 131072]
    #[arg(long, value_name = "BYTES")]
    relay_bytes: Option<u64>,
    /// Longest time of one relayed connection; 0s for no limit [default: 2m]
    #[arg(long, value_name = "TIME")]
    relay_time: Option<Text<humantime::Duration>>,
}

impl RelayOptions {
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            relay: self.relay.or(other.relay),
            relay_peers: self.relay_peers.or(other.relay_peers),
            relay_connections: self.relay_connections.or(other.relay_connections),
            relay_connections_per_peer: self.relay_connections_per_peer.or(other.relay_connections_per_peer),
            relay_bytes: self.relay_bytes.or(other.relay_bytes),
            relay_time: self.relay_time.or(other.relay_time),
        }
    }

    /// `None`: it does not relay.
    pub(super) fn complete(self) -> Result<Option<RelaySettings>, ConfigError> {
        let standard = RelaySettings::default();
        let settings = RelaySettings {
            reservations: self.relay_peers.unwrap_or(standard.reservations),
            circuits: self.relay_connections.unwrap_or(standard.circuits),
            circuits_per_peer: self.relay_connections_per_peer.unwrap_or(standard.circuits_per_peer),
            circuit_bytes: self.relay_bytes.unwrap_or(standard.circuit_bytes),
            circuit_time: self.relay_time.map_or(standard.circuit_time, |text| Duration::from(text.0)),
        };
        if [settings.reservations, settings.circuits, settings.circuits_per_peer].contains(&0) {
            return Err(ConfigError::Contradiction("the numbers of relaying start at 1".into()));
        }
        // Parts of a second would become none, which means no limit.
        let time = settings.circuit_time;
        if time.as_secs() > MAX_TIME || (!time.is_zero() && time < Duration::from_secs(1)) {
            return Err(ConfigError::Contradiction("relay-time is 0s, or from 1s to 136 years".into()));
        }
        Ok(self.relay.unwrap_or_default().then_some(settings))
    }
}
