//! Options that say how a node finds others without a tracker.

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};
use shoal_net::{DhtMode, DiscoveryConfig};

use super::address::address;
use super::known_peers;

/// What a node is in the DHT.
#[derive(clap::ValueEnum, Deserialize, Serialize, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DhtArg {
    /// It takes no part
    Off,
    /// It asks, and answers nobody
    Client,
    /// It asks, and answers everybody
    Server,
    /// It answers peers on private networks; others, once it has a public address (default)
    #[default]
    Auto,
}

impl From<DhtArg> for DhtMode {
    fn from(mode: DhtArg) -> Self {
        match mode {
            DhtArg::Off => Self::Off,
            DhtArg::Client => Self::Client,
            DhtArg::Server => Self::Server,
            DhtArg::Auto => Self::Auto,
        }
    }
}

/// How the node finds others without a tracker.
#[derive(clap::Args, Debug, Clone, Default)]
#[command(next_help_heading = "Without a tracker")]
pub(super) struct FindingArgs {
    /// Neither look for neighbours on the local network nor tell them of this node
    #[arg(long)]
    pub(super) no_mdns: bool,
    /// Part that the node takes in the distributed hash table
    #[arg(long, value_enum, value_name = "MODE", default_value_t, hide_default_value = true)]
    pub(super) dht: DhtArg,
    /// Address of any running node, to begin with in the DHT; may be given several times
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(super) bootstrap: Vec<Multiaddr>,
    /// Name under which the DHT is spoken; nodes with different names do not see each other there [default: /shoal/kad/1]
    #[arg(long, value_name = "NAME", value_parser = protocol)]
    pub(super) dht_protocol: Option<String>,
}

/// Reads the name of a protocol.
pub(super) fn protocol(text: &str) -> Result<String, String> {
    let plain = text.len() > 1 && text.len() <= 100 && text.chars().all(|c| c.is_ascii_graphic());
    if plain && text.starts_with('/') {
        return Ok(text.to_owned());
    }
    Err("a protocol's name begins with / and has visible ASCII characters, at most 100".into())
}

impl FindingArgs {
    /// What is given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let all = [
            (self.no_mdns, "--no-mdns"),
            (self.dht != DhtArg::default(), "--dht"),
            (!self.bootstrap.is_empty(), "--bootstrap"),
            (self.dht_protocol.is_some(), "--dht-protocol"),
        ];
        all.into_iter().find(|(given, _)| *given).map(|(_, name)| name)
    }

    /// As a node takes it.
    pub(super) fn config(&self) -> DiscoveryConfig {
        let standard = DiscoveryConfig::default();
        DiscoveryConfig {
            mdns: !self.no_mdns,
            dht: self.dht.into(),
            protocol: self.dht_protocol.clone().unwrap_or(standard.protocol),
            bootstrap: self.bootstrap.clone(),
            remembered: Vec::new(),
        }
    }

    /// The same, with the peers that worked the last time, for a node of a command's own.
    pub(super) fn config_with_known_peers(&self) -> DiscoveryConfig {
        let config = self.config();
        match config.dht {
            // Whoever wants neither has said that nobody is to be asked.
            DhtMode::Off if !config.mdns => config,
            _ => DiscoveryConfig { remembered: known_peers::load(), ..config },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_has_a_plain_name() {
        assert_eq!(protocol("/ipfs/kad/1.0.0").as_deref(), Ok("/ipfs/kad/1.0.0"));
        for bad in ["", "/", "ipfs/kad", "/a b", "/\u{1b}[2J", &"/x".repeat(60)] {
            assert!(protocol(bad).is_err(), "{bad:?}");
        }
    }
}
